"""Recording one camera frame (message in, JPEG, bag on disk) against the bare JPEG encoding of the same picture.

    python benchmarks/bench_recording.py
"""
import tempfile
from dataclasses import replace

import numpy as np
from comparison import line, medians

from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.images import encode_jpeg
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.recording import Recording
from cosmos_policy_ros.rollouts.topics import IMAGE, RobotTopics, recorded_topics

FRAMES = 50
"""Frames an episode: fewer than what may wait for the writer, so that none is dropped."""
ROUNDS = 9
QUALITY = 95
PERIOD = 40_000_000  # ns


def picture():
    """(480, 640, 3) uint8 with edges and a little noise, about as hard to compress as a camera's."""
    y, x = np.mgrid[:480, :640]
    waves = np.stack([128 + 60 * np.sin(x / 37) + 40 * np.sign(np.sin(y / 53)), 0.3 * x + 0.1 * y,
                      128 + 90 * np.cos((x + y) / 71)], axis=-1)
    return np.clip(waves + np.random.default_rng(0).normal(0, 4, waves.shape), 0, 255).astype(np.uint8)


def serialised(types, image, stamp):
    """CDR of the raw image message."""
    time = types.types['builtin_interfaces/msg/Time'](stamp // 10 ** 9, stamp % 10 ** 9)
    header = types.types['std_msgs/msg/Header'](time, 'cam')
    height, width, _ = image.shape
    message = types.types[IMAGE](header, height, width, 'rgb8', 0, 3 * width, image.reshape(-1))
    return bytes(types.serialize_cdr(message, IMAGE))


def main():
    image, types, robot = picture(), message_types(), RobotTopics()
    topics, topic = recorded_topics(robot), robot.images[0]
    frames = [(PERIOD * (i + 1), serialised(types, image, PERIOD * (i + 1))) for i in range(FRAMES)]
    begun = 0

    def record(output):
        nonlocal begun
        begun += 1
        episode = EpisodeRecord(f'episode_{begun}', 'plate', '', 0, PERIOD, '2000-01-01T00:00:00+00:00')
        recording = Recording(output, episode, topics, types, QUALITY, 0)
        for stamp, raw in frames:
            recording.put(topic, stamp, raw)
        recording.finish(replace(episode, outcome=Outcome.SUCCESS), PERIOD * (FRAMES + 1))
        received = sum(audit.received for audit in recording.record.topics)
        assert received == FRAMES, f'{received} of {FRAMES} frames were written'

    with tempfile.TemporaryDirectory() as output:
        seconds = medians({'record': lambda: record(output),
                           'encode': lambda: [encode_jpeg(image, QUALITY) for _ in range(FRAMES)]}, ROUNDS)
    frame, bare = seconds['record'] / FRAMES, seconds['encode'] / FRAMES
    print(line('bench_recording', ('one 640x480 frame into the bag', frame),
               [(frame / bare, 'bare JPEG encoding', bare)],
               f'three cameras at 25 Hz take {100 * 3 * frame / (1e-9 * PERIOD):.0f} % of a core'))


if __name__ == '__main__':
    main()
