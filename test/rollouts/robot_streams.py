"""A stand-in for robot, policy and supervisor on the wire: publishes their streams at the nominal rates."""
import array
import json
import threading
import time
from collections import defaultdict

import numpy as np
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS
from cosmos_policy_ros.msg import ActionChunk, EpisodeEvent, JointSetpoint, SafetyStatus
from cosmos_policy_ros.rollouts.images import encode_jpeg
from cosmos_policy_ros.rollouts.topics import CHUNK, EPISODE_EVENT, SAFETY_STATUS, SETPOINT, RobotTopics

DISCOVERY = 60.0


class RobotStreams:
    """A context manager: streams run from enter to exit in their own thread.

    ``picture``: the message that every camera sends. ``stamps``: {topic: [ns]} of the pictures and joint states that were
    published, by the clock of this computer.

    Args:
        tick: s between two joint states; each camera and the rows come every fourth tick. compressed: the cameras
            send JPEG.
    """

    def __init__(self, domain, tick=0.01, compressed=False):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node('robot_streams', context=self._context)
        robot, make, qos = RobotTopics(), self.node.create_publisher, QoSProfile(depth=10)
        self._images = [make(CompressedImage, topic, qos) for topic in robot.compressed_images()] if compressed else [
            make(Image, topic, qos) for topic in robot.images]
        self._joints = [make(JointState, topic, qos) for topic in robot.joint_states()]
        self._groups = [make(JointGroupCommand, topic, qos) for topic in robot.joint_groups()]
        self._singles = [make(JointSingleCommand, topic, qos) for topic in robot.joint_singles()]
        self._setpoint, self._chunk = make(JointSetpoint, SETPOINT, qos), make(ActionChunk, CHUNK, qos)
        self._safety = make(SafetyStatus, SAFETY_STATUS, qos)
        self._events = make(EpisodeEvent, EPISODE_EVENT, qos)
        self.announced = []
        self.node.create_subscription(
            String, '/cosmos_policy/recording', lambda message: self.announced.append(json.loads(message.data)),
            QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL))
        self.picture = CompressedImage(format='rgb8; jpeg compressed bgr8', data=array.array(
            'B', encode_jpeg(_picture(), 95))) if compressed else Image(
            height=480, width=640, encoding='rgb8', step=1920, data=array.array('B', _picture().tobytes()))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._tick, self._sent, self.stamps = 0, [], defaultdict(list)
        self.node.create_timer(tick, self._publish)
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def wait(self, condition, patience=DISCOVERY):
        """Wait for a condition to hold; fails the test when it does not."""
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f'not within {patience} s; announced: {self.announced}'
            time.sleep(0.01)

    def wait_for_recorder(self, patience=DISCOVERY, listeners=1):
        """Every stream has its subscribers."""
        publishers = (*self._images, *self._joints, *self._groups, *self._singles, self._setpoint, self._chunk,
                      self._safety, self._events)
        self.wait(lambda: all(publisher.get_subscription_count() >= listeners for publisher in publishers)
                  and self.node.count_publishers('/cosmos_policy/recording'), patience)

    def wait_for_rows(self, rows, patience=DISCOVERY):
        """So many more rows have been published."""
        target = self._tick + 4 * rows
        self.wait(lambda: self._tick >= target, patience)

    def event(self, kind, episode, **fields):
        """Publish an ``EpisodeEvent``."""
        self._events.publish(EpisodeEvent(kind=kind, episode=episode, task='plate', seed=7, **fields))

    def wait_for_state(self, episode, *states, patience=DISCOVERY):
        """The last announcement about an episode once it has one of the states."""
        def found():
            return [a for a in self.announced if a['episode'] == episode and a['state'] in states]
        self.wait(found, patience)
        return found()[-1]

    def delay(self):
        """s by which a stream of 25 Hz was sent late at worst: a loaded machine is not the recorder's fault."""
        sent = np.array(self._sent)
        return max(0.0, float((sent[4:] - sent[:-4]).max()) - 0.04)

    def _spin(self):
        try:
            self._executor.spin()
        except rclpy.executors.ExternalShutdownException:
            pass

    def _publish(self):
        tick, self._tick = self._tick, self._tick + 1
        self._sent.append(time.monotonic())
        now = self.node.get_clock().now()
        stamp = now.to_msg()
        angle = float(np.sin(tick * 0.02))
        for publisher in self._joints:
            message = JointState(name=DRIVER_JOINTS, position=[angle] * 9, velocity=[0.0] * 9, effort=[0.0] * 9)
            message.header.stamp = stamp
            publisher.publish(message)
            self.stamps[publisher.topic_name].append(now.nanoseconds)
        if tick % 10 == 0:
            self._safety.publish(SafetyStatus(counter=tick // 10, state=SafetyStatus.RUNNING, state_name='RUNNING'))
        if tick % 100 == 0:
            self._chunk.publish(ActionChunk(sequence=tick // 100, value=0.5, latency_stages=['network'],
                                            latency_seconds=[0.2]))
        if tick % 4 < 3:  # the three cameras take turns within a row, as the simulator's do
            self.picture.header.stamp = stamp
            self._images[tick % 4].publish(self.picture)
            self.stamps[self._images[tick % 4].topic_name].append(now.nanoseconds)
        else:
            self._setpoint.publish(JointSetpoint(source='policy', sequence=tick // 4, positions=[angle] * 14))
            for group, single in zip(self._groups, self._singles):
                group.publish(JointGroupCommand(name='arm', cmd=[angle] * 6))
                single.publish(JointSingleCommand(name='gripper', cmd=angle))


def _picture():
    """640x480 RGB with smooth shapes and the noise of a camera."""
    x, y = np.linspace(0, 8, 640), np.linspace(0, 6, 480)[:, None]
    shapes = np.stack([np.sin(k * x + y) for k in (1, 2, 3)], -1) * 100 + 128
    return np.clip(shapes + np.random.default_rng(0).normal(0, 4, shapes.shape), 0, 255).astype(np.uint8)
