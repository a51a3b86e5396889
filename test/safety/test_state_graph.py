"""M1: the whole reachable state graph of the real supervisor, enumerated: no path from a latch to motion without a reset,
an arming and a row."""
import copy
from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.causes import CAUSES, Clears, Severity
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.safety.state import SafetyState
from cosmos_policy_ros.safety.supervisor import Supervisor
from safety_rig import CONFIG_FILE, TICK, gripper_observation

S = SafetyState
LATCHED = (S.PROTECTIVE_STOP, S.ESTOPPED, S.FAULT)
CONFIG = replace(load_config(CONFIG_FILE), cameras=(), wrist_cameras=(), camera_authorities=(),
                 planned_authorities=())
CAUSE_OF = {'slow': 'tracking_lag', 'hold': 'workspace', 'protective': 'camera_frozen', 'emergency': 'duplicate_publisher',
            'fault': 'internal_error'}
"""One cause of each severity; they differ in nothing else that the state depends on."""


class Node:
    """A supervisor with arms that follow at once, and the stop source ``operator``."""

    def __init__(self):
        self.core, self.ticks, self.sequence, self.pressed = Supervisor(CONFIG), 0, 0, False
        self.jumps = []  # states in which a command differed from the one before

    def copy(self):
        shared = (CONFIG, self.core._envelope)
        return copy.deepcopy(self, {id(entry): entry for entry in shared})

    @property
    def now(self):
        return 5.0 + TICK * self.ticks

    def step(self, ticks=1):
        core = self.core
        for _ in range(ticks):
            self.ticks += 1
            measured = START if core.command is None else core.command
            for i, side in enumerate(SIDES):
                reported = measured[7 * i:7 * i + 7].copy()
                reported[6] = gripper_observation(reported[6])
                core.observe_joints(side, reported, self.now, self.now)
            self.beat()
            before, states = core.command, {core.state}
            command = core.tick(self.now).command
            if command is not None and before is not None and (command != before).any():
                self.jumps.append(states | {core.state})
            if self.ticks % 10 == 0:
                core.status(self.now)

    def beat(self):
        self.sequence += 1
        counter = self.core._inputs.stops.counter.value
        self.core.observe_stop_source('operator', self.pressed, self.sequence, counter, self.now)

    def row(self, source, epoch):
        """Offered a full row's time after the one before, as the 25 Hz grid asks."""
        if self.core.command is None:
            return
        row = self.core.command
        row[5] += 0.02
        self.sequence += 1
        verdict = self.core.offer(SimpleNamespace(source=source, epoch=epoch, sequence=self.sequence,
                                                  target_time=self.now, positions=row), self.now)
        if verdict.kind is not Outcome.REFUSED:
            self.step()

    def press(self, pressed):
        self.pressed = pressed
        self.beat()

    @property
    def latched(self):
        """Severity of the stop that is latched, 0 if none."""
        worst = max((active.cause.severity for active in self.core.record.causes), default=0)
        return worst if worst >= Severity.PROTECTIVE else 0

    @property
    def key(self):
        """Everything that decides what may happen next, but for times and numbers."""
        core, events = self.core, self.core._events
        causes = frozenset((active.cause.severity, active in events.still_present(self.now)) for active in events.active
                           if self.latched < Severity.FAULT)  # in a fault nothing else matters any more
        return (core.state, core.authority, core._authority.origin, core._motion.moving, core._motion._pending is not None,
                causes, self.latched, self.pressed, not core._against_reset(self.now))


REQUESTS = {
    'step': lambda node: node.step(),
    'wait': lambda node: node.step(60),
    'arm policy': lambda node: node.core.request_arm('policy', node.now),
    'arm teleop': lambda node: node.core.request_arm('teleop', node.now),
    'take over': lambda node: node.core.request_takeover(True, 'teleop', node.now),
    'hand back': lambda node: node.core.request_takeover(False, '', node.now),
    'disarm': lambda node: node.core.request_disarm(node.now),
    'reset': lambda node: node.core.request_reset(node.core._events.last_event_id, node.now),
    'stale reset': lambda node: node.core.request_reset(node.core._events.last_event_id - 1, node.now),
    'row of policy': lambda node: node.row('policy', node.core.epoch),
    'row of teleop': lambda node: node.row('teleop', node.core.epoch),
    'row of an older epoch': lambda node: node.row(node.core.authority, node.core.epoch - 1),
    'press': lambda node: node.press(True),
    'release': lambda node: node.press(False),
    'restart': lambda node: node.__dict__.update(core=Supervisor(CONFIG, node.core.record, node.now)),
    **{severity: lambda node, cause=cause: node.core.report(cause, node.now) for severity, cause in CAUSE_OF.items()},
    'exception': lambda node: node.core.fail(RuntimeError('broken'), node.now)}


def explore():
    """{key: (node, {request: key of the next})} of all that can be reached from a first start."""
    start = Node()
    found, waiting = {start.key: (start, {})}, deque([start])
    while waiting:
        node = waiting.popleft()
        for name, request in REQUESTS.items():
            after = node.copy()
            after.jumps = []
            request(after)
            found[node.key][1][name] = after.key
            check_edge(node, name, after)
            if after.key not in found:
                found[after.key] = after, {}
                waiting.append(after)
    return found


def check_edge(node, name, after):
    """The rules of C2 and C5 on one step of the graph."""
    before, then = node.core, after.core
    edge = f'{node.key} --{name}--> {after.key}'
    if then.state is S.RUNNING and before.state is not S.RUNNING:
        assert before.state is S.HELD and name == f'row of {before.authority}', edge
    if then.authority != before.authority and then.authority:
        accepted = {f'arm {then.authority}'} | ({'take over', 'hand back'} if before.authority else set())
        assert name in accepted and not node.latched and then.epoch == before.epoch + 1, edge
        assert before.state in (S.DISARMED, S.READY) or before.authority, edge
    if after.latched < node.latched:
        reset = name == 'reset' and then.state is S.DISARMED and not node.pressed and not before.authority
        assert reset or (name == 'restart' and node.latched == Severity.FAULT and then.state in LATCHED), edge
    if node.latched:
        assert not then.authority and (then.state in (S.STOPPING, *LATCHED) or name == 'reset'), edge
    for states in after.jumps:
        assert states & {S.RUNNING, S.STOPPING}, edge


@pytest.fixture(scope='module')
def graph():
    return explore()


def reachable(graph, start, without=()):
    """Keys that can be reached from those in ``start`` when the requests in ``without`` are never made."""
    seen, waiting = set(start), deque(start)
    while waiting:
        for name, key in graph[waiting.popleft()][1].items():
            if name not in without and key not in seen:
                seen.add(key)
                waiting.append(key)
    return seen


ARMING = [name for name in REQUESTS if name.startswith('arm ')]
ROWS = [name for name in REQUESTS if name.startswith('row of')]


def test_every_state_is_reached(graph):
    assert {key[0] for key in graph} == set(SafetyState)
    assert len(graph) > 200, 'the graph is not trivial'


def test_no_path_from_a_latch_to_motion_without_reset_arming_and_row(graph):
    latched = {key for key, (node, _) in graph.items() if node.latched}
    running = {key for key in graph if key[0] is S.RUNNING}
    assert latched and running <= reachable(graph, latched), 'with all three there is one'
    for missing in ('reset',), ARMING, ROWS:
        assert not running & reachable(graph, latched, missing), missing
    assert not {key for key in reachable(graph, latched, ('reset',)) if key[1]}, 'nobody has authority either'


def test_motion_needs_arming_and_a_row_from_any_start(graph):
    disarmed = {key for key in graph if key[0] in (S.BOOT, S.DISARMED, S.READY)}
    running = {key for key in graph if key[0] is S.RUNNING}
    for missing in ARMING, ROWS:
        assert not running & reachable(graph, disarmed, missing), missing


def test_no_latch_is_for_ever(graph):
    """From everywhere there is a way back to work; out of a fault through a restart."""
    for key, (node, _) in graph.items():
        ways = reachable(graph, [key])
        assert any(other[0] is S.RUNNING for other in ways), key
        if node.latched < Severity.FAULT:
            assert any(other[0] is S.RUNNING for other in reachable(graph, [key], ('restart',))), key


def test_every_cause_in_every_state_with_every_request(graph):
    """What latches leaves no request but the reset that could move anything; what holds leaves arming and takeover."""
    examples = {key[:2]: node for key, (node, _) in reversed(graph.items())}
    for node in examples.values():
        for cause in CAUSES.values():
            after = node.copy()
            event = after.core._events.last_event_id
            after.core.report(cause.id, after.now, source='a test')
            latched = node.latched or cause.severity >= Severity.PROTECTIVE
            if not node.core._failure:
                active = {a.cause.id: a for a in after.core._events.active}
                known = cause.severity < Severity.PROTECTIVE or cause.id in active
                assert known and after.core._events.last_event_id == event + 1
                assert cause.id not in active or active[cause.id].source == 'a test'
                assert cause.clears is Clears.ITSELF or active[cause.id].event_id == event + 1
            if not latched:
                continue
            assert not after.core.authority
            for name, request in REQUESTS.items():
                if name not in ('step', 'wait', 'reset', 'restart', *CAUSE_OF):
                    request(after)
                    assert not after.core.authority and after.core.state is not S.RUNNING, (node.key, cause.id, name)

