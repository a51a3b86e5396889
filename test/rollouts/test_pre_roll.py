"""What came just before an episode is in its bag and not in its audit."""
from dataclasses import replace

import pytest
from synthetic_episode import MS, ROBOT, START, messages, record

from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.episode import Outcome
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.pre_roll import PreRoll
from cosmos_policy_ros.rollouts.recording import Recording
from cosmos_policy_ros.rollouts.topics import SAFETY_STATUS, recorded_topics

TOPICS = recorded_topics(ROBOT)
CONTINUOUS = {*ROBOT.images, *ROBOT.joint_states(), SAFETY_STATUS}


@pytest.fixture
def kept():
    """Pre-roll of half a second at the end of one second of all streams."""
    pre_roll = PreRoll(0.5, TOPICS)
    for message in messages(1.0):
        pre_roll.put(*message)
    return pre_roll


def test_the_newest_of_the_continuous_topics_is_kept(kept):
    now = START + 990 * MS
    taken = kept.take(now)
    assert {topic for topic, _, _ in taken} == CONTINUOUS
    assert taken == [entry for entry in messages(1.0) if entry[0] in CONTINUOUS and entry[1] >= now - 500 * MS]
    assert kept.take(now) == []


def test_what_stopped_coming_long_ago_is_no_pre_roll(kept):
    assert kept.take(START + 5000 * MS) == []


def test_a_clock_that_was_set_back_begins_anew(kept):
    old = next(messages(1.0))
    kept.put(*old)
    assert kept.take(old[1]) == [old]


def test_none_is_kept_by_default():
    pre_roll = PreRoll(0.0, TOPICS)
    for message in messages(0.2):
        pre_roll.put(*message)
    assert pre_roll.take(START + 200 * MS) == []


def test_the_bag_begins_with_it_and_the_audit_does_not(kept, tmp_path):
    begun = START + 1000 * MS
    before = kept.take(begun)
    recording = Recording(tmp_path, record(started=begun), TOPICS, message_types(), 95, 0, before=before)
    for topic, stamp, raw in messages(1.0):
        recording.put(topic, stamp + 1000 * MS, raw)
    folder = recording.finish(replace(recording.record, outcome=Outcome.SUCCESS), begun + 1000 * MS)
    camera = ROBOT.compressed_images()[0]
    with BagReader(folder) as bag:
        stamps = [stamp for _, stamp, _ in bag.raw([camera])]
        audit = next(audit for audit in bag.record.topics if audit.topic == camera)
    assert stamps[0] == START + 520 * MS and len(stamps) == 12 + 25
    assert (audit.received, audit.expected, audit.dropped) == (25, 25, 0)
