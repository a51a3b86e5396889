"""Pictures of an episode at chosen moments, and those that the policy imagined beside what came."""
from bisect import bisect_left
from dataclasses import dataclass

from ..embodiment.joints import CHUNK_ROWS, CONTROL_PERIOD
from .bag import BagReader
from .images import decompress

AHEAD = round(CHUNK_ROWS * CONTROL_PERIOD * 1e9)
"""ns from an observation to the moment that its imagined pictures show: the end of the chunk."""


@dataclass(frozen=True, eq=False)
class Film:
    """``times``: s since the begin. ``pictures``: camera -> one (H, W, 3) uint8 a time, None before the first."""

    times: tuple
    pictures: dict


@dataclass(frozen=True, eq=False)
class Imagined:
    """One chunk's future. ``time``: s since the begin that it shows. ``imagined``, ``actual``: camera -> (H, W, 3)
    uint8; ``actual`` lacks the cameras that had no picture by then, or when the episode was over."""

    time: float
    imagined: dict
    actual: dict


def film(folder, count):
    """``Film`` of ``count`` moments, evenly spaced over an episode, its end the last of them."""
    with BagReader(folder) as bag:
        robot = bag.record.robot
        topics = dict(zip(robot.compressed_images(), robot.cameras))
        begin, end = bag.record.started, bag.record.ended
        moments = [begin + (end - begin) * (i + 1) // count for i in range(count)]
        found = _latest(bag, topics, moments)
        return Film(tuple((moment - begin) * 1e-9 for moment in moments),
                    {camera: [_picture(bag, topic, raw) for raw in found[topic]] for topic, camera in topics.items()})


def imagined_futures(folder, count):
    """Up to ``count`` chunks' ``Imagined``, evenly spaced; empty when the policy's pictures were not recorded."""
    with BagReader(folder) as bag:
        record, robot = bag.record, bag.record.robot
        topics = dict(zip(robot.imagined(), robot.cameras))
        futures = {}
        for topic, _, message in bag.messages(topics):
            seen = message.header.stamp.sec * 10 ** 9 + message.header.stamp.nanosec
            futures.setdefault(seen, {})[topics[topic]] = decompress(message)
        chosen = sorted(futures)
        if len(chosen) > count:
            chosen = [chosen[i * (len(chosen) - 1) // (count - 1)] for i in range(count)]
        moments = [seen + AHEAD for seen in chosen]
        cameras = dict(zip(robot.compressed_images(), robot.cameras))
        found = _latest(bag, cameras, moments)
        shown = []
        for number, (seen, moment) in enumerate(zip(chosen, moments)):
            over = moment > record.ended
            actual = {} if over else {camera: _picture(bag, topic, found[topic][number])
                                      for topic, camera in cameras.items()}
            shown.append(Imagined((moment - record.started) * 1e-9, futures[seen],
                                  {camera: image for camera, image in actual.items() if image is not None}))
        return shown


def _latest(bag, topics, moments):
    """Topic -> the last raw message by each of the ascending ``moments`` (ns), None before the first."""
    found = {topic: [None] * len(moments) for topic in topics}
    for topic, stamp, raw in bag.raw(topics):
        at = bisect_left(moments, stamp)
        if at < len(moments):
            found[topic][at] = raw
    for kept in found.values():
        for at in range(1, len(kept)):
            kept[at] = kept[at] or kept[at - 1]
    return found


def _picture(bag, topic, raw):
    return None if raw is None else decompress(bag.decode(topic, raw))
