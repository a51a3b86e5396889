"""A full session through RViz's marker protocol alone, against the whole simulated graph, and what it leaves."""
import json
from pathlib import Path

import numpy as np
import pytest
from arm_commands import ArmWatch
from command_process import SEED
from graph_probe import wait
from rviz_client import RvizClient
from std_msgs.msg import String
from supervisor_rig import LATCHED as LATCHED_STATES
from visualization_msgs.msg import MarkerArray

from cosmos_policy_ros.bringup.graph import GraphOptions, graph
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.inverse_kinematics import ArmSolver
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.poses import SLEEP_ARM
from cosmos_policy_ros.msg import EpisodeEvent, SafetyStatus, StopSource
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.nodes.qos import DRIVER, LATCHED
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.episode import Outcome
from cosmos_policy_ros.rollouts.journal import JOURNAL_FILE, read_journal
from cosmos_policy_ros.rollouts.labels import FailureType, Verdict, read_labels
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, SAFETY_STATUS, SETPOINT, STEP, STOP

OPTIONS = GraphOptions(seed=SEED, board=True, jog=True)
NODES = [node.executable for node in graph(OPTIONS, simulated=True)]
LEFT, LIFT = 'left_hand', 0.03
RESET_STATUSES = 30
"""Statuses, 3 s at most, in which a reset is carried out or refused."""

PATIENCE = 180.0
"""s of wall time for a motion of the arms on a loaded machine."""


class Operator:
    """Sees what RViz sees, and does what a mouse does; ``recording``: the recorder's last announcement."""

    def __init__(self, probe):
        self.watch, self._announced = ArmWatch(probe), probe.record(String, '/cosmos_policy/recording', LATCHED)
        self.plan = probe.record(MarkerArray, '/cosmos_policy/plan_markers', DRIVER)
        self.board, self.handles = (RvizClient(probe, f'/cosmos_policy/{name}') for name in ('board', 'handles'))

    @property
    def recording(self):
        return json.loads(self._announced[-1].data) if self._announced else {'state': ''}

    def until(self, condition):
        wait(lambda: self.watch.status and condition(self.watch.status), self._seen, PATIENCE)

    def _seen(self):
        return self.watch.status, {name: marker.description for name, marker in self.board.markers.items()}

    def press(self, control):
        """A button, as soon as it says no reason against it."""
        self.until(lambda _: '\n' not in self.board.markers[control].description)
        self.board.click(control)

    def moves(self, authority):
        self.until(lambda status: (status.authority, status.state) == (authority, SafetyStatus.RUNNING)
                   and self.watch.speed() > 0.1)

    def done(self, control):
        """A button of bring-up, and what it begins, to its end."""
        self.press(control)
        self.until(lambda status: f'{control} is under way' in self.board.markers['start'].description)
        self.until(lambda status: '\n' not in self.board.markers['start'].description)

    def hand(self):
        """(4, 4), where the left hand is commanded to be."""
        return ArmSolver(Side.LEFT, Cell()).forward(self.watch.commands(Side.LEFT)[1][-1])

    def lift(self):
        """Take the left hand by its handle, and lift it."""
        self.handles.grab(LEFT)
        self.until(lambda status: (status.authority, status.state) == ('jog', SafetyStatus.HELD))
        goal = self.hand()
        goal[2, 3] += LIFT

        def there(_):
            self.handles.drag(LEFT, goal)
            return np.abs(self.hand() - goal)[:3, 3].max() < 1e-3
        self.until(there)
        self.handles.drop(LEFT)

    def reset(self):
        """Again where it was refused, or a busy machine stopped the arms once more."""
        due = [0]

        def ready(status):
            if status.state in LATCHED_STATES and status.counter >= due[0]:
                due[0] = status.counter + RESET_STATUSES
                self.board.click('reset')
            return status.state == SafetyStatus.READY
        self.until(ready)

    def recorded(self):
        """Folder of the episode, once it is whole."""
        wait(lambda: self.recording['state'] == 'finished', lambda: self.recording, PATIENCE)
        return self.recording['bag']


@pytest.fixture(scope='module')
def operator(probe, running):
    slow = {'sim_node': {'patience': 6.0}, 'jog_node': {'silence': 2.0},
            'recorder_node': {'report': False, 'video': False},
            'bringup_node': {'speed': 1.2, 'acceleration': 4.0, 'state_window': 0.5}}
    with running(*NODES, options=OPTIONS, **slow) as processes, Station('operator'):
        operator = Operator(probe)
        operator.until(lambda _: processes.first_death() or len(operator.handles.markers) == 2)
        assert not processes.first_death(), processes.first_death()
        yield operator


@pytest.fixture(scope='module')
def session(operator):
    """All of it by clicks and drags: prepare, start, watch, take over, hand back, stop, reset, label, park."""
    operator.reset()
    operator.done('prepare')
    operator.press('start')
    operator.moves('policy')
    wait(lambda: any(marker.points for plan in operator.plan for marker in plan.markers), 'the plan as paths')
    operator.lift()
    operator.press('hand_back')
    operator.moves('policy')
    operator.board.click('stop')
    operator.until(lambda status: status.state == SafetyStatus.ESTOPPED)
    folder = operator.recorded()
    operator.reset()
    operator.until(lambda _: '\n' not in operator.board.markers['partial'].description)
    operator.board.choose('partial', 'missed grasp')
    wait(lambda: read_labels(folder), 'the label')
    operator.done('park')
    return folder


def read(folder, topic):
    with BagReader(folder) as bag:
        return [message for _, _, message in bag.messages([topic])]


def test_nothing_that_rviz_showed_was_missed_and_the_arms_are_parked(operator, session):
    assert operator.board.gaps == operator.handles.gaps == 0
    assert all(np.abs(operator.watch.measured(side)[0] - SLEEP_ARM).max() < 0.1 for side in Side)
    assert operator.watch.status.authority == ''


def test_the_bag_shows_who_had_the_arms(session):
    holders = [(status.authority, status.origin) for status in read(session, SAFETY_STATUS)]
    changes = [holder for i, holder in enumerate(holders) if not i or holder != holders[i - 1]]
    assert [holder for holder in changes if holder[0]] == [('policy', ''), ('jog', 'policy'), ('policy', '')]


def test_the_bag_shows_the_takeover_from_begin_to_end(session):
    marks = EpisodeEvent.INTERVENTION_BEGIN, EpisodeEvent.INTERVENTION_END
    begin, end = [event for event in read(session, EPISODE_EVENT) if event.kind in marks]
    rows = read(session, SETPOINT)
    assert (begin.kind, end.kind, begin.note) == (*marks, 'jog')
    by_hand = [seconds(row.header.stamp) for row in rows if row.source == 'jog']
    assert len(by_hand) > 3 and seconds(begin.header.stamp) - 0.04 <= min(by_hand)
    assert max(by_hand) <= seconds(end.header.stamp) + 0.04
    assert {row.source for row in rows} == {'policy', 'jog'}


def test_the_bag_shows_the_stop_and_who_pressed_it(session):
    assert {stop.id for stop in read(session, STOP) if stop.level == StopSource.PRESSED} == {'rviz'}
    stopped = next(status for status in read(session, SAFETY_STATUS) if status.state == SafetyStatus.ESTOPPED)
    assert ('stop_pressed', 'rviz') in [(cause.id, cause.source) for cause in stopped.causes]
    end = read(session, EPISODE_EVENT)[-1]
    assert (end.kind, end.outcome) == (EpisodeEvent.END, 'stopped') and 'rviz' in end.note


def test_beside_the_bag_lies_the_label(session):
    with BagReader(session) as bag:
        assert (bag.record.outcome, bag.record.takeovers) == (Outcome.STOPPED, 1)
    label, = read_labels(session)
    assert (label.verdict, label.score, label.failure) == (Verdict.PARTIAL, 0.5, FailureType.MISSED_GRASP)
    assert label.source == 'rviz'


def test_the_journal_shows_what_happened_outside_of_the_episode(session):
    """The arms were prepared before its bag was opened; reset and parked after it was closed."""
    lines = [line for line in read_journal(Path(session).parent / JOURNAL_FILE) if 'state' in line]
    seen = [(line['authority'], line['state']) for line in lines]
    started = seen.index(('policy', 'RUNNING'))
    stopped = next(i for i, line in enumerate(lines) if 'stop_pressed rviz' in line['causes'])
    reset = seen.index(('', 'READY'), stopped)
    assert started < stopped < reset
    assert 'bringup' in {authority for authority, _ in seen[:started]} and ('bringup', 'RUNNING') in seen[reset:]
    assert {line['episode'] for line in (lines[started], lines[reset])} == {Path(session).name, ''}


def test_the_journal_shows_every_step_with_who_asked_and_what_bring_up_did(session):
    name = Path(session).name
    steps = [(line['step'], line['source'], line['note'], line['episode'])
             for line in read_journal(Path(session).parent / JOURNAL_FILE) if 'step' in line]
    asked = [step for step in steps if step[0] != 'reset']
    begun = {step for step in asked if step[1] == 'bringup'}
    assert begun == {('prepare', 'bringup', '', ''), ('park', 'bringup', '', '')}
    assert [step for step in asked if step not in begun] == [
        ('prepare', 'rviz', '', ''), ('start', 'rviz', '', ''), ('hand_back', 'rviz', '', name), ('stop', 'rviz', '', name),
        ('partial', 'rviz', 'missed_grasp', ''), ('park', 'rviz', '', '')]
    resets = [step for step in steps if step[0] == 'reset']
    assert resets and {source for _, source, *_ in resets} == {'rviz'}


def test_the_bag_shows_what_was_asked_for_while_it_was_open(session):
    steps = [json.loads(message.data) for message in read(session, STEP)]
    assert [(step['step'], step['source']) for step in steps] == [('hand_back', 'rviz'), ('stop', 'rviz')]


def test_an_episode_that_is_discarded_while_it_runs_ends_and_says_so(operator, session):
    operator.press('start')
    operator.moves('policy')
    operator.press('discard')
    operator.until(lambda _: operator.recording.get('bag') not in ('', session))
    folder = operator.recorded()
    label, = wait(lambda: read_labels(folder), 'the label')
    with BagReader(folder) as bag:
        assert bag.record.outcome is Outcome.INTERRUPTED and label.verdict is Verdict.DISCARD
    event, = [event for event in read(folder, EPISODE_EVENT) if event.kind == EpisodeEvent.LABEL]
    assert (event.outcome, json.loads(event.metadata), label.source) == ('discard', {'source': 'rviz'}, 'rviz')
