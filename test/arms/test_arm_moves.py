"""Both arms go together where they stay apart, else one after the other; no way that is objected to is taken."""
import numpy as np
import pytest

from cosmos_policy_ros.arms.moves import MoveRefused, first_inside, plan
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, CONTROL_PERIOD, Side
from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.embodiment.poses import SLEEP, START

LIMITS = hardware_limits()


def straight(start, goal):
    return np.linspace(start, goal, 21)[1:]


def planned(start, goals, judge):
    return plan(start, goals, straight, judge, LIMITS.lower, LIMITS.upper)


def test_the_rows_end_at_the_last_goal_by_way_of_the_others():
    rows = planned(SLEEP, (START, SLEEP), lambda *_: '')
    assert rows.shape == (40, 14) and np.array_equal(rows[19], START) and np.array_equal(rows[-1], SLEEP)


def test_one_arm_waits_when_both_together_are_objected_to():
    left, right = ARM_SLICE[Side.LEFT], ARM_SLICE[Side.RIGHT]

    def judge(rows, start, first):
        together = (rows[5, left] != start[left]).any() and (rows[5, right] != start[right]).any()
        return 'too close' if together else ''
    rows = planned(SLEEP, (START,), judge)
    assert np.array_equal(rows[19, left], START[left]) and np.array_equal(rows[19, right], SLEEP[right])
    assert np.array_equal(rows[-1], START)


def test_when_every_way_is_objected_to_each_objection_is_told():
    with pytest.raises(MoveRefused, match='both arms together: post; the left arm first: post; the right arm first: post'):
        planned(SLEEP, (START,), lambda *_: 'post')


def test_rows_that_lead_back_inside_the_limits_are_judged_from_where_they_are_inside():
    """An arm that rests in the vendor's sleep pose is beyond the limits of commands."""
    start = START.copy()
    start[1] = LIMITS.lower[1] - 0.1
    rows = straight(start, START)
    first = first_inside(rows, LIMITS.lower, LIMITS.upper)
    assert 0 < first < len(rows) and rows[first - 1, 1] < LIMITS.lower[1] <= rows[first, 1]
    assert first_inside(straight(SLEEP, START), LIMITS.lower, LIMITS.upper) == 0


def test_the_way_from_rest_to_start_and_back_passes_the_supervisors_own_check():
    """With the shipped limits and cell, at the shipped speed; hands stay below the reduced speed."""
    from functools import partial
    from pathlib import Path

    from cosmos_policy_ros.embodiment.limits import JointLimits, both_arms
    from cosmos_policy_ros.safety.chunk_check import check_chunk
    from cosmos_policy_ros.safety.config import load_config
    from cosmos_policy_ros.safety.envelope import Envelope
    from cosmos_policy_ros.safety.hand_speed import hand_travel
    from cosmos_policy_ros.safety.ramp import ramp
    config = load_config(Path(__file__).resolve().parents[2] / 'config' / 'safety.yaml')
    envelope = Envelope(config)
    limits = JointLimits(envelope.limits.lower, envelope.limits.upper, both_arms(0.6, 0.5), both_arms(1.0, 5.0))
    way = partial(ramp, limits=limits, period=CONTROL_PERIOD, hand_speed=0.9 * config.reduced_speed)
    rows = plan(SLEEP, (START, SLEEP), way, lambda rows, start, first: check_chunk(rows, start, envelope, first).cause,
                limits.lower, limits.upper)
    steps = np.abs(np.diff(rows, axis=0)) / CONTROL_PERIOD
    assert steps.max() <= 0.601 and np.abs(np.diff(rows, n=2, axis=0)).max() / CONTROL_PERIOD ** 2 <= 1.1
    assert hand_travel(rows[:-1], rows[1:]).max() / CONTROL_PERIOD <= config.reduced_speed
