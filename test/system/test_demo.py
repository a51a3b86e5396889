"""``demo`` drives the whole graph over DDS, in separate processes, to a task success that is recorded."""
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from command_process import SEED, Command
from mcap.reader import make_reader

from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.topics import CHUNK, SAFETY_STATUS, SETPOINT, TASK_STATE, RobotTopics

TOPICS = RobotTopics()
STREAMS = (*TOPICS.compressed_images(), *TOPICS.joint_groups(), SETPOINT)
"""What flows at 25 Hz while the policy has the arms."""

GAP = 0.1


@pytest.fixture(scope='module')
def demo(domain, tmp_path_factory):
    """A finished ``demo`` of the seed that succeeds."""
    folder = tmp_path_factory.mktemp('demo')
    with Command('demo', '--domain', domain, '--seed', SEED, '--output', folder / 'out', folder=folder) as command:
        command.code = command.end(240)
        yield command


@pytest.fixture(scope='module')
def bag(demo):
    """{topic: [(bag stamp in s, message)]} of its recording, read with rosbags."""
    recorded = defaultdict(list)
    with BagReader(demo.facts()['bag']) as reader:
        for topic, stamp, message in reader.messages():
            recorded[topic].append((stamp * 1e-9, message))
    return recorded


def test_it_ends_with_success_and_says_so_in_its_last_line(demo):
    assert demo.code == 0, demo.said()
    facts = demo.facts()
    assert demo.last_line().startswith('demo: outcome=')
    assert list(facts) == ['outcome', 'task', 'steps', 'chunks', 'interventions', 'bag', 'video']
    assert (facts['outcome'], facts['task']) == ('success', 'plate'), demo.said()
    assert int(facts['steps']) > 50 and int(facts['chunks']) >= 2


def test_nothing_is_left_but_one_episode_and_the_logs(demo):
    assert demo.left() == []
    assert sorted(path.name for path in (demo.output / 'out').iterdir()) == ['logs', Path(demo.facts()['bag']).name]


def test_the_record_beside_the_bag_holds_outcome_and_seed(demo):
    folder = Path(demo.facts()['bag'])
    record = json.loads((folder / 'episode.json').read_text())
    assert (record['outcome'], record['seed'], record['task']) == ('success', SEED, 'plate')
    assert record['steps'] == int(demo.facts()['steps']) and record['chunks'] == int(demo.facts()['chunks'])
    assert not any(audit['dropped'] or audit['out_of_order'] for audit in record['topics'])


def test_report_and_video_lie_beside_the_bag(demo):
    folder = Path(demo.facts()['bag'])
    assert Path(demo.facts()['video']) == folder / 'episode.mp4'
    assert (folder / 'episode.mp4').stat().st_size > 10_000
    assert 'success' in (folder / 'report.html').read_text()


def test_the_bag_holds_every_kind_of_message(bag, demo):
    for topic in (*STREAMS, *TOPICS.joint_states(), *TOPICS.joint_singles(), CHUNK, SAFETY_STATUS, TASK_STATE):
        assert bag[topic], topic
    assert len(bag[SETPOINT]) == int(demo.facts()['steps'])


def test_the_bag_opens_with_mcap(bag, demo):
    path, = Path(demo.facts()['bag']).glob('*.mcap')
    with path.open('rb') as file:
        summary = make_reader(file).get_summary()
    counts = summary.statistics.channel_message_counts
    found = {summary.channels[channel].topic: count for channel, count in counts.items() if count}
    assert found == {topic: len(kept) for topic, kept in bag.items()}


@pytest.mark.parametrize('topic', STREAMS)
def test_no_stream_has_a_gap(bag, topic):
    """From the first row to the last, in the bag's own stamps (simulated time at which a message was received)."""
    first, last = bag[SETPOINT][0][0], bag[SETPOINT][-1][0]
    stamps = [stamp for stamp, _ in bag[topic] if first <= stamp <= last]
    edges = np.array([first, *stamps, last])
    assert np.diff(edges).max() <= GAP


@pytest.mark.parametrize('topic', (*TOPICS.compressed_images(), SETPOINT))
def test_stamps_in_the_messages_are_40_ms_apart(bag, topic):
    stamps = np.array([seconds(message.header.stamp) for _, message in bag[topic]])
    assert np.diff(stamps) == pytest.approx(0.04, abs=1e-3)
