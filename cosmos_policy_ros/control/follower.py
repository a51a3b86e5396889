"""Rows for one source of the supervisor, each as near to what is wanted as may be commanded."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM

from .setpoint import Setpoint
from .slots import Slots


class Blocked(RuntimeError):
    """No row is admissible, not even one that slows down or stands still: the arms have to be given anew."""


class Follower:
    """Where the arms are commanded to be, and how they get on from there.

    Args:
        period: s between rows. acceleration: (14,) per s2 with which they come to rest when nothing is wanted.
        admit: the supervisor's own judgement, asked beforehand: ``admit(row, position, velocity)``, all (14,), returns
            an object with ``cause`` ('' if the row may be commanded), ``detail`` and ``limited`` (``positions`` and
            ``velocity``, (14,), that would be commanded).
    """

    def __init__(self, period, acceleration, admit):
        self._period, self._acceleration, self._admit = period, acceleration, admit
        self.stop()

    @property
    def position(self):
        """(14,) the last row, or the pose given to ``start``."""
        return self._position.copy()

    def start(self, source, epoch, now, position):
        """The arms were given to ``source``; they stand at ``position`` (14,), as last commanded.

        Raises:
            ValueError: the pose is not 14 finite numbers.
        """
        position = np.array(position, dtype=float)
        if position.shape != (ACTION_DIM,) or not np.isfinite(position).all():
            raise ValueError(f'epoch {epoch}: the start pose must be {ACTION_DIM} finite numbers, got {position}')
        self._source, self.epoch, self._position, self._velocity = source, epoch, position, np.zeros(ACTION_DIM)
        self._slots, self._sequence = Slots(now, self._period), 0

    def stop(self):
        """The arms were taken away."""
        self.epoch, self.held_back = None, ''

    def slot(self, now):
        """Target time (s) of the row that is due; None when it was made already."""
        return self._slots.take(now)

    def row(self, target_time, wanted=None):
        """The ``Setpoint`` nearest to ``wanted`` (14,), or one that slows down, or stands still.

        Why it stays behind is in ``held_back``: a cause id and what it is about, '' when it does not.

        Raises:
            Blocked: none of these is admissible.
        """
        self.held_back = ''
        for row in (wanted, self._position + self._slowed() * self._period, self._position):
            if row is None:
                continue
            admission = self._admit(row, self._position, self._velocity)
            if not admission.cause:
                break
            self.held_back = self.held_back or f'{admission.cause}: {admission.detail}'
        else:
            raise Blocked(f'{admission.cause}: {admission.detail}; arm again')
        limited = admission.limited
        self._position, self._velocity = limited.positions.copy(), limited.velocity.copy()
        self._sequence += 1
        return Setpoint(self._source, self.epoch, self._sequence - 1, target_time, self.position)

    def _slowed(self):
        change = self._acceleration * self._period
        return self._velocity - np.clip(self._velocity, -change, change)
