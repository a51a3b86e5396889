"""Ages of watched inputs. Every time is in s on the one monotonic clock of the caller, stamps included."""
import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np


@dataclass(frozen=True)
class Deadline:
    """Ages (s) of an input: shown as late from ``warn`` on, acted upon from ``act`` on."""

    warn: float
    act: float


class Stamp(Enum):
    """What the stamp of a sample says."""

    NEW = 'newer than the last'
    REPEATED = 'not newer than the last: repeated or out of order'
    FUTURE = 'in the future'


class InputWatch:
    """Freshness of one input: the age of the newest sample whose stamp moved on.

    Args:
        deadline: ``Deadline``. future_tolerance: s by which a stamp may lie ahead.
    """

    def __init__(self, deadline, future_tolerance):
        self._deadline, self._tolerance = deadline, future_tolerance
        self._stamp = -math.inf
        self._fresh_since = math.inf

    def seen(self, stamp, now):
        """Take note of a sample; only a ``Stamp.NEW`` one makes the input younger."""
        if not math.isfinite(stamp) or stamp > now + self._tolerance:
            return Stamp.FUTURE
        if stamp <= self._stamp:
            return Stamp.REPEATED
        if self.late(now) or self._fresh_since is math.inf:
            self._fresh_since = now
        self._stamp = stamp
        if self.late(now):
            self._fresh_since = math.inf
        return Stamp.NEW

    def age(self, now):
        """s since the newest sample was taken; inf when there is none."""
        return max(0.0, now - self._stamp)

    def late(self, now):
        """True when the input is too old to be acted upon."""
        return not self.age(now) < self._deadline.act

    def fresh_for(self, now):
        """s for which the input has been fresh without a break; 0 when it is late."""
        return 0.0 if self.late(now) else max(0.0, now - self._fresh_since)

    def forget(self):
        """The samples so far count for nothing."""
        self._stamp, self._fresh_since = -math.inf, math.inf


class Stillness:
    """Whether measured positions (7,) have stayed within ``motion`` over the last ``window`` s."""

    def __init__(self, window, motion):
        self._window, self._motion = window, motion
        self._samples = deque()

    def add(self, positions, now):
        """Take a measurement into account; a pair's gripper is ignored, it may settle on what it holds."""
        self._samples.append((now, positions[:6]))
        while len(self._samples) > 2 and self._samples[1][0] <= now - self._window:
            self._samples.popleft()

    def still(self, now):
        """True when the window is covered by samples and none moved."""
        if not self._samples or self._samples[0][0] > now - self._window:
            return False
        return bool(np.ptp([positions for _, positions in self._samples], axis=0).max() <= self._motion)


class LoopWatch:
    """Regularity of the supervisor's own loop.

    Args:
        period: s, nominal. factor: a cycle longer than ``factor * period`` is an overrun. count: overruns in succession
            that act. step: s; a clock that moves back by more has stepped.
    """

    def __init__(self, period, factor, count, step):
        self._late, self._count, self._step = factor * period, count, step
        self._last = None
        self._overruns = 0
        self.period_max = 0.0
        self.stepped = False

    @property
    def overrun(self):
        """True while the last ``count`` cycles were all too long."""
        return self._overruns >= self._count

    def cycle(self, now):
        """A cycle begins; returns s since the one before, never negative."""
        passed = 0.0 if self._last is None else now - self._last
        self.stepped = passed < -self._step
        # Nominal ticks land exactly on the bound with a coarse clock; rounding must not count them.
        self._overruns = self._overruns + 1 if passed > self._late * (1 + 1e-6) else 0
        self.period_max = max(self.period_max, passed)
        self._last = now
        return max(0.0, passed)
