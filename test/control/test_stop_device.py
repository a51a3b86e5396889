"""A button as a stop: press, release, silence, stuck, return."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_policy_ros.control.stop_device import StopDevice

SILENCE = 0.2


@pytest.fixture
def device():
    return StopDevice(1, False, SILENCE)


def test_press_and_release(device):
    device.observe(0.0, [0, 0], 10.0)
    assert device.pressed(10.1) is False
    device.observe(0.05, [0, 1], 10.15)
    assert device.pressed(10.15) is True
    device.observe(0.1, [1, 0], 10.2)
    assert device.pressed(10.2) is False


def test_silence_is_told_as_not_known_and_ends_with_the_return(device):
    assert device.pressed(0.0) is None and device.problem == 'no message yet'
    device.observe(0.0, [0, 0], 10.0)
    assert device.pressed(10.0 + SILENCE) is False and device.pressed(10.01 + SILENCE) is None
    assert 'silent' in device.problem
    device.observe(5.0, [0, 0], 15.0)
    assert device.pressed(15.0) is False and device.problem == ''


def test_a_driver_that_repeats_an_old_message_is_silent(device):
    for now in (10.0, 10.1, 10.2, 10.3):
        device.observe(7.0, [0, 0], now)
    assert device.pressed(10.3) is None


def test_a_stuck_button_stays_pressed(device):
    for step in range(100):
        device.observe(0.05 * step, [0, 1], 10 + 0.05 * step)
        assert device.pressed(10 + 0.05 * step) is True


def test_a_button_that_is_not_there_is_told(device):
    device.observe(0.0, [0], 10.0)
    assert device.pressed(10.0) is None and 'number 1' in device.problem


def test_a_normally_closed_contact_is_pressed_when_its_wire_breaks():
    device = StopDevice(0, True, SILENCE)
    device.observe(0.0, [1], 0.0)
    assert device.pressed(0.0) is False
    device.observe(0.1, [0], 0.1)
    assert device.pressed(0.1) is True


@given(messages=st.lists(st.tuples(st.floats(0.001, 1.0), st.lists(st.integers(0, 1), max_size=3)), min_size=1, max_size=30),
       closed=st.booleans())
def test_released_is_only_said_on_a_fresh_message_that_shows_it(messages, closed):
    device, now = StopDevice(1, closed, SILENCE), 0.0
    for wait, buttons in messages:
        now += wait
        device.observe(now, buttons, now)
        shown = len(buttons) > 1 and (buttons[1] == 1) == closed
        assert (device.pressed(now) is False) == shown
        assert device.pressed(now + SILENCE + 0.01) is None
