"""``demo`` is interrupted, killed, or loses a node: one clear message, nothing left running, no half a recording."""
import os
import signal
import time
from pathlib import Path

import pytest
from command_process import SEED, SMALL_CAMERAS, Command, marked
from graph_probe import Probe, wait

from cosmos_policy_ros.msg import EpisodeEvent, JointSetpoint
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, SETPOINT

LEAVE = 60.0
"""s in which everything has to be gone; a loaded machine takes its time."""


class Demo(Command):
    """A ``demo`` that is watched from its domain."""

    def __init__(self, domain, folder, *arguments):
        self.episodes = folder / 'out'
        super().__init__('demo', '--domain', domain, '--seed', SEED, '--cameras', SMALL_CAMERAS, '--output', self.episodes,
                         *arguments, folder=folder)

    def node(self, name):
        """Process id of one of its nodes."""
        wanted = f'cosmos_policy_ros.nodes.{name}'.encode()
        pid, = (pid for pid in marked(self.mark) if wanted in Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0'))
        return pid

    def recordings(self):
        """Folders of finished episodes; asserts that no other is there."""
        assert not (self.episodes / '.partial').exists(), list((self.episodes / '.partial').iterdir())
        return [path for path in self.episodes.iterdir() if path.name != 'logs']


@pytest.fixture
def demo(domain, tmp_path):
    """Starts a ``demo``."""
    started = []

    def start(*arguments):
        started.append(Demo(domain, tmp_path, *arguments))
        return started[-1]
    yield start
    for command in started:
        command.__exit__()


@pytest.fixture
def events(domain):
    """Kinds of the domain's episode events, and ``None`` for every row."""
    heard = []
    with Probe(domain) as probe:
        probe.listen(EpisodeEvent, EPISODE_EVENT, lambda message: heard.append(message.kind), 20)
        probe.listen(JointSetpoint, SETPOINT, lambda _: heard.append(None))
        yield heard


def under_way(demo, events):
    """Wait until most of a chunk is played."""
    wait(lambda: events.count(None) >= 20 or demo.process.poll() is not None, demo.said, 180)
    assert demo.process.poll() is None, demo.said()


def assert_interrupted(demo):
    """One readable recording, marked as interrupted, with rows in it."""
    folder, = demo.recordings()
    with BagReader(folder) as bag:
        assert bag.record.outcome.value == 'interrupted'
        assert bag.topics[SETPOINT][1] > 0 and sum(1 for _ in bag.raw()) > 50


def test_a_signal_while_running_closes_the_episode_as_interrupted(demo, events):
    """SIGTERM here, SIGINT in the tests below."""
    command = demo()
    under_way(command, events)
    command.process.send_signal(signal.SIGTERM)
    assert command.end(60) == 130, command.said()
    assert command.left() == []
    assert 'Traceback' not in command.said() and command.said().rstrip().endswith('interrupted')
    assert_interrupted(command)


@pytest.mark.parametrize('moment', ['before the graph', 'while nodes start'])
def test_an_interrupt_at_the_start_leaves_nothing(demo, moment):
    command = demo()
    wait(lambda: 'demo: task' in command.said(), command.said)
    if moment == 'while nodes start':
        wait(lambda: (command.episodes / 'logs' / 'rollout_node.log').exists(), command.said)
    command.process.send_signal(signal.SIGINT)
    assert command.end(LEAVE) == 130, command.said()
    assert command.left() == [] and command.recordings() == []
    assert 'Traceback' not in command.said() and command.said().rstrip().endswith('interrupted')


def test_an_interrupt_while_closing_keeps_the_finished_bag(demo, events):
    """Ctrl-C pressed twice, as people do."""
    command = demo('--step-limit', 25)
    wait(lambda: EpisodeEvent.END in events or command.process.poll() is not None, command.said, 120)
    for _ in range(2):
        command.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert command.end(60) == 130, command.said()
    assert command.left() == []
    assert 'Traceback' not in command.said()
    folder, = command.recordings()
    with BagReader(folder) as bag:
        assert bag.record.outcome.value in ('timeout', 'interrupted') and bag.topics[SETPOINT][1] > 0


def test_a_killed_demo_takes_its_nodes_with_it(demo, events):
    command = demo()
    under_way(command, events)
    command.process.kill()
    command.end(5)
    wait(lambda: not command.left(), command.left, LEAVE)
    assert_interrupted(command)


def test_a_node_that_dies_ends_the_demo_by_name(demo, events):
    name = 'recorder_node'
    command = demo()
    under_way(command, events)
    os.kill(command.node(name), signal.SIGKILL)
    assert command.end(60) == 1, command.said()
    assert command.left() == []
    error = command.said()[command.said().index('error:'):]
    assert error.count('error:') == 1 and 'Traceback' not in error
    assert f'error: {name} was killed by signal 9' in error and f'{name}.log' in error and 'next:' in error
    assert_interrupted(command)
