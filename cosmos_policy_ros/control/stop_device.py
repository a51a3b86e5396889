"""A button of a gamepad or a pedal as a stop: what it says, and when it says nothing, which counts as pressed."""
import math


class StopDevice:
    """Reads one button of the messages of a joystick driver; every time is given by the caller, s.

    Args:
        button: its number. normally_closed: the message shows 1 while the button is *not* pressed, so that a broken wire is a
            press. silence: s without a new message after which nothing is known. The driver has to repeat its messages.
    """

    def __init__(self, button, normally_closed, silence):
        self._button, self._closed, self._silence = button, normally_closed, silence
        self._pressed, self._heard, self._stamp = True, -math.inf, None
        self.problem = 'no message yet'
        """Why nothing is said, '' when something is."""

    def observe(self, stamp, buttons, now):
        """Take note of a message: its stamp (s) and its buttons, 0 or 1 each. A stamp that stands still is no sign of life."""
        if self._stamp is not None and stamp == self._stamp:
            return
        self._stamp = stamp
        if not 0 <= self._button < len(buttons):
            self._heard, self.problem = -math.inf, f'there are {len(buttons)} buttons, number {self._button} is none of them'
            return
        self._pressed = bool(buttons[self._button]) is not self._closed
        self._heard, self.problem = now, ''

    def pressed(self, now):
        """Whether it is pressed; None when that is not known, and nothing must be said."""
        if now - self._heard > self._silence:
            self.problem = self.problem or f'silent for more than {self._silence} s'
            return None
        return self._pressed
