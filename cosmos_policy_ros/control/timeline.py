"""Plays chunks as one setpoint per 40 ms slot and splices each new chunk into the one being played."""
import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, CONTROL_PERIOD
from cosmos_policy_ros.embodiment.limits import both_arms

from .latency import LatencyTracker
from .setpoint import Setpoint

SLOT_SLACK = 1e-6
"""Slots; what rounding may take from a time that lies on the grid."""

FADE_SHARE = 0.5
"""Share of the speed limit that a cross-fade may use; the rest is left to the motion of the rows themselves."""

RETRY = 0.2
"""s from an inference that failed to the next one: what refuses at once must not be asked at every tick."""

STANDS = 2
"""Slots after the last row that moved: by then the arms have been commanded to stand, however late that row was sent."""


class Refusal(Enum):
    """Why a chunk was not accepted."""

    NOT_RUNNING = 'the timeline has not been started'
    WRONG_EPOCH = 'it belongs to another epoch'
    OUT_OF_ORDER = 'a chunk with this or a later sequence was accepted before'
    OLDER_OBSERVATION = 'its observation is older than that of the chunk being played'
    FROM_THE_FUTURE = 'its observation lies in the future'
    WRONG_PERIOD = 'its rows are not one period of the timeline apart'
    STALE = 'the target times of all its rows have passed'


@dataclass(frozen=True)
class Splice:
    """What became of a chunk.

    ``refused`` is None when it was accepted. ``dropped_rows``: rows whose target time had passed. ``blend_rows``: rows
    cross-faded. ``seam_jump``: largest difference (rad or openings) between old and new plan at the seam.
    """

    refused: Refusal = None
    dropped_rows: int = 0
    blend_rows: int = 0
    seam_jump: float = 0.0


@dataclass(frozen=True)
class Figures:
    """Counts since construction: setpoints played, slots without a row while running, slots jumped over because nobody
    asked, chunks accepted, refused and failed, rows dropped as late, largest seam jump (rad or openings)."""

    rows: int = 0
    pauses: int = 0
    skipped: int = 0
    chunks: int = 0
    refused: int = 0
    failed: int = 0
    dropped_rows: int = 0
    largest_seam: float = 0.0


class ChunkTimeline:
    """The rows to come, on a grid of slots one ``period`` apart.

    The first chunk of an epoch sets the grid at the moment it is accepted: the arms stood still while it was inferred,
    so all of its rows are still ahead. In 'async' mode each later chunk is laid onto that grid by its observation time,
    rounded to the nearest slot, and rows that are late are dropped. In 'sync' mode the arms come to a stop when the
    executed rows are used up, the next observation is due once they stand, and the grid restarts with each chunk.

    Args:
        period: s between slots.
        executed_rows: rows played before the next chunk is due.
        blend_rows: rows over which two plans are cross-faded; more are used where the speed limit asks for it. 0
            switches fading off but for the first chunk of an epoch.
        speed: (14,) per s. Every setpoint lies within ``speed * period`` of the one before.
        acceleration: (14,) per s2, of the stop at the end of the executed rows in 'sync' mode.
        expected_latency: s, of an inference, until one was measured.
        latency_mode: 'async' or 'sync'.
        source: name put into every setpoint.
    """

    def __init__(self, period=CONTROL_PERIOD, executed_rows=25, blend_rows=5, speed=None, acceleration=None,
                 expected_latency=0.4, latency_mode='async', source='policy'):
        if latency_mode not in ('async', 'sync'):
            raise ValueError(f'latency_mode {latency_mode!r}: expected "async" or "sync"')
        if executed_rows < 1 or blend_rows < 0 or not period > 0:
            raise ValueError('expected period > 0, executed_rows >= 1 and blend_rows >= 0, '
                             f'got {period}, {executed_rows}, {blend_rows}')
        self._period, self._executed, self._blend = period, executed_rows, blend_rows
        self._step = period * np.array(both_arms(2.8, 3.6) if speed is None else speed, dtype=float)
        self._slowing = period ** 2 * np.array(both_arms(30.0, 90.0) if acceleration is None else acceleration)
        if self._step.shape != (ACTION_DIM,) or not (self._step > 0).all():
            raise ValueError(f'speed: expected {ACTION_DIM} positive numbers, got shape {self._step.shape}')
        self._sync, self._source = latency_mode == 'sync', source
        self.latency = LatencyTracker(expected_latency)
        self._counts = dict.fromkeys(('rows', 'pauses', 'skipped', 'chunks', 'refused', 'failed', 'dropped_rows'), 0)
        self._largest_seam = 0.0
        self._epoch = None

    @property
    def epoch(self):
        """Epoch being played; None when stopped."""
        return self._epoch

    @property
    def position(self):
        """(14,) the last setpoint, or the pose given to ``start``."""
        return self._position.copy()

    @property
    def figures(self):
        """``Figures`` since construction."""
        return Figures(largest_seam=self._largest_seam, **self._counts)

    @property
    def looks_from(self):
        """s; in 'sync' mode an older observation shows arms that still moved. -inf in 'async' mode."""
        return self._moved_at + STANDS * self._period if self._sync else -math.inf

    def start(self, epoch, now, position):
        """Begin an epoch from ``position`` (14,): what the arms were last commanded, or where they stand."""
        position = np.array(position, dtype=float)
        if position.shape != (ACTION_DIM,) or not np.isfinite(position).all():
            raise ValueError(f'epoch {epoch}: the start pose must be {ACTION_DIM} finite numbers, got {position}')
        self._epoch, self._position, self._velocity = epoch, position, np.zeros(ACTION_DIM)
        self._sequence = 0               # of the next setpoint
        self._chunk = None               # the one being played
        self._plan = np.empty((0, ACTION_DIM))
        self._plan_slot = 0              # slot of the plan's first row
        self._switch_slot = 0            # slot at which the next chunk is due
        self._origin = now               # time of slot 0
        self._slot = -1                  # the slot played last
        self._last_target = self._moved_at = -math.inf
        self._requested_at = None
        self._asks_from = -math.inf
        self._share = 1.0                # of the speed limit

    def stop(self):
        """End the epoch; rows to come are discarded."""
        self._epoch = None

    def hurry(self):
        """The next chunk is due at once, whatever rows are left."""
        if self._epoch is not None and self._chunk is not None:
            self._switch_slot = min(self._switch_slot, self._slot + 1)

    def slow(self, share):
        """From here on rows are approached at this share (0..1) of the speed limit, until told otherwise or a new epoch."""
        self._share = share

    def wants_chunk(self, now):
        """True when the next observation should be taken and inferred now."""
        if self._epoch is None or self._requested_at is not None or now < self._asks_from:
            return False
        if self._chunk is None:
            return True
        ahead = 0.0 if self._sync else self.latency.seconds()
        return self._time(self._switch_slot) - now <= ahead + SLOT_SLACK * self._period

    def requested(self, now):
        """An observation was taken and sent to inference."""
        self._requested_at = now

    def failed(self, reason, now):
        """The inference yielded nothing; ``RETRY`` s later one is wanted again. ``reason`` is for the caller's log."""
        self._requested_at, self._asks_from = None, now + RETRY
        self._counts['failed'] += 1

    def accept(self, chunk, now):
        """Splice a chunk into what is being played; returns a ``Splice``."""
        refusal = self._refusal(chunk, now)
        if refusal is not None:
            self._counts['refused'] += 1
            if refusal is not Refusal.NOT_RUNNING and refusal is not Refusal.WRONG_EPOCH:
                self._requested_at = None
            return Splice(refusal)
        if self._requested_at is not None:
            self.latency.observe(now - self._requested_at)
        self._requested_at = None
        if self._sync or self._chunk is None:
            first, dropped = self._restart_grid(now), 0
        else:
            first = self._next_slot(now)
            dropped = max(0, first - self._slot_of(chunk))
        return self._lay(chunk, first, dropped)

    def setpoint(self, now):
        """The ``Setpoint`` of the current slot; None when it was given already, lies ahead, or no row is left."""
        if self._epoch is None or self._chunk is None:
            return None
        slot = self._current_slot(now)
        if slot <= self._slot:
            return None
        end = self._switch_slot if self._sync else self._plan_slot + len(self._plan)
        has_row = slot < end
        skipped = max(0, min(slot, end) - self._slot - 1)
        passed = slot if has_row or self._sync else slot - 1  # a chunk that comes within this slot may still fill it
        self._counts['skipped'] += skipped
        self._counts['pauses'] += passed - self._slot - skipped - has_row
        self._slot = passed
        if has_row:
            wanted = self._plan[slot - self._plan_slot]
        elif self._sync:
            wanted = self._position + self._velocity - np.clip(self._velocity, -self._slowing, self._slowing)
        else:
            return None
        return self._emit(wanted, self._time(slot))

    def _emit(self, wanted, target_time):
        """The setpoint for a row, approached at the speed limit where it would jump."""
        step, largest = wanted - self._position, self._share * self._step
        inside = np.abs(step) <= largest
        positions = np.where(inside, wanted, self._position + np.clip(step, -largest, largest))
        self._velocity, self._position = positions - self._position, positions
        if self._velocity.any():
            self._moved_at = target_time
        self._last_target = target_time
        self._sequence += 1
        self._counts['rows'] += 1
        positions.setflags(write=False)
        return Setpoint(self._source, self._epoch, self._sequence - 1, target_time, positions)

    def _refusal(self, chunk, now):
        if self._epoch is None:
            return Refusal.NOT_RUNNING
        if chunk.epoch != self._epoch:
            return Refusal.WRONG_EPOCH
        if chunk.period != self._period:
            return Refusal.WRONG_PERIOD
        if chunk.observed_at > now + SLOT_SLACK:
            return Refusal.FROM_THE_FUTURE
        if self._chunk is None:
            return None
        if chunk.sequence <= self._chunk.sequence:
            return Refusal.OUT_OF_ORDER
        if chunk.observed_at < self._chunk.observed_at:
            return Refusal.OLDER_OBSERVATION
        if not self._sync and self._slot_of(chunk) + len(chunk.rows) <= self._next_slot(now):
            return Refusal.STALE
        return None

    def _restart_grid(self, now):
        """Put slot 0 at ``now``, but never closer than one period to the setpoint before; returns that slot."""
        old_rows = self._plan[max(0, self._slot + 1 - self._plan_slot):]
        stopped = self._chunk is not None and self._slot >= self._switch_slot
        self._plan, self._plan_slot = (old_rows[:0] if stopped else old_rows), 0
        self._origin = max(now, self._last_target + self._period)
        self._slot = -1
        return 0

    def _lay(self, chunk, first, dropped):
        """Make the chunk's rows from ``dropped`` on the plan from slot ``first`` on, faded in from the old plan."""
        rows = np.array(chunk.rows[dropped:])
        old = self._old_rows(first, len(rows))
        jump = np.abs(rows[0] - old[0])
        # A smoothstep over n + 1 steps is steepest in its middle: 1.5 / (n + 1) of the jump a row.
        needed = math.ceil((1.5 * jump / (FADE_SHARE * self._step)).max()) - 1
        blend = 0 if self._blend == 0 and self._chunk is not None else min(max(self._blend, needed), len(rows))
        u = np.arange(1, blend + 1)[:, None] / (blend + 1)
        weight = u * u * (3 - 2 * u)
        rows[:blend] = (1 - weight) * old[:blend] + weight * rows[:blend]
        self._chunk, self._plan, self._plan_slot = chunk, rows, first
        self._switch_slot = first + min(self._executed, len(rows))
        self._counts['chunks'] += 1
        self._counts['dropped_rows'] += dropped
        self._largest_seam = max(self._largest_seam, float(jump.max()))
        return Splice(None, dropped, blend, float(jump.max()))

    def _old_rows(self, first, count):
        """(count, 14) the old plan from slot ``first`` on, standing still where it ends."""
        rest = self._plan[max(0, first - self._plan_slot):][:count]
        last = rest[-1] if len(rest) else self._position
        return np.concatenate([rest, np.broadcast_to(last, (count - len(rest), ACTION_DIM))])

    def _slot_of(self, chunk):
        return round((chunk.observed_at - self._origin) / self._period)

    def _current_slot(self, now):
        return math.floor((now - self._origin) / self._period + SLOT_SLACK)

    def _next_slot(self, now):
        """The first slot that can still be played."""
        return max(self._slot + 1, self._current_slot(now))

    def _time(self, slot):
        return self._origin + slot * self._period
