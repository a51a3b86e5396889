"""Minimum-jerk motion in joint space."""
import numpy as np

ARM_SPEED = np.array([1.2, 1.2, 1.2, 1.8, 1.6, 1.8])
"""rad/s, peak speed of the joints of one arm on a planned path."""

_PEAK = 1.875
"""Peak speed of a minimum-jerk motion over its mean speed."""


class JointPath:
    """A smooth path through knots (cubic Hermite), run through with one minimum-jerk profile from rest to rest.

    ``knots``: (N, D) rad, N >= 2; ``speed``: (D,) rad/s, peak. Knots are spaced in time by their joint travel.
    """

    def __init__(self, knots, speed, shortest=0.2):
        self.knots = np.asarray(knots, dtype=float)
        travel = np.abs(np.diff(self.knots, axis=0)) / speed
        lengths = np.maximum(travel.max(axis=1), 1e-9)
        self._marks = np.concatenate([[0.0], np.cumsum(lengths)])
        self._slopes = np.gradient(self.knots, self._marks, axis=0)
        self.duration = max(shortest, _PEAK * self._marks[-1])

    def at(self, time):
        """Positions (D,) rad and speeds (D,) rad/s at ``time`` s; rests at the end."""
        s = np.clip(time / self.duration, 0.0, 1.0)
        along = self._marks[-1] * (10 * s ** 3 - 15 * s ** 4 + 6 * s ** 5)
        rate = self._marks[-1] * 30 * (s * (1 - s)) ** 2 / self.duration
        i = min(np.searchsorted(self._marks, along, side='right') - 1, len(self.knots) - 2)
        step = self._marks[i + 1] - self._marks[i]
        u = (along - self._marks[i]) / step
        p, q = self.knots[i], self.knots[i + 1]
        m, n = step * self._slopes[i], step * self._slopes[i + 1]
        position = p + u * (m + u * (3 * (q - p) - 2 * m - n + u * (m + n - 2 * (q - p))))
        slope = (m + u * (2 * (3 * (q - p) - 2 * m - n) + u * 3 * (m + n - 2 * (q - p)))) / step
        return position, slope * rate
