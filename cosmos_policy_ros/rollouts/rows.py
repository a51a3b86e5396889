"""A recorded episode as rows to learn from: what was seen and measured before each row, and the row itself."""
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..embodiment.joints import ACTION_DIM, ARM_JOINTS
from .bag import BagReader
from .episode import EpisodeRecord
from .images import decompress
from .topics import SETPOINT

OLDEST_STATE = 0.05
"""s before a row's target time within which the arms have to have been measured."""

OLDEST_IMAGE = 0.1
"""s before it within which each camera has to have taken a picture."""


@dataclass(frozen=True, eq=False)
class EpisodeRows:
    """``state``, ``action``: (T, 14) float32. ``image_rows``: (K,) int32, ascending, the last row included. ``images``:
    (K, cameras, S, S, 3) uint8 RGB, whole views squashed. ``state_age``, ``image_age``: s, the largest."""

    record: EpisodeRecord
    state: np.ndarray
    action: np.ndarray
    image_rows: np.ndarray
    images: np.ndarray
    state_age: float
    image_age: float


def read_episode_rows(folder, gripper, size, every):
    """``EpisodeRows`` of a finished episode folder, paired by the stamps of the messages.

    Args:
        gripper: ``GripperMap`` of the arms. size: pixels. every: rows between two images.

    Raises:
        ValueError: no rows, or a row before which a stream was silent for too long.
    """
    with BagReader(folder) as bag:
        record, robot = bag.record, bag.record.robot
        joints, cameras = robot.joint_states(), robot.compressed_images()
        streams = {topic: ([], []) for topic in (SETPOINT, *joints, *cameras)}
        for topic, _, message in bag.messages(streams):
            streams[topic][0].append(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)
            streams[topic][1].append(message)
    times, setpoints = streams[SETPOINT]
    if not times:
        raise ValueError(f'{folder}: no rows: nothing had the arms')

    def before(topic, row, oldest):
        stamps, messages = streams[topic]
        found = bisect_right(stamps, times[row] + 1e-6) - 1
        age = times[row] - stamps[found] if found >= 0 else np.inf
        if age > oldest:
            raise ValueError(f'{folder}: row {row}: {topic} is {age:.3f} s old, at most {oldest} s; leave this episode out')
        return messages[found], age

    state, ages, image_ages, images = np.empty((len(times), ACTION_DIM), np.float32), [], [], []
    for row in range(len(times)):
        for side, topic in enumerate(joints):
            message, age = before(topic, row, OLDEST_STATE)
            state[row, 7 * side:7 * side + 7] = _observed(message, gripper)
            ages.append(age)
    image_rows = sorted({*range(0, len(times), every), len(times) - 1})
    for row in image_rows:
        pairs = [before(topic, row, OLDEST_IMAGE) for topic in cameras]
        image_ages += [age for _, age in pairs]
        images.append([_squash(decompress(message), size) for message, _ in pairs])
    return EpisodeRows(record, state, np.array([message.positions for message in setpoints], np.float32),
                       np.array(image_rows, np.int32), np.array(images, np.uint8), max(ages), max(image_ages))


def _observed(message, gripper):
    places = [message.name.index(name) for name in (*ARM_JOINTS, 'left_finger')]
    values = np.asarray(message.position)[places]
    return [*values[:6], gripper.observation_from_finger(values[6])]


def _squash(image, size):
    return np.asarray(Image.fromarray(image).resize((size, size), Image.BOX))
