"""Stop buttons as levels with a heartbeat and an echo of the supervisor's counter."""
import math
from collections import deque

ISSUED_KEPT = 256
"""Counters remembered; at the most one status a tick they reach back 2.5 s."""


class CounterLog:
    """When each value of the status counter was issued."""

    def __init__(self):
        self.value = 0
        self._issued = deque(maxlen=ISSUED_KEPT)

    def issue(self, now):
        """The next counter value."""
        self.value += 1
        self._issued.append((self.value, now))
        return self.value

    def behind(self, seen, now):
        """s since the first status newer than ``seen`` was issued; 0 for the newest, inf for a value never issued."""
        if seen > self.value or seen < 0:
            return math.inf
        newer = [issued for value, issued in self._issued if value > seen]
        if not newer:
            return 0.0
        return math.inf if seen + 1 < self._issued[0][0] else now - newer[0]


class StopButton:
    """One stop source. Missing, frozen, repeating or not answering the counter counts as pressed.

    Args:
        deadline: s without a good heartbeat after which it is lost. echo: s by which its counter may lag.
    """

    def __init__(self, deadline, echo):
        self._deadline, self._echo = deadline, echo
        self._sequence = None
        self._seen = -math.inf
        self._answered = False
        self._released_since = math.inf
        self.pressed = False

    @property
    def heard(self):
        """True once a message came."""
        return self._sequence is not None

    def observe(self, pressed, sequence, behind, now):
        """A message with its level, its sequence number and by how many s its counter lags."""
        frozen = self.heard and (sequence == self._sequence or (sequence < self._sequence and not self._silent(now)))
        if pressed:
            self.pressed = True
        if frozen:
            return
        resumed = self._silent(now) or not self._answered
        self._sequence, self._seen, self._answered = sequence, now, behind <= self._echo
        if not pressed and (self.pressed or resumed or self._released_since is math.inf):
            self._released_since = now
        if pressed:
            self._released_since = math.inf
        self.pressed = pressed

    def age(self, now):
        """s since the last good heartbeat; inf when there was none."""
        return now - self._seen

    def lost(self, now):
        """Why the source counts as pressed, '' when it is there."""
        if not self.heard:
            return 'never heard'
        if self._silent(now):
            return f'silent for {self.age(now):.2f} s'
        return '' if self._answered else 'does not answer the status'

    def released_for(self, now):
        """s for which it has been released without a break; 0 when pressed or lost."""
        return 0.0 if self.pressed or self.lost(now) else max(0.0, now - self._released_since)

    def _silent(self, now):
        return not now - self._seen < self._deadline
