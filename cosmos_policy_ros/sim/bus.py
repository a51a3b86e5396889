"""The serial bus between a driver and its servos: one thing at a time, the rest waits."""


class Bus:
    """Args: clock: () -> s."""

    def __init__(self, clock):
        self._clock, self._waiting = clock, []
        self.busy_until = clock()

    def occupy(self, seconds):
        """Keep it busy for so much longer."""
        self.busy_until = max(self.busy_until, self._clock()) + seconds

    def release(self):
        """Let it be free at once."""
        self.busy_until = self._clock()

    def when_free(self, act):
        """Call ``act()`` when what is under way now is over."""
        self._waiting.append((self.busy_until, act))

    def free(self):
        """Let what waited for the bus happen; whether it is free now."""
        now = self._clock()
        due = [act for time, act in self._waiting if time <= now]
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        for act in due:
            act()
        return now >= self.busy_until
