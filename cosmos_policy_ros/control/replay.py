"""Rows of a recorded episode, played once more: at their own speed, after an approach to where they begin."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, CONTROL_PERIOD

from .setpoint import Setpoint
from .slots import Slots


class RecordingError(ValueError):
    """A recording that cannot be replayed; the message says why."""


def on_the_grid(times, rows, period=CONTROL_PERIOD):
    """Rows (m, 14) in every slot of 40 ms from the first to the last: in a slot without a row the one before goes on.

    Args:
        times: (n,) s, ascending target times. rows: (n, 14), as sent at those times.

    Raises:
        RecordingError: no rows, another shape, times that do not rise, or numbers that are not finite.
    """
    times, rows = np.asarray(times, dtype=float), np.asarray(rows, dtype=float)
    if not len(rows):
        raise RecordingError('the recording holds no rows: nothing had the arms')
    if rows.shape != (len(times), ACTION_DIM):
        raise RecordingError(f'expected rows ({len(times)}, {ACTION_DIM}), got {rows.shape}')
    if not np.isfinite(rows).all() or not np.isfinite(times).all():
        raise RecordingError('rows or times of the recording are not finite')
    if (np.diff(times) <= 0).any():
        raise RecordingError(f'target times do not rise at row {int(np.argmax(np.diff(times) <= 0)) + 1}')
    slots = np.rint((times - times[0]) / period).astype(int)
    held = np.searchsorted(slots, np.arange(slots[-1] + 1), side='right') - 1
    return rows[held]


class Replay:
    """One ``Setpoint`` a slot: the approach, the recorded rows, then the last one until somebody takes the arms away.

    Args:
        rows: (n, 14), one ``period`` s apart. approach: ``approach(start, goal)``, both (14,), returns the rows
            (m, 14) of a smooth way, ``goal`` last.
    """

    def __init__(self, rows, approach, period=CONTROL_PERIOD):
        self._rows, self._approach, self._period = rows, approach, period
        self.epoch = None
        """Epoch being played; None when stopped."""

    def start(self, source, epoch, now, position):
        """The arms were given to ``source``; they stand at ``position`` (14,), as last commanded."""
        self._source, self.epoch, self._slots, self._sequence = source, epoch, Slots(now, self._period), 0
        self._way = np.concatenate([self._approach(np.asarray(position, dtype=float), self._rows[0]), self._rows])

    def stop(self):
        """The arms were taken away."""
        self.epoch = None

    @property
    def remaining(self):
        """Rows that are still to be sent before only the last one is repeated."""
        return max(0, len(self._way) - self._sequence) if self.epoch is not None else 0

    def row(self, now):
        """The ``Setpoint`` of the current slot; None when it was given already. A slot that was missed skips no row."""
        target_time = self._slots.take(now) if self.epoch is not None else None
        if target_time is None:
            return None
        positions = self._way[min(self._sequence, len(self._way) - 1)].copy()
        self._sequence += 1
        return Setpoint(self._source, self.epoch, self._sequence - 1, target_time, positions)
