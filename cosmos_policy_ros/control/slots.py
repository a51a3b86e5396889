"""The 25 Hz grid on which a source sends its rows."""
import math

SLACK = 1e-6
"""Slots; what rounding may take from a time that lies on the grid."""


class Slots:
    """Slots one ``period`` s apart, from the moment ``begin`` s on; each is handed out once, in order."""

    def __init__(self, begin, period):
        self._begin, self._period, self._last = begin, period, -1

    def take(self, now):
        """Target time (s) of the current slot, or None when it was handed out already. Slots that were missed are left out."""
        slot = math.floor((now - self._begin) / self._period + SLACK)
        if slot <= self._last:
            return None
        self._last = slot
        return self._begin + slot * self._period
