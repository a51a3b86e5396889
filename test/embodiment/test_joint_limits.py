"""Limits that a node asks for only ever tighten those that are configured."""
import numpy as np

from cosmos_policy_ros.embodiment.limits import both_arms, hardware_limits


def test_limits_are_tightened_and_never_widened():
    limits = hardware_limits()
    slow = limits.within(both_arms(0.6, 99.0), both_arms(999.0, 1.0))
    assert (slow.speed == both_arms(0.6, limits.speed[6])).all()
    assert (slow.acceleration == np.minimum(limits.acceleration, both_arms(999.0, 1.0))).all()
    assert (slow.lower == limits.lower).all() and (slow.upper == limits.upper).all()
