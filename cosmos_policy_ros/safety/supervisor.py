"""The safety supervisor: the only way from a row to the arms.

Called by a 100 Hz loop and by message callbacks of one thread; every call gets the time ``now`` in s on one monotonic
clock, and stamps and target times are on that clock too. Nothing here waits, logs or reads a clock.
"""
import math

from cosmos_policy_ros.embodiment.joints import Side

from .authority import Authority
from .causes import CAUSES, Clears, Severity
from .chunk_check import check_chunk
from .envelope import Envelope
from .events import ActiveCause, EventLog
from .guards import FAULTY, UNLOOKED, against_arming, against_reset, against_takeover
from .inputs import Inputs
from .latch import LatchRecord, restored
from .monitor import SUPERVISOR, Monitor
from .motion import Motion
from .records import Outcome, Output, Reply, Status, Verdict
from .state import LATCHED, Facts, SafetyState, next_state
from .watchdog import ROUNDING


class Supervisor:
    """Limits, watchdogs, authority and stops of two arms.

    Args:
        config: ``SafetyConfig``. record: ``LatchRecord`` of the run before; what was latched still is. now: s.
        companions: whether nothing may be armed before the first ``observe_companions``.
    """

    def __init__(self, config, record=LatchRecord(), now=0.0, companions=False):
        self._config = config
        last_event_id, causes = restored(record, now)
        self._events = EventLog(last_event_id)
        for active in causes:
            self._events.restore(active)
        self._envelope = Envelope(config)
        self._inputs = Inputs(config)
        self._monitor = Monitor(config, self._events, self._inputs)
        self._authority = Authority(config, record.epoch)
        self._motion = Motion(config, self._envelope.limits)
        self._state = SafetyState.BOOT
        self._failure = None               # ``ActiveCause`` of an exception in here
        self._unlooked = companions
        self._reported = None
        self._rows = dict.fromkeys(Outcome, 0)
        self._near = math.nan, 1.0, None   # m between the arms, share of the speed limits, and the command these belong to
        self._settle(now)

    @property
    def state(self):
        """The current ``SafetyState``."""
        return self._state

    @property
    def epoch(self):
        """Rows of any other epoch are refused."""
        return self._authority.epoch

    @property
    def authority(self):
        """The source that may move the arms, '' when none."""
        return self._authority.holder

    @property
    def command(self):
        """(14,) copy of what was last commanded, None before the first arming. A source starts from here."""
        return None if self._motion.command is None else self._motion.command.copy()

    @property
    def velocity(self):
        """(14,) per s, copy of the speed of ``command``."""
        return self._motion.velocity.copy()

    @property
    def record(self):
        """``LatchRecord`` to keep on disk, so that no restart forgets a stop."""
        causes = (self._failure,) if self._failure else self._events.latched()
        return LatchRecord(self._events.last_event_id, self.epoch, self.authority, causes)

    def observe_joints(self, side, positions, stamp, now, efforts=None):
        """Joint states of one arm, measured at ``stamp``.

        Args:
            positions: (7,), six rad and the normalised gripper observation. efforts: (7,) mA, None when not measured.
        """
        self._monitor.joints(Side(side), positions, efforts, stamp, now, bool(self.authority))
        self._react(now)

    def observe_camera(self, name, stamp, now):
        """An image of a watched camera, taken at ``stamp``; other cameras are ignored."""
        if name in self._inputs.cameras:
            self._monitor.camera(name, stamp, now, bool(self.authority))
            self._react(now)

    def observe_picture(self, name, fingerprint):
        """The pixels of an image, as any value that differs when they do; it may come long after the image itself.

        From the first one on the pictures of this camera must change while the arms move.
        """
        if name in self._inputs.cameras:
            self._inputs.cameras[name].picture.seen(fingerprint)

    def observe_stop_source(self, id, pressed, sequence, counter_seen, now):
        """A message of a stop source. A press latches whoever sends it; only configured ones must keep on sending."""
        self._monitor.stop_source(id, pressed, sequence, counter_seen, now)
        self._react(now)

    def observe_config(self, digest, now):
        """The digest of the configuration file as it is now, '' if it is unreadable. What is in force never changes."""
        self._events.level('config_changed', digest != self._config.digest, now, SUPERVISOR)
        self._settle(now)

    def observe_companions(self, missing, now):
        """Which processes that this one relies on are not heard, as a sentence; '' when all are there."""
        self._unlooked = False
        self._events.level('companion_missing', bool(missing), now, SUPERVISOR, missing)
        self._settle(now)

    def report(self, cause_id, now, detail='', source=SUPERVISOR):
        """A cause that the caller found itself, for instance a second publisher.

        Raises:
            KeyError: no such cause in ``CAUSES``.
        """
        self._events.raise_(cause_id, now, source, detail, self._config.fresh_before_reset)
        self._react(now)

    def offer(self, setpoint, now):
        """Judge a row (a ``control.setpoint.Setpoint``); returns a ``Verdict``.

        An admitted one is commanded by the next tick, or later if it comes too close after the one before. It replaces
        an admitted one that has not been commanded yet.
        """
        authority = self._authority
        refused = authority.misplaced(setpoint, now) or self._ignored()
        if refused:
            return self._refuse(*refused)
        admission = self._envelope.admit(setpoint.positions, self._motion.command, self._motion.velocity,
                                         self._speed_scale(), self._hand_speed())
        clamped = admission.limited.clamped if admission.limited else ()
        authority.clamped_in_a_row = authority.clamped_in_a_row + 1 if clamped else 0
        cause, detail = admission.cause, admission.detail
        if not cause and authority.clamped_in_a_row >= self._config.clamped_rows_limit:
            cause, detail = 'too_many_clamped', f'{authority.clamped_in_a_row} rows, now {", ".join(clamped)}'
        if cause:
            return self._hold(cause, detail, now)
        self._motion.take(admission.limited)
        authority.take(setpoint, now)
        self._settle(now, row=True)
        kind = Outcome.CLAMPED if clamped else Outcome.ACCEPTED
        self._rows[kind] += 1
        return Verdict(kind, detail=', '.join(clamped), positions=admission.limited.positions.copy())

    def offer_chunk(self, chunk, now):
        """Judge a chunk (a ``control.chunk.ActionChunk``) before its first row is offered; returns a ``Verdict``.

        One that could not be played to its end brakes the arms. Sources in ``planned_authorities`` may send no row of
        an epoch before a chunk of it was admitted, and none is that was inferred before the arms stood: so whoever gets
        the arms looks at them first.
        """
        refused = self._authority.outdated(chunk, now) or self._ignored()
        if refused:
            return self._refuse(*refused)
        late = self._late_rows(chunk, now)
        if late >= len(chunk.rows):
            return self._refuse('setpoint_stale', f'{now - chunk.observed_at:.2f} s: all of its {len(chunk.rows)} rows are late')
        verdict = check_chunk(chunk.rows, self._motion.command, self._envelope, late)
        if verdict.cause:
            return self._hold(verdict.cause, verdict.detail, now)
        self._authority.planned = True
        return Verdict(Outcome.ACCEPTED)

    def _late_rows(self, chunk, now):
        """Rows of a chunk that will not be played: none when the arms have stood since it was inferred from."""
        age = now - chunk.observed_at
        if self._motion.stands_since <= chunk.observed_at and age <= self._config.standing_chunk_age:
            return 0
        return max(0, math.ceil(age / self._config.row_period - ROUNDING))

    def request_arm(self, authority, now, origin='', reduced=False):
        """Give the arms to a source; a ``Reply`` with the new epoch.

        Moves nothing. Leads to HELD until that source's first row. While another source (or the same) is running it
        brakes first. Clears what only asked for a new epoch. ``reduced`` holds the source to the reduced speed.
        """
        blockers = self._against_arming(authority, now)
        if blockers:
            return Reply(False, self.epoch, tuple(blockers))
        measured = self._inputs.measured()
        if not self.authority:
            self._motion.begin(measured)
            self._monitor.begin(measured)
        self._authority.grant(authority, origin, reduced)
        self._open_epoch(now)
        self._monitor.granted()
        self._events.clear(Clears.EPOCH)
        self._settle(now, halt=True)
        return Reply(True, self.epoch)

    def request_takeover(self, take, authority, now):
        """An operator's source takes the arms from whoever has them, or hands them back; a ``Reply``. Moves nothing.

        The arms brake, and the new source starts from the last command in a new epoch. Handing back goes to the source
        that they were taken from, or to ``authority``; what it had queued or inferred before counts no more. A reduced
        speed that was asked for stays.
        """
        blockers = against_takeover(take, authority, self.authority, self._authority.origin, self._config)
        if blockers:
            return Reply(False, self.epoch, tuple(blockers))
        reduced = self._authority.reduced
        if take:
            return self.request_arm(authority, now, self.authority, reduced)
        return self.request_arm(authority or self._authority.origin, now, reduced=reduced)

    def request_disarm(self, now):
        """Take the arms back: brake, hold, publish nothing more. Always accepted."""
        self._authority.withdraw()
        self._settle(now)
        return Reply(True, self.epoch)

    def request_reset(self, event_id, now):
        """Clear a latched stop, if the operator saw the latest event and nothing stands against it. Moves nothing."""
        blockers = self._against_reset(now)
        if event_id != self._events.last_event_id:
            latest = self._events.last_event_id
            blockers.append(f'the request names event {event_id}, the latest is {latest}: look again')
        if blockers:
            return Reply(False, self.epoch, tuple(blockers))
        self._events.clear(Clears.RESET, Clears.EPOCH)
        self._inputs.stops.forget_released_strangers()
        self._open_epoch(now)
        self._settle(now)
        return Reply(True, self.epoch)

    def tick(self, now):
        """One cycle of the loop; returns an ``Output`` with the command to send now, if any."""
        if not self._failure:
            try:
                return self._cycle(now)
            except Exception as error:  # whatever it is, the arms must come to rest
                self.fail(error, now)
        try:
            command = self._motion.last_resort(now)
        except Exception:
            command = None  # the servos hold the last goal
        self._state = self._failed_state()
        return self._output(command, (self._failure,))

    def fail(self, error, now):
        """Any call of this object raised ``error``: from now on it only brakes, holds and says so, until a restart."""
        if self._failure:
            return
        detail = f'{type(error).__name__}: {error}'
        event_id = self._events.last_event_id = self._events.last_event_id + 1
        self._failure = ActiveCause(CAUSES['internal_error'], SUPERVISOR, event_id, now, detail)
        self._authority.withdraw()
        self._state = self._failed_state()

    def status(self, now):
        """``Status`` for publishing: each call issues the next counter value, which stop sources have to echo."""
        blockers, causes, ages, scale = (FAULTY,), (self._failure,), {}, 0.0
        if not self._failure:
            causes, ages = self._events.active, self._inputs.ages(now)
            latched = self._state in LATCHED.values() or self._events.worst() >= Severity.PROTECTIVE
            blockers = tuple(self._against_reset(now) if latched else self._against_arming(None, now))
            command = self._motion.command
            if self._near[-1] is not command:
                self._near = self._envelope.min_clearance(command), self._envelope.speed_scale(command), command
            scale = self._near[1] * self._speed_scale()
        loop = self._monitor.loop
        period_max, loop.period_max = loop.period_max, 0.0
        return Status(
            self._inputs.stops.counter.issue(now), self._state, self.authority, self.epoch, bool(self.authority),
            causes, self._events.last_event_id, blockers, scale, self._near[0],
            self._rows[Outcome.ACCEPTED], self._rows[Outcome.CLAMPED], self._rows[Outcome.REFUSED], ages, period_max,
            self._authority.origin, self._hand_speed())

    def _failed_state(self):
        return SafetyState.STOPPING if self._motion.moving else SafetyState.FAULT

    def _cycle(self, now):
        moving = self._state is SafetyState.RUNNING
        silent = self._authority.silent_for(now) + ROUNDING if moving else 0.0
        self._monitor.cycle(now, self.authority, self._motion.command, silent)
        if self._monitor.loop.stepped:
            self._motion.forget_time(self._state, now)
        self._settle(now)
        command = self._motion.next(self._state, bool(self.authority), now)
        self._settle(now)
        return self._output(command, self._events.active)

    def _output(self, command, causes):
        shown = self._state, causes, self.authority, self.epoch
        changed, self._reported = shown != self._reported, shown
        return Output(command, self._state, changed)

    def _ignored(self):
        """Why no row of the current source and epoch passes, as (reason, detail); None if rows may pass."""
        if self._state in (SafetyState.HELD, SafetyState.RUNNING) and self._events.worst() < Severity.HOLD:
            return None
        return self._state.name.lower(), 'rows are ignored until the next arming'

    def _hold(self, cause, detail, now):
        self._events.raise_(cause, now, self.authority, detail)
        self._settle(now)
        return self._refuse(cause, detail)

    def _refuse(self, reason, detail):
        self._rows[Outcome.REFUSED] += 1
        return Verdict(Outcome.REFUSED, reason, detail)

    def _react(self, now):
        """Settle if an event is new: a flood of messages must not cost more than it says."""
        if self._events.last_event_id != self._settled:
            self._settle(now)

    def _settle(self, now, row=False, halt=False):
        """Bring the state in line with the causes, and begin the brake where it asks for one."""
        if self._failure:
            return
        self._events.expire(now)
        self._settled = self._events.last_event_id
        worst = self._events.worst()
        if worst >= Severity.PROTECTIVE:
            self._authority.withdraw()
        before, armed = self._state, bool(self.authority)
        self._state = next_state(before, Facts(
            sensed=self._inputs.sensed(), worst=worst, moving=self._motion.moving, armed=armed,
            ready=not armed and not self._against_arming(None, now), row=row, halt=halt))
        if self._state is not before:
            self._motion.enter(self._state, before, now)
            if self._state is SafetyState.HELD:
                self._authority.stands(now)

    def _open_epoch(self, now):
        self._authority.open_epoch()
        if not self._motion.moving:
            self._authority.stands(now)

    def _against_arming(self, authority, now):
        if self._failure:
            return [FAULTY]
        found = against_arming(authority, self.authority, self._motion.moving, self._config, self._events, self._inputs,
                               now)
        return found + [UNLOOKED] if self._unlooked else found

    def _against_reset(self, now):
        if self._failure:
            return [FAULTY]
        return against_reset(self._motion.moving, self._config, self._events, self._inputs, now)

    def _speed_scale(self):
        return self._config.slow_scale if self._events.slowed() else 1.0

    def _hand_speed(self):
        reduced = self._authority.reduced or self.authority in self._config.reduced_authorities
        return self._config.reduced_speed if reduced else math.inf
