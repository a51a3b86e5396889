"""Ramps: straight, within the limits, from rest to rest, with Ruckig and without."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cosmos_policy_ros.embodiment.poses import SLEEP, START
from cosmos_policy_ros.safety import ramp as ramp_module
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.hand_speed import hand_travel
from cosmos_policy_ros.safety.limits import admit
from cosmos_policy_ros.safety.ramp import ramp
from safety_rig import Rig

ENVELOPE = Envelope(Rig().config)
LIMITS, PERIOD = ENVELOPE.limits, 0.04
shares = arrays(float, 14, elements=st.floats(0.05, 0.95))


@pytest.fixture(params=['ruckig', 'closed form'])
def method(request, monkeypatch):
    if request.param == 'closed form':
        monkeypatch.setattr(ramp_module, '_ruckig', lambda speed, acceleration: None)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(shares, shares, st.floats(0.05, 1.0), st.booleans())
def test_every_row_passes_the_limits_unchanged(begin, end, scale, closed_form):
    """From any pose to any other, at any share of the speed: no row would be clamped, the goal is met bit for bit."""
    begin, goal = (LIMITS.lower + share * (LIMITS.upper - LIMITS.lower) for share in (begin, end))
    with pytest.MonkeyPatch.context() as patch:
        if closed_form:
            patch.setattr(ramp_module, '_ruckig', lambda speed, acceleration: None)
        rows = ramp(begin, goal, LIMITS, PERIOD, scale)
    position, velocity = begin, np.zeros(14)
    for row in rows:
        limited = admit(row, position, velocity, LIMITS, PERIOD, 1.5, scale)
        assert limited.clamped == ()
        position, velocity = row, limited.velocity
    assert rows[-1].tobytes() == goal.tobytes()


def test_it_is_straight_and_ends_gently(method):
    """All joints have gone the same share at any time, never back; the last row is slow."""
    rows = ramp(START, SLEEP, LIMITS, PERIOD, 0.3)
    moving = START != SLEEP
    went = (rows - START)[:, moving] / (SLEEP - START)[moving]
    assert np.ptp(went, axis=1).max() < 1e-9
    steps = np.diff(went[:, 0])
    assert (steps >= 0).all() and steps[-1] < 0.1 * steps.max()


@pytest.mark.parametrize('hand_speed', [math.inf, ENVELOPE.config.reduced_speed])
def test_parking_passes_the_whole_envelope(method, hand_speed):
    """At full speed, and at the reduced speed to which parking is held, which is made use of."""
    rows, position, velocity = ramp(START, SLEEP, LIMITS, PERIOD, hand_speed=hand_speed), START, np.zeros(14)
    fastest = hand_travel(np.concatenate([START[None], rows[:-1]]), rows).max() / PERIOD
    assert fastest > 0.9 * min(hand_speed, 0.5)
    for row in rows:
        admission = ENVELOPE.admit(row, position, velocity, hand_speed=hand_speed)
        assert admission.cause == '' and admission.limited.clamped == ()
        position, velocity = row, admission.limited.velocity


@pytest.mark.parametrize('make', [ramp_module._ruckig, ramp_module._polynomial])
@pytest.mark.parametrize('speed, acceleration', [(0.1, 5.0), (50.0, 0.5), (2.0, 2.0), (1e3, 400.0)])
def test_speed_acceleration_and_jerk_are_used_and_not_exceeded(make, speed, acceleration):
    """By finite differences of the path parameter: one of the three is the one that holds it back."""
    duration, share = make(speed, acceleration)
    step = duration / 2000
    way = np.array([share(step * i) for i in range(2001)])
    peaks = [np.abs(np.diff(way, order)).max() / step ** order / limit
             for order, limit in enumerate((speed, acceleration, acceleration / ramp_module.JERK_TIME), 1)]
    assert (way[0], way[-1]) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert max(peaks) == pytest.approx(1.0, abs=0.02)


def test_nowhere_to_go_is_one_row(method):
    assert ramp(START, START, LIMITS, PERIOD).tobytes() == START.tobytes()


def test_ruckig_errors_lead_to_the_closed_form():
    """A trajectory that Ruckig refuses is none of our concern; limits that are no numbers raise there."""
    assert ramp_module._ruckig(float('nan'), 1.0) is None
    assert ramp_module._ruckig(1.0, 1.0) is not None
