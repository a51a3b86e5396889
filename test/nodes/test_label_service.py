"""The conductor labels the episode that was recorded last."""
import json
import subprocess
import sys
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.labels import Verdict, read_labels
from cosmos_policy_ros.srv import LabelEpisode

DOMAIN = 66
PATIENCE = 60.0
"""s of wall time; a loaded machine takes its time."""


class Desk:
    """Announces a recording as the recorder does, and asks the conductor for labels."""

    def __init__(self):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=DOMAIN)
        self._node = rclpy.create_node('desk', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._recording = self._node.create_publisher(String, '/cosmos_policy/recording', latched)
        self._client = self._node.create_client(LabelEpisode, '/cosmos_policy/label_episode')

    def close(self):
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def announce(self, **content):
        self._recording.publish(String(data=json.dumps(content)))

    def ask(self, **fields):
        """The answer of the conductor."""
        deadline = time.monotonic() + PATIENCE
        while not self._client.wait_for_service(1.0):
            assert time.monotonic() < deadline, 'no conductor'
        future = self._client.call_async(LabelEpisode.Request(**fields))
        self._executor.spin_until_future_complete(future, PATIENCE)
        return future.result()

    def ask_until(self, part, **fields):
        """Asks until the message has ``part``: what was announced may still be under way."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.ask(**fields)
            if part in answer.message:
                return answer
            assert time.monotonic() < deadline, answer.message
            time.sleep(0.1)


@pytest.fixture
def desk(monkeypatch):
    environment = ros_environment(DOMAIN)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    conductor = subprocess.Popen([sys.executable, '-m', 'cosmos_policy_ros.nodes.rollout_node'], env=environment,
                                 start_new_session=True)
    desk = Desk()
    yield desk
    desk.close()
    conductor.terminate()
    conductor.wait(30)


def test_the_last_recorded_episode_is_labelled_by_its_name(desk, tmp_path):
    EpisodeRecord('plate_1', 'plate', '', 1, 1, '2026-01-01', outcome=Outcome.TIMEOUT).save(tmp_path)
    assert desk.ask(outcome='success').message == 'no episode is running'
    desk.announce(episode='plate_1', bag=str(tmp_path))
    refused = desk.ask_until('plate_1 was recorded last', episode='plate_0', outcome='success')
    assert not refused.accepted and read_labels(tmp_path) == ()
    assert not desk.ask(episode='plate_1', outcome='superb').accepted
    assert 'between 0 and 1' in desk.ask(episode='plate_1', outcome='partial', score=1.0).message
    assert desk.ask(episode='plate_1', outcome='partial', score=0.5, note='nearly', source='rviz').accepted
    assert desk.ask(episode='plate_1', outcome='discard', score=0.0).accepted
    first, second = read_labels(tmp_path)
    assert (first.verdict, first.score, first.note, first.operator) == (Verdict.PARTIAL, 0.5, 'nearly', 'operator')
    assert (second.verdict, first.source, second.source) == (Verdict.DISCARD, 'rviz', '')
