"""Joint states of one arm as a stream: how fast they come, and whether the motors are behind them."""
from collections import deque
from dataclasses import dataclass

import numpy as np

DEAD_BUS = -np.pi
"""rad; what every joint reads when the driver cannot read its bus, with fresh stamps."""

DEAD_BUS_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False)
class ArmState:
    """One sample: ``joints`` (6,) rad, ``motor`` rad of the gripper, ``finger`` m; NaN what was not sent."""

    stamp: float
    joints: np.ndarray
    motor: float
    finger: float

    @property
    def fault(self):
        """Why this is no measurement, '' if it is one."""
        if not np.isfinite([*self.joints, self.motor, self.finger]).all():
            return 'numbers missing or not finite'
        if (np.abs(self.joints - DEAD_BUS) < DEAD_BUS_TOLERANCE).all():
            return 'all joints at -pi: the motor bus is dead'
        return ''


class StateStream:
    """Rate over the last ``window`` s of stamps, and the newest ``ArmState`` as ``last``, None before the first.

    One thread adds, another may read.
    """

    def __init__(self, window):
        self._window, self._stamps = window, deque()
        self.last = None

    def add(self, state):
        """Take note of a sample; a stamp that does not move on counts for nothing."""
        if self._stamps and state.stamp <= self._stamps[-1]:
            return
        self._stamps.append(state.stamp)
        while self._stamps[0] < state.stamp - self._window:
            self._stamps.popleft()
        self.last = state

    def forget(self):
        """Begin afresh."""
        self._stamps.clear()
        self.last = None

    def covers(self, since):
        """Whether a whole window has been seen since stamp ``since``."""
        return self.last is not None and self.last.stamp - since >= self._window

    @property
    def rate(self):
        """Hz over the window up to the newest sample."""
        return max(0, len(self._stamps) - 1) / self._window
