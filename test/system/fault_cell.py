"""One fault in one mode: what the supervisor does about it, and how long that takes."""
from dataclasses import asdict, dataclass
from enum import Enum

import numpy as np
from fault_modes import LATCHED_STATES
from fault_streams import STEP, STEPS_PER_ROW, arm_joints

ROW = STEPS_PER_ROW * STEP
"""s between two rows."""
STATUS_PERIOD = 0.1
"""s between two statuses, at most: when what is only shown becomes visible."""
LONGEST_STOP = 0.5
"""s from the first braking command to rest."""
ON_THE_WAY = 1.1 * STEP
"""s; a message is judged in the tick after it was sent, or in the next one. Times count from when it was sent."""
BRAKED = ('STOPPING', 'HELD', 'PROTECTIVE_STOP', 'ESTOPPED')
STANDING = 0.05
"""rad/s of a measured joint."""
QUIET = 0.2
"""s for which a cell goes on after its deadline, to see that nothing follows."""


class Mode(Enum):
    """What the supervisor is doing when a fault begins; the value heads a column of the table."""

    READY = 'disarmed, ready'
    HELD = 'armed, holding'
    RUNNING = 'rows move the arms'
    STOPPING = 'braking'
    STOPPED = 'stop latched'


class Reaction(Enum):
    """What has to happen; the value is the word in the table."""

    STOP = 'stop'        # brake, then a latched stop
    HOLD = 'hold'        # brake, then HELD until a new epoch
    BAR = 'bar'          # arming, or the reset, is refused as long as it lasts
    REFUSE = 'refuse'    # what was sent or asked for has no effect and is counted or answered
    GUARD = 'guard'      # the supervisor is dead: its guard stops the arms, and the next supervisor comes up stopped
    SHOW = 'show'        # it is in the status, and takes nothing from motion
    NONE = '-'           # it does no harm in this mode: nothing happens


@dataclass(frozen=True)
class Expected:
    """``sign``: cause id, or part of a blocker for ``BAR``. ``deadline``: s from the fault on."""

    reaction: Reaction
    sign: str = ''
    deadline: float = 0.0


@dataclass(frozen=True)
class Result:
    """One cell. ``seconds``: s on the supervisor's clock from the fault to the first braking or holding command, or to
    when the status shows it where nothing moves; None where nothing is to happen. ``problem``: '' when all is well.
    """

    fault: str
    mode: str
    reaction: str
    sign: str
    seconds: float
    deadline: float
    problem: str

    @property
    def ok(self):
        """All as it must be."""
        return not self.problem

    def as_dict(self):
        """For a JSON file."""
        return {**asdict(self), 'ok': self.ok}


@dataclass(frozen=True)
class Case:
    """A cell under way. ``before``: the last status before the fault. ``place``: of its first tick in the log.

    ``begun``: s, when it began. ``reply``: to the request that it consists of, else None.
    """

    rig: object
    fault: object
    mode: Mode
    expected: Expected
    before: object
    place: int
    begun: float
    reply: object

    def first(self, condition):
        """s of the first status that fulfils the condition, looked for until well after the deadline."""
        self.rig.until(lambda: condition(self.rig.status),
                       self.fault.takes + self.expected.deadline + 2 * STATUS_PERIOD, self.expected)
        return self.rig.now

    def named(self, status):
        """The cause is listed with its source, what to do about it, and an event of its own."""
        return any(active.id == self.expected.sign and active.source and active.hint and
                   self.before.last_event_id < active.event_id <= status.last_event_id for active in status.causes)

    def pass_deadline(self):
        """Go on until a while after the deadline."""
        left = self.begun + self.expected.deadline + QUIET - self.rig.now
        self.rig.step(max(0, round(left / STEP)))

    def commands(self):
        """Ticks with commands since the fault."""
        return [tick for tick in self.rig.log[self.place:] if tick.command is not None]


def run_cell(rig, fault, mode):
    """``Result`` of one ``Fault`` in one ``Mode``. The rig is calm before; that it can be calmed again proves the way back."""
    expected = fault.expected[mode]
    if rig.guarded != fault.guarded:
        rig.start(guarded=fault.guarded)
    {Mode.READY: lambda: None, Mode.HELD: rig.held, Mode.RUNNING: rig.running, Mode.STOPPING: rig.stopping,
     Mode.STOPPED: rig.stopped}[mode]()
    before, place, seconds, problem = rig.status, len(rig.log), None, ''
    reply = fault.begin(rig)
    case = Case(rig, fault, mode, expected, before, place, rig.now, reply)
    try:
        seconds = CHECKS[expected.reaction](case)
        if seconds is not None and seconds > expected.deadline + ON_THE_WAY:
            problem = f'{seconds:.3f} s, deadline {expected.deadline:.3f} s'
    except AssertionError as error:
        problem = str(error) or 'assertion'
    return Result(fault.id, mode.name, expected.reaction.value, expected.sign,
                  None if seconds is None else round(seconds, 4), expected.deadline, problem)


def _stop(case):
    """Braking or holding commands at once, the cause with its source and event, and the latch."""
    rig = case.rig
    found = case.first(lambda status: case.named(status) and (
        status.state in LATCHED_STATES or status.state_name == 'STOPPING'))
    late = found - case.begun - case.expected.deadline
    assert late <= ON_THE_WAY, f'the cause came {late:.3f} s after the deadline'
    if case.mode is Mode.STOPPED:
        assert not rig.reset(case.before.last_event_id).accepted, 'a reset that names the event before was accepted'
        assert not case.commands(), 'commands'
        return found - case.begun
    rig.until(lambda: rig.status.state in LATCHED_STATES, LONGEST_STOP, 'a latched stop')
    assert not rig.status.armed, 'still armed'
    at = _came_to_rest(case, case.place) if case.mode is Mode.RUNNING else found
    if case.mode is Mode.HELD:
        held = [tick.command for tick in case.commands()] + [rig.arms.goal]
        assert np.ptp([arm_joints(command) for command in held], axis=0).max() == 0, 'moved'
    sent = len(case.commands())
    rig.step(round(QUIET / STEP))
    assert len(case.commands()) == sent, 'commands after the stop'
    assert rig.status.state in LATCHED_STATES, f'the latch opened by itself: {rig.state}'
    return at - case.begun


def _hold(case):
    """Braking at once and the cause; HELD, and no row of the same epoch goes on."""
    rig, begun = case.rig, case.begun
    at, place = case.first(case.named), case.place
    if case.fault.takes:
        begun, place = rig.row_sent, len(rig.log) - 1
    rig.until(lambda: rig.state == 'HELD', LONGEST_STOP, 'HELD')
    if case.fault.takes or case.mode is Mode.RUNNING:
        at = _came_to_rest(case, place)
    pose = rig.arms.goal.copy()
    rig.step(round(QUIET / STEP))
    assert rig.state == 'HELD', f'went on by itself: {rig.state}'
    assert (rig.arms.goal == pose).all(), 'moved after the hold'
    return at - begun


def _bar(case):
    """It stands against arming, or against the reset; nothing moves."""
    sign = case.expected.sign
    at = case.first(lambda status: any(sign in blocker for blocker in status.blockers))
    case.pass_deadline()
    asked = case.rig.reset() if case.mode is Mode.STOPPED else case.rig.arm('policy')
    assert not asked.accepted, 'accepted'
    assert any(sign in blocker for blocker in asked.blockers), f'blockers: {list(asked.blockers)}'
    assert not case.commands(), 'commands'
    return at - case.begun


def _refuse(case):
    """The request is answered with blockers, or the rows are counted as refused; motion is what it was without."""
    if case.reply is not None:
        assert not case.reply.accepted and case.reply.blockers, f'accepted: {case.reply}'
        at = case.begun
    else:
        at = case.first(lambda status: status.rows_refused > case.before.rows_refused)
    case.pass_deadline()
    _undisturbed(case)
    return at - case.begun


def _show(case):
    """In the status, and nothing else."""
    at = case.first(case.named)
    case.pass_deadline()
    _undisturbed(case, shown={case.expected.sign})
    return at - case.begun


def _none(case):
    """As if nothing were."""
    case.rig.step(round(2 * QUIET / STEP))
    _undisturbed(case)


def _guard(case):
    """The arms are measured to stand in time, no goal moves on, and a new supervisor knows of it."""
    rig, moving = case.rig, case.begun
    for _ in range(round((case.expected.deadline + QUIET) / STEP)):
        rig.step(answered=False, guarded=True)
        moving = rig.now if np.abs(arm_joints(rig.arms.speed)).max() > STANDING else moving
    assert case.mode not in (Mode.READY, Mode.STOPPED) or not case.commands(), 'commands'
    rig.streams.mend()
    rig.restart()
    rig.step(10)
    if case.mode is Mode.STOPPED:
        assert rig.status.state == case.before.state and rig.status.last_event_id == case.before.last_event_id, 'forgotten'
    elif case.mode is Mode.READY:
        assert not rig.status.causes, [cause.text for cause in rig.status.causes]
    else:
        assert rig.status.state in LATCHED_STATES and rig.causes == {'unclean_end'}, f'{rig.state} {rig.causes}'
    return moving - case.begun


CHECKS = {Reaction.STOP: _stop, Reaction.GUARD: _guard, Reaction.HOLD: _hold, Reaction.BAR: _bar, Reaction.REFUSE: _refuse,
          Reaction.SHOW: _show, Reaction.NONE: _none}


def _undisturbed(case, shown=frozenset()):
    """The supervisor still does what it did."""
    rig, mode, sent = case.rig, case.mode, case.commands()
    old = {(cause.id, cause.source) for cause in case.before.causes}
    if case.fault.loses_time:  # nobody has been heard for that long
        shown = {*shown, 'companion_missing'}
    new = [cause.text for cause in rig.status.causes if (cause.id, cause.source) not in old and cause.id not in shown]
    assert not new, f'causes: {new}'
    if mode in (Mode.READY, Mode.STOPPED):
        assert not sent, 'commands'
        assert mode is Mode.READY or rig.status.state == case.before.state, rig.state
    elif mode is Mode.RUNNING:
        rows = round((rig.now - case.begun) / ROW) - 1
        assert rig.state == 'RUNNING' and len(sent) >= rows, f'{rig.state}, {len(sent)} commands instead of {rows}'
    else:
        assert rig.state == 'HELD', rig.state
        assert mode is Mode.STOPPING or all((tick.command == sent[0].command).all() for tick in sent), 'moved'


def _came_to_rest(case, place):
    """Braked from tick ``place`` of the log on, or soon after it; each joint only slows down, within its acceleration limit, to rest in time.

    Returns s of the first braking command.
    """
    log = case.rig.log
    at = next(i for i in range(place, len(log)) if log[i].status is not None and log[i].status.state_name in BRAKED)
    assert log[at].command is not None, f'no command at {log[at].now:.2f} s, when the brake began'
    # Places in the log count time, which the clock need not: it may have stepped.
    sent = [(i, arm_joints(tick.command)) for i, tick in enumerate(log) if tick.command is not None]
    last = max(place for place, (i, _) in enumerate(sent) if i < at)
    first = (sent[last][1] - sent[last - 1][1]) / case.rig.config.row_period
    brake = [(sent[last][0], sent[last][1])] + [
        (i, row) for (i, row), (_, before) in zip(sent[last + 1:], sent[last:]) if (row != before).any()]
    if case.fault.loses_time:  # the arms stood meanwhile, and the brake goes on from there
        brake = [(place, row) for place, (_, row) in enumerate(brake)]
        at = 0
    times, rows = STEP * np.array([i for i, _ in brake]), np.array([row for _, row in brake])
    assert times[-1] - STEP * at <= LONGEST_STOP, f'at rest after {times[-1] - STEP * at:.2f} s'
    dt = np.diff(times)
    speeds = np.vstack([first, np.diff(rows, axis=0) / dt[:, None], np.zeros(12)])
    middle = np.concatenate([times[:1], (times[1:] + times[:-1]) / 2, times[-1:] + STEP / 2])
    allowed = np.tile(case.rig.config.arm_acceleration, 2) * np.diff(middle)[:, None]
    assert (np.abs(np.diff(speeds, axis=0)) <= allowed * 1.01 + 2e-3).all(), 'braked harder than allowed'
    assert (np.diff(np.abs(speeds), axis=0) <= 2e-3).all(), 'sped up in the brake'
    return log[at].now if not case.fault.loses_time else case.begun + STEP
