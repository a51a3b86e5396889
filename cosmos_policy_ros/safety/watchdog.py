"""Ages of watched inputs. Every time is in s on the one monotonic clock of the caller, stamps included."""
import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

ROUNDING = 1e-6
"""s; what the rounding of times may take from a deadline that falls on a cycle."""


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
    BACK = 'far behind the last: the clock of its sender stepped'


class InputWatch:
    """Freshness of one input: the age of the newest sample whose stamp moved on.

    Args:
        deadline: ``Deadline``. tolerance: s by which a stamp may lie ahead of the clock, or behind the last one.
    """

    def __init__(self, deadline, tolerance):
        self._deadline, self._tolerance = deadline, tolerance
        self.forget()

    def seen(self, stamp, now):
        """Take note of a sample; only a ``Stamp.NEW`` one makes the input younger."""
        if not math.isfinite(stamp) or stamp > now + self._tolerance:
            return Stamp.FUTURE
        if stamp <= self._stamp:
            return Stamp.REPEATED if stamp >= self._stamp - self._tolerance else Stamp.BACK
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
        return not self.age(now) < self._deadline.act - ROUNDING

    def fresh_for(self, now):
        """s for which the input has been fresh without a break; 0 when it is late."""
        return 0.0 if self.late(now) else max(0.0, now - self._fresh_since)

    def forget(self):
        """The samples so far count for nothing."""
        self._stamp, self._fresh_since = -math.inf, math.inf


class PictureWatch:
    """Whether a camera's pictures change while the arms that it sees move.

    A noiseless (simulated) camera repeats a picture as long as nothing moves, so only pictures that do not change
    during motion are frozen. Frozen they stay until one differs.

    Args:
        deadline: s. motion: rad by which a joint must have moved since the picture last changed.
    """

    def __init__(self, deadline, motion):
        self._deadline, self._motion = deadline, motion
        self.forget()

    def seen(self, fingerprint):
        """Take note of a picture by any value that differs when the picture does."""
        if fingerprint != self._fingerprint:
            self._fingerprint, self._pose, self._moved_at, self.frozen = fingerprint, None, math.inf, False

    def moved(self, joints, now):
        """The arms are measured at ``joints`` (n,) rad now; once fingerprints have come, they must go on changing."""
        if self._fingerprint is None:
            return
        if self._pose is None:
            self._pose = joints.copy()
        if self._moved_at is math.inf and np.abs(joints - self._pose).max() > self._motion:
            self._moved_at = now
        self.frozen = self.frozen or now - self._moved_at >= self._deadline

    def forget(self):
        """The pictures so far count for nothing, and neither does that they were frozen."""
        self._fingerprint, self._pose, self._moved_at, self.frozen = None, None, math.inf, False


class Stillness:
    """Whether measured arm joints stay within ``motion`` rad of each other for ``window`` s.

    Keeps the range of each ``SLOTS``-th of the window, so that any number of samples takes the same memory.
    """

    SLOTS = 10

    def __init__(self, window, motion):
        self._window, self._motion = window, motion
        self._slots = deque(maxlen=self.SLOTS + 2)  # (begin, lowest, highest)

    def add(self, joints, now):
        """Take a measurement (n,) into account."""
        joints = joints.copy()
        if not self._slots or now - self._slots[-1][0] >= self._window / self.SLOTS:
            self._slots.append((now, joints, joints))
        else:
            begin, low, high = self._slots[-1]
            self._slots[-1] = begin, np.minimum(low, joints), np.maximum(high, joints)
        while len(self._slots) > 1 and self._slots[1][0] <= now - self._window:
            self._slots.popleft()

    def still(self, now):
        """True when the whole window is covered and nothing moved in it."""
        if not self._slots or self._slots[0][0] > now - self._window:
            return False
        _, low, high = zip(*self._slots)
        return bool((np.max(high, axis=0) - np.min(low, axis=0)).max() <= self._motion)

    def forget(self):
        """The measurements so far count for nothing."""
        self._slots.clear()


class Sustained:
    """A condition that counts once it has held for ``duration`` s without a break."""

    def __init__(self, duration):
        self._duration = duration
        self.forget()

    def holds(self, condition, now):
        """Take note of the condition as it is now; True once it has lasted."""
        if not condition:
            self._since = math.inf
        elif self._since is math.inf:
            self._since = now
        return now - self._since >= self._duration - ROUNDING

    def forget(self):
        """The condition begins afresh."""
        self._since = math.inf


class LoopWatch:
    """Regularity of the supervisor's own loop.

    Args:
        period: s, nominal. factor: a cycle longer than ``factor * period`` is an overrun. count: overruns in succession
            that act. back: s; a clock that goes back by more has stepped. gap: s; a single cycle longer than this is
            a clock that stepped ahead, or a loop that stood still for so long that nothing it knows is true any more.
    """

    def __init__(self, period, factor, count, back, gap):
        self._late, self._count, self._back, self._gap = factor * period, count, back, gap
        self._last = None
        self._overruns = 0
        self.period_max = 0.0
        self.stepped = ''

    @property
    def overrun(self):
        """True while the last ``count`` cycles were all too long."""
        return self._overruns >= self._count

    def cycle(self, now):
        """A cycle begins; returns s since the one before, never negative. ``stepped`` says what the clock did, if so."""
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        self.stepped = ''
        if passed < -self._back:
            self.stepped = f'the clock of the supervisor went back by {-passed:.3f} s'
        elif passed > self._gap + ROUNDING:
            self.stepped = f'the clock of the supervisor went ahead, or its loop stood still, for {passed:.3f} s'
        # Nominal ticks land exactly on the bound with a coarse clock; rounding must not count them.
        self._overruns = self._overruns + 1 if passed > self._late + ROUNDING else 0
        self.period_max = max(self.period_max, passed)
        return max(0.0, passed)
