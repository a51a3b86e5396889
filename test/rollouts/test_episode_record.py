"""The episode record and the audit of its topics."""
import json
from dataclasses import replace

import pytest
from synthetic_episode import ROBOT, START, record, record_episode

from cosmos_policy_ros.rollouts.audit import TopicMonitor, audit_bag, complaints
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome, TopicAudit
from cosmos_policy_ros.rollouts.topics import RecordedTopic, RobotTopics, recorded_topics

SECOND = 10 ** 9
CONTINUOUS = RecordedTopic('/camera', 'sensor_msgs/msg/Image', 25.0, continuous=True)
EVENTFUL = RecordedTopic('/setpoint', 'cosmos_policy_ros/msg/JointSetpoint', 25.0)


def audit(topic, times, ended, dropped=0):
    monitor = TopicMonitor(topic, START)
    for time in times:
        monitor.observe(START + round(time * SECOND))
    return monitor.audit(START + round(ended * SECOND), dropped)


def test_json_round_trip_keeps_every_field():
    original = replace(record(), outcome=Outcome.TIMEOUT, score=0.5, policy={'steps': 5}, ended=START + 5,
                       topics=(TopicAudit('/a', 't', 3, largest_gap=0.1),), robot=RobotTopics(arms=('/l', '/r')))
    assert EpisodeRecord.from_json(original.to_json()) == original


def test_an_unjudged_score_is_null_in_json():
    """JSON has no NaN; readers other than Python's refuse it."""
    assert json.loads(replace(record(), score=float('nan')).to_json())['score'] is None


def test_event_metadata_reach_their_fields_and_the_rest_is_kept():
    merged = record().with_metadata('{"checkpoint": "abc", "policy": {"mode": "direct"}, "step_limit": 400}')
    merged = merged.with_metadata('{"policy": {"rows": 25}, "interventions": 3}')
    assert (merged.checkpoint, merged.policy) == ('abc', {'mode': 'direct', 'rows': 25})
    assert (merged.extra, merged.interventions) == ({'step_limit': 400}, 3)


@pytest.mark.parametrize('text', ['{', '[1]', '{"checkpoint": 5}', '{"policy": "x"}'])
def test_bad_metadata_are_refused(text):
    with pytest.raises(ValueError, match='episode metadata'):
        record().with_metadata(text)


@pytest.mark.parametrize('name', ['', '../other', '.hidden', 'a/b', 'a b', 'x' * 129])
def test_an_id_that_cannot_name_a_folder_is_refused(name):
    with pytest.raises(ValueError, match='cannot name a folder'):
        record(name)


def test_a_gap_inside_and_the_rate_are_measured():
    found = audit(CONTINUOUS, [0, 0.04, 0.08, 0.28, 0.32], 0.32)
    assert found.largest_gap == pytest.approx(0.2)
    assert (found.received, found.expected) == (5, 8)
    assert found.rate == pytest.approx(4 / 0.32)
    assert 'largest gap 0.200 s' in complaints([found])[0]


def test_a_continuous_stream_that_dies_early_has_a_gap_to_the_end():
    assert audit(CONTINUOUS, [0, 0.04], 3.0).largest_gap == pytest.approx(2.96)
    assert audit(CONTINUOUS, [2.96, 3.0], 3.0).largest_gap == pytest.approx(2.96)


def test_a_silent_continuous_stream_is_named():
    assert 'nothing received of about 75' in complaints([audit(CONTINUOUS, [], 3.0)])[0]


def test_setpoints_are_measured_only_between_first_and_last():
    """The arms move to the start pose before the first row and stand still after the last."""
    found = audit(EVENTFUL, [1.0, 1.04, 1.08], 5.0)
    assert (found.expected, found.largest_gap) == (3, pytest.approx(0.04))
    assert not complaints([found])


def test_stamps_running_backwards_and_drops_are_named():
    lines = complaints([audit(CONTINUOUS, [0, 0.08, 0.04, 0.12], 0.12, dropped=2)])
    assert any('run backwards' in line for line in lines) and any('dropped 2' in line for line in lines)


def test_the_audit_of_a_bag_equals_the_recorders(tmp_path):
    folder = record_episode(tmp_path)
    kept = EpisodeRecord.load(folder).topics
    assert audit_bag(folder) == tuple(replace(audit, dropped=None) for audit in kept)
    assert not complaints(kept)


def test_other_namings_change_the_topics():
    robot = RobotTopics(arms=('/puppet_left', '/puppet_right'), cameras=('top',), images=('/top/image',))
    topics = {topic.topic for topic in recorded_topics(robot)}
    assert {'/puppet_left/joint_states', '/puppet_right/commands/joint_group', '/top/image'} <= topics
    assert not topics & set(ROBOT.images)


@pytest.mark.parametrize('wrong', [{'arms': ('/one',)}, {'images': ('/a', '/b')}])
def test_incomplete_namings_are_refused(wrong):
    with pytest.raises(ValueError, match='robot topics'):
        RobotTopics(**wrong)


def test_compressed_pictures_are_recorded_as_they_come():
    """In the bag they have the same topic and type as raw ones that the recorder compresses."""
    raw, packed = (recorded_topics(RobotTopics(compressed=compressed))[:3] for compressed in (False, True))
    assert [topic.topic for topic in packed] == [f'{topic.topic}/compressed' for topic in raw]
    assert not any(topic.compress for topic in packed) and all(topic.compress for topic in raw)
    assert [(topic.bag_topic, topic.bag_type) for topic in packed] == [(topic.bag_topic, topic.bag_type) for topic in raw]
