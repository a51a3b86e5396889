"""The running simulator as a client sees it: everything it publishes, recorded by a probe."""
import zlib
from functools import partial

import numpy as np
from graph_probe import wait
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState

from cosmos_policy_ros.msg import TaskState
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.rollouts.topics import RobotTopics
from cosmos_policy_ros.srv import ResetSimulation

TOPICS = RobotTopics()


class Robot:
    """The running simulator as a client sees it."""

    def __init__(self, probe, arms=TOPICS.arms):
        self.probe = probe
        self.clock = probe.record(Clock, '/clock', 100)
        self.states = {arm: probe.record(JointState, f'{arm}/joint_states', 100) for arm in arms}
        self.tasks = probe.record(TaskState, '/sim/task_state', 20)
        self.images, self.infos, self.arrivals = {}, {}, {}  # an arrival: (stamp, s of simulated time, checksum)
        for topic in TOPICS.images:
            self.images[topic], self.arrivals[topic] = [], []
            probe.listen(Image, topic, partial(self._take, topic), 50)
            self.infos[topic] = probe.record(CameraInfo, topic.replace('image_rect_raw', 'camera_info'))

    def _take(self, topic, message):
        array = np.frombuffer(message.data, np.uint8)
        facts = message.height, message.width, message.encoding, message.step, len(message.data), int(array.max())
        self.images[topic].append((seconds(message.header.stamp), message.header.frame_id, facts))
        self.arrivals[topic].append((self.images[topic][-1][0], self.now(), zlib.crc32(array)))

    def now(self):
        """Simulated time, s."""
        return seconds(self.clock[-1].clock) if self.clock else 0.0

    def run(self, duration):
        """Let simulated time pass; returns when it was at the start."""
        start = self.now()
        wait(lambda: self.now() >= start + duration, self.now)
        return start

    def stamps(self, arm, since):
        """Stamps (s) of an arm's states from ``since`` on."""
        return np.array([at for at in (seconds(s.header.stamp) for s in list(self.states[arm])) if at >= since])

    def position(self, arm):
        """(9,) last measured positions."""
        return np.array(self.states[arm][-1].position)

    def reset(self, task='plate', seed=3):
        """Back to the start; returns the time of the reset."""
        before = self.now()
        assert self.probe.call(ResetSimulation, '/sim/reset', task=task, seed=seed).accepted
        wait(lambda: self.tasks[-1].seed == seed and seconds(self.tasks[-1].header.stamp) > before, 'the reset')
        return before
