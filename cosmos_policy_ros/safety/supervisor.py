"""The safety supervisor: the only way from a row to the arms.

Called by a 100 Hz loop and by message callbacks of one thread; every call gets the time ``now`` in s on one monotonic
clock, and stamps and target times are on that clock too. Nothing here waits, logs or reads a clock.
"""
import math

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, SIDES, Side

from .braking import Brake
from .causes import Clears, Severity
from .envelope import Envelope
from .events import EventLog
from .guards import against_arming, against_reset
from .inputs import Inputs
from .records import Outcome, Output, Reply, Status, Verdict
from .state import LATCHED, Facts, SafetyState, next_state
from .tracking import ServoModel
from .watchdog import LoopWatch, Stamp

ROUNDING = 1e-6
"""s; what the rounding of times may take from a deadline that falls on a cycle."""


class Supervisor:
    """Limits, watchdogs, authority and stops of two arms.

    Args:
        config: ``SafetyConfig``.
    """

    def __init__(self, config):
        self._config = config
        self._envelope = Envelope(config)
        self._inputs = Inputs(config)
        self._events = EventLog()
        self._loop = LoopWatch(config.tick_period, config.overrun_factor, config.overrun_count, config.clock_step)
        self._model = ServoModel(config.servo_lag)
        self._state = SafetyState.BOOT
        self._authority = ''
        self._epoch = 0
        self._command = None               # last commanded (14,)
        self._velocity = np.zeros(ACTION_DIM)
        self._brake = None
        self._pending = None               # Limited row for the next tick
        self._sequence = -1                # of the last row taken in this epoch
        self._due = -math.inf              # its place on the grid of rows
        self._row_at = -math.inf           # when it arrived
        self._clamped_in_a_row = 0
        self._repeat_at = math.inf         # when the last command is to be repeated
        self._lagging_since = math.inf
        self._sent_at = -math.inf          # when a command last changed
        self._reported = None
        self._rows = dict.fromkeys(Outcome, 0)
        self._clearance = math.nan, None   # m, and the command it belongs to

    @property
    def state(self):
        """The current ``SafetyState``."""
        return self._state

    @property
    def epoch(self):
        """Rows of any other epoch are refused."""
        return self._epoch

    @property
    def authority(self):
        """The source that may move the arms, '' when none."""
        return self._authority

    @property
    def command(self):
        """(14,) copy of what was last commanded, None before the first arming. A source starts from here."""
        return None if self._command is None else self._command.copy()

    def observe_joints(self, side, positions, stamp, now):
        """Joint states of one arm: (7,), six rad and the normalised gripper observation, measured at ``stamp``."""
        side = Side(side)
        arm = self._inputs.arms[side]
        kind = arm.observe(positions, stamp, now)
        if self._authority or not arm.invalid:
            self._events.level('joint_states_invalid', bool(arm.invalid), now, side.value, arm.invalid)
        self._check_stamp(kind, f'joint states of the {side.value} arm', stamp, now)
        self._settle(now)

    def observe_camera(self, name, stamp, now):
        """An image of a watched camera, taken at ``stamp``; other cameras are ignored."""
        if name in self._inputs.cameras:
            self._check_stamp(self._inputs.cameras[name].seen(stamp, now), f'camera {name}', stamp, now)
            self._settle(now)

    def observe_stop_source(self, id, pressed, sequence, counter_seen, now):
        """A message of a stop source. A press latches whoever sends it; only configured ones must keep on sending."""
        self._inputs.observe_stop(id, pressed, sequence, counter_seen, now)
        self._watch_stops(now)
        self._settle(now)

    def report(self, cause_id, now, detail=''):
        """A cause that the caller found itself, for instance a second publisher.

        Raises:
            KeyError: no such cause in ``CAUSES``.
        """
        self._events.raise_(cause_id, now, detail=detail, lasting=self._config.fresh_before_reset)
        self._settle(now)

    def offer(self, setpoint, now):
        """Judge a row (a ``control.setpoint.Setpoint``); returns a ``Verdict``.

        An admitted one is commanded by the next tick, or later if it comes too close after the one before. It replaces
        an admitted one that has not been commanded yet.
        """
        reason, detail = self._misplaced(setpoint, now)
        if reason:
            return self._refuse(reason, detail)
        scale = self._speed_scale()
        admission = self._envelope.admit(setpoint.positions, self._command, self._velocity, scale)
        clamped = admission.limited.clamped if admission.limited else ()
        self._clamped_in_a_row = self._clamped_in_a_row + 1 if clamped else 0
        cause, detail = admission.cause, admission.detail
        if not cause and self._clamped_in_a_row >= self._config.clamped_rows_limit:
            cause, detail = 'too_many_clamped', f'{self._clamped_in_a_row} rows, now {", ".join(clamped)}'
        if cause:
            self._events.raise_(cause, now, detail=detail)
            self._settle(now)
            return self._refuse(cause, detail)
        self._pending = admission.limited
        self._sequence = setpoint.sequence
        self._due = max(setpoint.target_time, self._due + self._config.row_period)
        self._row_at = now
        self._settle(now, row=True)
        kind = Outcome.CLAMPED if clamped else Outcome.ACCEPTED
        self._rows[kind] += 1
        return Verdict(kind, detail=', '.join(clamped), positions=admission.limited.positions.copy())

    def request_arm(self, authority, now):
        """Give the arms to a source; a ``Reply`` with the new epoch.

        Moves nothing. Leads to HELD until that source's first row. While another source (or the same) is running it
        brakes first. Clears what only asked for a new epoch.
        """
        blockers = self._against_arming(authority, now)
        if blockers:
            return Reply(False, self._epoch, tuple(blockers))
        if not self._authority:
            measured = self._inputs.measured()
            self._command = self._first_command(measured)
            self._model.reset(measured)
            self._lagging_since = math.inf
        self._authority = authority
        self._open_epoch()
        self._events.clear(Clears.EPOCH)
        self._settle(now, halt=True)
        return Reply(True, self._epoch)

    def request_disarm(self, now):
        """Take the arms back: brake, hold, publish nothing more. Always accepted."""
        self._authority = ''
        self._settle(now)
        return Reply(True, self._epoch)

    def request_reset(self, event_id, now):
        """Clear a latched stop, if the operator saw the latest event and nothing stands against it. Moves nothing."""
        blockers = self._against_reset(now)
        if event_id != self._events.last_event_id:
            latest = self._events.last_event_id
            blockers.append(f'the request names event {event_id}, the latest is {latest}: look again')
        if blockers:
            return Reply(False, self._epoch, tuple(blockers))
        self._events.clear(Clears.RESET, Clears.EPOCH)
        self._open_epoch()
        self._settle(now)
        return Reply(True, self._epoch)

    def tick(self, now):
        """One cycle of the loop; returns an ``Output`` with the command to send now, if any."""
        passed = self._loop.cycle(now)
        if self._loop.stepped:
            self._start_over(now)
        self._watch(now, passed)
        self._settle(now)
        command = self._next_command(now)
        self._settle(now)
        shown = self._state, self._events.active, self._authority, self._epoch
        changed, self._reported = shown != self._reported, shown
        return Output(command, self._state, changed)

    def status(self, now):
        """``Status`` for publishing: each call issues the next counter value, which stop sources have to echo."""
        latched = self._state in LATCHED.values() or self._events.worst() >= Severity.PROTECTIVE
        if self._clearance[1] is not self._command:
            self._clearance = self._envelope.min_clearance(self._command), self._command
        period_max, self._loop.period_max = self._loop.period_max, 0.0
        return Status(
            self._inputs.counter.issue(now), self._state, self._authority, self._epoch, bool(self._authority),
            self._events.active, self._events.last_event_id,
            tuple(self._against_reset(now) if latched else self._against_arming(None, now)), self._speed_scale(),
            self._clearance[0], self._rows[Outcome.ACCEPTED], self._rows[Outcome.CLAMPED], self._rows[Outcome.REFUSED],
            self._inputs.ages(now), period_max)

    def _misplaced(self, setpoint, now):
        """Why a row is none of the current source, epoch, state and time, as (reason, detail); ('', '') if it is."""
        config = self._config
        if not self._authority or setpoint.source != self._authority:
            return 'setpoint_source', f'{setpoint.source!r}, authority is {self._authority!r}'
        if setpoint.epoch != self._epoch:
            return 'setpoint_epoch', f'{setpoint.epoch}, current is {self._epoch}'
        if self._state not in (SafetyState.HELD, SafetyState.RUNNING) or self._events.worst() >= Severity.HOLD:
            return self._state.name.lower(), 'rows are ignored until the next arming'
        age = now - setpoint.target_time
        if not -config.row_max_lead <= age <= config.row_max_age:
            return 'setpoint_stale', f'{age:.3f} s old'
        if setpoint.sequence <= self._sequence:
            return 'setpoint_sequence', f'{setpoint.sequence} after {self._sequence}'
        early = self._due + config.row_period - setpoint.target_time
        if early > config.row_slack + ROUNDING:
            return 'setpoint_sequence', f'{early:.3f} s before its place in the grid of rows'
        return '', ''

    def _refuse(self, reason, detail):
        self._rows[Outcome.REFUSED] += 1
        return Verdict(Outcome.REFUSED, reason, detail)

    def _check_stamp(self, kind, name, stamp, now):
        if kind is Stamp.FUTURE and self._authority:
            self._events.raise_('clock_step', now, name, f'stamp {stamp - now:.3f} s ahead',
                                self._config.fresh_before_reset)

    def _watch(self, now, passed):
        """Raise and lower every cause that is a condition on inputs and time."""
        level, armed = self._events.level, bool(self._authority)
        level('loop_overrun', armed and self._loop.overrun, now, detail=f'last cycle {passed:.3f} s')
        for side, arm in self._inputs.arms.items():
            late = armed and not arm.invalid and arm.watch.late(now)
            level('joint_states_stale', late, now, side.value, f'{arm.watch.age(now):.2f} s')
        pictured = self._authority in self._config.camera_authorities
        for name, watch in self._inputs.cameras.items():
            level('camera_stale', pictured and watch.late(now), now, name, f'{watch.age(now):.2f} s')
        self._watch_stops(now)
        self._watch_tracking(now, passed)
        if self._state is SafetyState.RUNNING and now - self._row_at >= self._config.starvation - ROUNDING:
            self._events.raise_('policy_starved', now, detail=f'{self._authority} for {now - self._row_at:.3f} s')

    def _watch_stops(self, now):
        for name, button in self._inputs.stops.items():
            self._events.level('stop_pressed', button.pressed, now, name)
            lost = button.lost(now) if self._inputs.required(name) and button.heard else ''
            self._events.level('stop_source_lost', bool(lost), now, name, lost)

    def _watch_tracking(self, now, passed):
        config, residual, side = self._config, 0.0, ''
        if self._authority:
            self._model.advance(self._command, passed)
            residuals = self._model.residual(self._inputs.measured())
            residual, side = float(residuals.max()), SIDES[int(residuals.argmax()) // 6].value
        if residual <= config.tracking_act:
            self._lagging_since = math.inf
        elif self._lagging_since is math.inf:
            self._lagging_since = now
        detail = f'{side} arm {residual:.2f} rad off the servo model'
        self._events.level('tracking_lag', residual > config.tracking_warn, now, detail=detail)
        lasting = now - self._lagging_since >= config.tracking_time - ROUNDING
        self._events.level('tracking_error', lasting, now, detail=detail)

    def _settle(self, now, row=False, halt=False):
        """Bring the state in line with the causes, and begin the brake where it asks for one."""
        self._events.expire(now)
        worst = self._events.worst()
        if worst >= Severity.PROTECTIVE:
            self._authority = ''
        before, armed = self._state, bool(self._authority)
        self._state = next_state(before, Facts(
            sensed=self._inputs.measured() is not None, worst=worst, moving=bool(self._velocity.any()), armed=armed,
            ready=not armed and not self._against_arming(None, now), row=row, halt=halt))
        if self._state is before:
            return
        if self._state is not SafetyState.RUNNING:
            self._pending = None
        if self._state is SafetyState.STOPPING:
            # From the last command on, so that the speed between it and the first sample of the brake is continuous.
            self._brake = Brake(self._command, self._velocity, self._envelope.limits, self._sent_at)
        stood = before in (SafetyState.HELD, SafetyState.RUNNING)
        says_hold = self._state is SafetyState.HELD or (stood and self._state in LATCHED.values())
        self._repeat_at = now if says_hold and before is not SafetyState.STOPPING else (
            now + self._config.row_period if self._state is SafetyState.HELD else math.inf)

    def _next_command(self, now):
        """(14,) to send in this cycle, or None."""
        if self._pending is not None:
            # Two close together would double the speed: the row before came late, or a brake has just ended.
            slack = self._config.row_slack if self._velocity.any() else 0.0
            if now - self._sent_at < self._config.row_period - slack - ROUNDING:
                return None
            self._commit(self._pending.positions, self._pending.velocity, now)
            self._pending = None
        elif self._state is SafetyState.STOPPING:
            self._commit(*self._brake.at(now), now)
        elif now >= self._repeat_at - ROUNDING:
            # After a latched stop once, since a repaired arm must not be pulled back; while armed without a gap.
            self._repeat_at = now + self._config.row_period if self._authority else math.inf
        else:
            return None
        return self._command.copy()

    def _commit(self, positions, velocity, now):
        self._command, self._velocity, self._sent_at = positions, velocity, now

    def _start_over(self, now):
        """The clock went back: no time noted before means anything. Inputs are heard afresh; a brake goes on."""
        self._inputs = Inputs(self._config, self._inputs.counter)
        self._events.forget_presence()
        self._sent_at, self._lagging_since = now, math.inf
        if math.isfinite(self._repeat_at):
            self._repeat_at = now
        if self._state is SafetyState.STOPPING:
            self._brake = Brake(self._command, self._velocity, self._envelope.limits, now)
        if self._authority:
            self._events.raise_('clock_step', now, detail='the clock of the supervisor went back')
            self._settle(now)

    def _first_command(self, measured):
        """The measured pose, per arm; or the last command, where the servos evidently still hold it.

        Commanding the measured pose again and again would walk an arm downwards: it always hangs a little below.
        """
        first = measured.copy()
        for i in range(len(SIDES)):
            arm = slice(7 * i, 7 * i + 7)
            if self._command is None:
                continue
            if np.abs(measured[arm] - self._command[arm])[:6].max() <= self._config.hold_tolerance:
                first[arm] = self._command[arm]
        return first

    def _open_epoch(self):
        self._epoch += 1
        self._pending = None
        self._sequence, self._due, self._clamped_in_a_row = -1, -math.inf, 0

    def _against_arming(self, authority, now):
        return against_arming(authority, self._authority, self._velocity.any(), self._config, self._events,
                              self._inputs, now)

    def _against_reset(self, now):
        return against_reset(self._velocity.any(), self._config, self._events, self._inputs, now)

    def _speed_scale(self):
        return self._config.slow_scale if self._events.slowed() else 1.0
