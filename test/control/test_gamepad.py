"""A gamepad moves a hand only while its dead-man button is held, was released before, and the driver is alive."""
import numpy as np
import pytest

from cosmos_policy_ros.control.gamepad import NOTHING, Gamepad, GamepadLayout
from cosmos_policy_ros.embodiment.joints import Side

LAYOUT = GamepadLayout(axes=(0, 1, 4, 7, 6, 3), signs=(-1, 1, 1, -1, 0, 1), dead_man={Side.LEFT: 4, Side.RIGHT: 5},
                       close=0, open=1, hand_back=7, speed=0.2, turn_speed=0.8, dead_zone=0.1)


class Pad:
    def __init__(self):
        self.core, self.now = Gamepad(LAYOUT, 0.2), 3.0

    def say(self, *down, axes=None, stamp=None, after=0.05):
        self.now += after
        sticks = np.zeros(8)
        for number, value in (axes or {}).items():
            sticks[number] = value
        return self.core.observe(self.now if stamp is None else stamp, sticks, [int(n in down) for n in range(11)], self.now)


def test_a_stick_alone_moves_nothing():
    pad = Pad()
    pad.say()
    assert pad.say(axes={0: 1.0, 1: -1.0}) == NOTHING


def test_the_button_of_an_arm_lets_its_hand_move():
    pad = Pad()
    pad.say()
    first, second = pad.say(4, axes={0: 1.0, 4: 0.55}), pad.say(4, axes={3: -1.0, 6: 1.0})
    assert first.grabbed == (Side.LEFT,) and second.grabbed == ()
    assert list(first.moves) == [Side.LEFT]
    assert first.moves[Side.LEFT] == pytest.approx([-0.2, 0, 0.1, 0, 0, 0])
    assert second.moves[Side.LEFT] == pytest.approx([0, 0, 0, 0, 0, -0.8]), 'an axis with sign 0 is left out'
    assert set(pad.say(4, 5).moves) == set(Side) and pad.say(4).moves.keys() == {Side.LEFT} and pad.say() == NOTHING


@pytest.mark.parametrize('value, speed', [(0.0, 0.0), (0.1, 0.0), (-0.09, 0.0), (1.0, 0.2), (1.7, 0.2), (0.55, 0.1)])
def test_small_ways_count_as_nothing_and_the_end_is_the_end(value, speed):
    pad = Pad()
    pad.say()
    assert pad.say(5, axes={1: value}).moves[Side.RIGHT][1] == pytest.approx(speed)


def test_a_button_that_was_never_seen_released_is_stuck():
    pad = Pad()
    assert pad.say(4, axes={0: 1.0}) == NOTHING and pad.say(4) == NOTHING
    pad.say()
    assert pad.say(4).grabbed == (Side.LEFT,)


def test_after_a_silence_the_button_has_to_be_pressed_anew():
    pad = Pad()
    pad.say()
    assert pad.say(4).moves
    assert pad.say(4, after=0.5) == NOTHING
    pad.say()
    assert pad.say(4).moves


def test_a_message_that_is_repeated_is_no_sign_of_life():
    pad = Pad()
    pad.say(stamp=1.0)
    assert pad.say(4, stamp=2.0).moves
    assert pad.say(4, stamp=2.0) == NOTHING


def test_grippers_move_with_the_arms_that_are_held():
    pad = Pad()
    pad.say()
    assert pad.say(4, 0).openings == {Side.LEFT: 0.0}
    assert pad.say(4, 5, 1).openings == {Side.LEFT: 1.0, Side.RIGHT: 1.0}
    assert pad.say(1).openings == {}


def test_handing_back_is_a_press():
    pad = Pad()
    pad.say()
    assert pad.say(7).hand_back and not pad.say(7).hand_back
    pad.say()
    assert pad.say(7).hand_back


@pytest.mark.parametrize('axes, buttons', [
    (np.zeros(3), [0] * 11), (np.zeros(8), [0] * 5), (np.full(8, np.nan), [0] * 11)], ids=['axes', 'buttons', 'not finite'])
def test_another_gamepad_is_named(axes, buttons):
    pad = Pad()
    pad.say()
    assert pad.core.observe(pad.now + 1, axes, buttons, pad.now + 0.01) == NOTHING
    assert 'are asked for' in pad.core.problem
    assert pad.say(4) == NOTHING, 'the button has to be seen released again'
    assert not pad.core.problem
