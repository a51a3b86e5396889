"""A gamepad as a jogging control: sticks move a hand only while that arm's dead-man button is held."""
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GamepadLayout:
    """Which number of a joystick message is what.

    ``axes``: six numbers, of the axes for x, y, z of the cell and for turns about them; ``signs``: +1 or -1 each; 0 leaves an
    axis out. ``dead_man``: {side: button}. ``close``, ``open``: buttons of the grippers. ``hand_back``: button. ``speed``:
    m/s and ``turn_speed``: rad/s of a stick at its end. ``dead_zone``: share of a stick's way that counts as nothing.
    """

    axes: tuple
    signs: tuple
    dead_man: dict
    close: int
    open: int
    hand_back: int
    speed: float
    turn_speed: float
    dead_zone: float


@dataclass(frozen=True)
class Asked:
    """What the gamepad asks for now.

    ``moves``: {side: velocity (6,)} of arms whose button is held. ``openings``: {side: opening}. ``grabbed``: sides whose
    button went down just now. ``hand_back``: its button went down just now.
    """

    moves: dict
    openings: dict
    grabbed: tuple = ()
    hand_back: bool = False


NOTHING = Asked({}, {})


class Gamepad:
    """Reads messages of a joystick driver, which has to repeat them; every time is given by the caller, s.

    A dead-man button counts only after it was seen released: one that is stuck, or held when the gamepad appears, moves
    nothing.
    """

    def __init__(self, layout, silence):
        self._layout, self._silence = layout, silence
        self._stamp, self._heard = None, -math.inf
        self._down, self._free = frozenset(), frozenset()
        self.problem = ''
        """Why nothing is taken from the last message, '' when it is."""

    def observe(self, stamp, axes, buttons, now):
        """Take a message: its stamp (s), axes -1..1 and buttons 0 or 1. Returns what it asks for, an ``Asked``."""
        if stamp == self._stamp:  # a driver that hangs repeats its last message
            return NOTHING
        self._stamp = stamp
        layout, wanted = self._layout, [number for number, sign in zip(self._layout.axes, self._layout.signs) if sign]
        most = max([*layout.dead_man.values(), layout.close, layout.open, layout.hand_back])
        if len(buttons) <= most or len(axes) <= max(wanted) or not np.isfinite(axes).all():
            self.problem = (f'a gamepad with {len(axes)} axes and {len(buttons)} buttons, or axes that are not finite; axis '
                            f'{max(wanted)} and button {most} are asked for')
            self._down = self._free = frozenset()
            return NOTHING
        self.problem = ''
        if now - self._heard > self._silence:
            self._down = self._free = frozenset()
        self._heard = now
        down = frozenset(number for number, level in enumerate(buttons) if level)
        fresh, self._free = down & self._free, self._free | frozenset(range(len(buttons))) - down
        held = {side: number for side, number in layout.dead_man.items() if number in down and number in self._free}
        grabbed = tuple(side for side, number in held.items() if number in fresh - self._down)
        hand_back = layout.hand_back in fresh - self._down
        self._down = down
        opening = {layout.close: 0.0, layout.open: 1.0}
        openings = {side: opening[number] for side in held for number in opening if number in down}
        return Asked({side: self._velocity(axes) for side in held}, openings, grabbed, hand_back)

    def _velocity(self, axes):
        layout = self._layout
        sticks = np.array([sign * axes[number] if sign else 0.0 for number, sign in zip(layout.axes, layout.signs)])
        beyond = np.maximum(np.abs(sticks) - layout.dead_zone, 0.0) / (1.0 - layout.dead_zone)
        return np.clip(np.sign(sticks) * beyond, -1, 1) * ([layout.speed] * 3 + [layout.turn_speed] * 3)
