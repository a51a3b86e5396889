"""The recorder as a process among ROS 2 publishers."""
import json
import os
import signal
from contextlib import ExitStack

import pytest
from recorder_process import Recorder
from robot_streams import RobotStreams

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.msg import EpisodeEvent
from cosmos_policy_ros.rollouts.audit import audit_bag
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.journal import JOURNAL_FILE
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, SETPOINT, RobotTopics

DOMAIN = 61
STANDS_STILL = 0.5
"""s; beside another test the recorder itself may get its messages late, which is not what is tested."""

ROBOT = RobotTopics()


@pytest.fixture
def recorders(tmp_path, monkeypatch):
    """Starts recorders that write into the test's folder and never outlive it."""
    for name, value in ros_environment(DOMAIN).items():
        monkeypatch.setenv(name, value)
    with ExitStack() as started:
        yield lambda **parameters: started.enter_context(Recorder(DOMAIN, **{'output': tmp_path / 'out', **parameters}))


def begin(robot, episode, **fields):
    robot.event(EpisodeEvent.BEGIN, episode, **fields)
    return robot.wait_for_state(episode, 'recording', 'error')


def test_an_episode_becomes_a_bag_with_report_and_video_then_another_one(recorders, tmp_path):
    """All streams and a pre-roll, nothing dropped, none stands still but for its sender, and the next episode at once."""
    recorder = recorders(minimum_free_gb=0.1, pre_roll=1.0)
    with RobotStreams(DOMAIN) as robot:
        robot.wait_for_recorder()
        robot.wait_for_rows(25)
        assert begin(robot, 'first', metadata=json.dumps({'checkpoint': 'abc'}))['state'] == 'recording'
        robot.wait_for_rows(50)
        robot.event(EpisodeEvent.INTERVENTION_BEGIN, 'first')
        robot.event(EpisodeEvent.END, 'first', outcome='success', score=1.0, steps=50)
        assert begin(robot, 'second')['state'] == 'recording'
        robot.wait_for_rows(10)
        robot.event(EpisodeEvent.END, 'second', outcome='timeout', score=float('nan'), steps=10)
        finished = robot.wait_for_state('first', 'finished', patience=60)
        robot.wait_for_state('second', 'finished', patience=60)
    assert 'Traceback' not in recorder.end(signal.SIGINT)
    assert recorder.process.returncode == 0
    folder = tmp_path / 'out' / 'first'
    assert finished['bag'] == str(folder) and finished['outcome'] == 'success'
    assert (folder / 'report.html').exists() and (folder / 'episode.mp4').exists()
    with BagReader(folder) as bag:
        record, counts = bag.record, {topic: count for topic, (_, count) in bag.topics.items()}
        events = [message.kind for _, _, message in bag.messages([EPISODE_EVENT])]
        first = {topic: stamp for topic, stamp, _ in reversed(list(bag.raw()))}
    assert (record.outcome, record.seed, record.checkpoint, record.steps) == (Outcome.SUCCESS, 7, 'abc', 50)
    assert (record.takeovers, record.chunks) == (1, counts['/cosmos_policy/chunk'])
    assert events == [EpisodeEvent.BEGIN, EpisodeEvent.INTERVENTION_BEGIN, EpisodeEvent.END]
    gaps = {audit.topic: audit.largest_gap for audit in audit_bag(folder)}
    for topic in (*ROBOT.compressed_images(), *ROBOT.joint_states(), *ROBOT.joint_groups(), SETPOINT):
        assert counts[topic] >= 45 and gaps[topic] <= STANDS_STILL + 2 * robot.delay(), topic
    assert not any(audit.dropped or audit.out_of_order for audit in record.topics)
    for topic in (*ROBOT.compressed_images(), *ROBOT.joint_states()):
        assert 0.2e9 < record.started - first[topic] < 1.1e9, 'pre-roll'
    assert all(first[topic] >= record.started for topic in (SETPOINT, *ROBOT.joint_groups())), 'rows of this episode'
    second = EpisodeRecord.load(tmp_path / 'out' / 'second')
    assert (second.outcome, second.score) == (Outcome.TIMEOUT, None)


def test_interrupt_closes_the_bag_and_kill_is_recovered_at_the_next_start(recorders, tmp_path):
    """SIGINT marks the episode interrupted; after SIGKILL the next recorder makes a readable bag of what is there."""
    options = {'minimum_free_gb': 0.1, 'report': 'false', 'video': 'false'}
    with RobotStreams(DOMAIN) as robot:
        first = recorders(**options)
        robot.wait_for_recorder()
        assert begin(robot, 'cut')['state'] == 'recording'
        robot.wait_for_rows(25)
        log = first.end(signal.SIGINT)
        assert first.process.returncode == 0 and 'Traceback' not in log, log
        record = EpisodeRecord.load(tmp_path / 'out' / 'cut')
        assert record.outcome is Outcome.INTERRUPTED and 'shut down' in record.reason and record.steps >= 5

        robot.wait(lambda: not robot.node.count_publishers('/cosmos_policy/recording'))
        second = recorders(**options)
        robot.wait_for_recorder()
        assert begin(robot, 'killed')['state'] == 'recording'
        robot.wait_for_rows(75)
        second.end(signal.SIGKILL)

        third = recorders(**options)
        robot.wait(lambda: 'recovered an episode' in third.said())
        third.end(signal.SIGTERM)
        assert third.process.returncode == 0
    with BagReader(tmp_path / 'out' / 'killed') as bag:
        assert bag.record.outcome is Outcome.INTERRUPTED
        assert bag.record.duration > 1.0 and bag.record.steps >= 25
        assert bag.topics[ROBOT.compressed_images()[0]][1] >= 25
    assert sorted(os.listdir(tmp_path / 'out')) == ['cut', 'killed', 'logs']


def test_pictures_that_cameras_send_as_jpeg_are_recorded_while_the_policy_takes_the_raw_ones(recorders, tmp_path):
    recorder = recorders(minimum_free_gb=0.1, report='false', video='false', camera_transport='raw',
                         recorded_transport='compressed')
    with RobotStreams(DOMAIN, compressed=True) as robot:
        robot.wait_for_recorder()
        assert begin(robot, 'jpeg')['state'] == 'recording'
        robot.wait_for_rows(10)
        robot.event(EpisodeEvent.END, 'jpeg', outcome='success', score=1.0)
        robot.wait_for_state('jpeg', 'finished')
    recorder.end(signal.SIGINT)
    with BagReader(tmp_path / 'out' / 'jpeg') as bag:
        assert bag.record.robot.compressed
        pictures = {topic: bytes(message.data) for topic, _, message in bag.messages(ROBOT.compressed_images())}
    assert pictures == dict.fromkeys(ROBOT.compressed_images(), bytes(robot.picture.data)), 'kept as they come'


def test_what_cannot_be_recorded_is_announced_once_and_leaves_nothing(recorders, tmp_path):
    """A folder that cannot be written, no space, bad metadata, no clock: an error for the conductor, no crash."""
    (tmp_path / 'file').touch()
    with RobotStreams(DOMAIN) as robot:
        blocked = recorders(output=tmp_path / 'file')
        robot.wait_for_recorder()
        answer = begin(robot, 'one')
        assert answer['state'] == 'error' and 'cannot record into' in answer['message']
        answer = begin(robot, 'two', metadata='{')
        assert 'not JSON' in answer['message']
        assert blocked.process.poll() is None
        assert blocked.end(signal.SIGINT).count('cannot record into') == 1

        robot.wait(lambda: not robot.node.count_publishers('/cosmos_policy/recording'))
        full = recorders(minimum_free_gb=9999.0)
        robot.wait_for_recorder()
        assert 'make space' in begin(robot, 'three')['message']
        full.end(signal.SIGINT)

        robot.wait(lambda: not robot.node.count_publishers('/cosmos_policy/recording'))
        clockless = recorders(use_sim_time='true')
        robot.wait_for_recorder()
        assert 'no /clock' in begin(robot, 'four')['message']
        clockless.end(signal.SIGINT)
    assert {str(path.relative_to(tmp_path / 'out')) for path in (tmp_path / 'out').rglob('*')} <= {'logs', JOURNAL_FILE}


def test_a_parameter_out_of_range_ends_with_a_sentence(recorders):
    recorder = recorders(jpeg_quality=500)
    assert recorder.process.wait(20) == 2
    log = recorder.end(signal.SIGINT)
    assert 'jpeg_quality' in log and 'Traceback' not in log
