"""Stop buttons as levels with a heartbeat and an echo of the supervisor's counter."""
import math
from collections import deque

from .watchdog import ROUNDING

ISSUED_KEPT = 256
"""Counters remembered; at the most one status a tick they reach back 2.5 s."""

STRANGERS_KEPT, NAME_LENGTH, OTHERS = 16, 64, 'others'


class CounterLog:
    """When each value of the status counter was issued."""

    def __init__(self):
        self.value = 0
        self._issued = deque(maxlen=ISSUED_KEPT)

    def issue(self, now):
        """The next counter value."""
        self.value += 1
        self._issued.append(now)
        return self.value

    def behind(self, seen, now):
        """s since the first status newer than ``seen`` was issued; 0 for the newest, inf for a value never issued."""
        if seen > self.value or seen < 0:
            return math.inf
        if seen == self.value:
            return 0.0
        place = seen - self.value + len(self._issued)  # of the first newer one: values are consecutive
        return math.inf if place < 0 else now - self._issued[place]


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
        self.proven = False  # it has answered a status of this run: from then on its absence is a stop

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
        self.proven = self.proven or self._answered
        if self.pressed or resumed:
            self._released_since = now  # which means nothing until it is released
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

    def forget_time(self):
        """The clock stepped: the source has to be heard afresh, but what it pressed stays pressed."""
        self._sequence, self._seen = None, -math.inf

    def _silent(self, now):
        return not now - self._seen < self._deadline - ROUNDING


class StopPanel:
    """The configured stop sources, which must be there all the time, and whoever else presses.

    Strangers are remembered by name, ``STRANGERS_KEPT`` of them until a reset; all further ones are ``OTHERS``, whose
    press latches and whose level nobody keeps. A flood of names thus takes no memory and still stops the arms.

    Args:
        required: names. deadline, echo: as for ``StopButton``.
    """

    def __init__(self, required, deadline, echo):
        self._required, self._deadline, self._echo = required, deadline, echo
        self.counter = CounterLog()
        self.buttons = {name: StopButton(deadline, echo) for name in required}

    def required(self, name):
        """True for a configured source."""
        return name in self._required

    def observe(self, name, pressed, sequence, counter_seen, now):
        """A source's message; one that is not configured counts from its first press on.

        Returns:
            ``OTHERS`` for a press that no button keeps, else ''.
        """
        if name not in self.buttons:
            if not pressed:
                return ''
            if len(name) > NAME_LENGTH or len(self.buttons) >= len(self._required) + STRANGERS_KEPT:
                return OTHERS
            self.buttons[name] = StopButton(self._deadline, self._echo)
        self.buttons[name].observe(pressed, sequence, self.counter.behind(counter_seen, now), now)
        return ''

    def forget_released_strangers(self):
        """Make room for other names."""
        self.buttons = {name: button for name, button in self.buttons.items() if self.required(name) or button.pressed}

    def forget_time(self):
        """The clock stepped: every source has to be heard afresh."""
        for button in self.buttons.values():
            button.forget_time()
