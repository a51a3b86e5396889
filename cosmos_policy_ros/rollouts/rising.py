"""A counter in another process, which may begin again at 0."""


class RisingCount:
    """How far a counter has risen since ``begin``, over restarts of whoever counts; what was lost with one is not known."""

    def __init__(self):
        self._last, self.total = 0, 0

    def see(self, value):
        """The counter is at ``value`` now."""
        self.total += value - self._last if value >= self._last else value
        self._last = value

    def begin(self):
        """Count from here."""
        self.total = 0
