"""Reduced speed: no point of a hand beyond the limit, the way kept, nothing touched inside."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety import hand_speed
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.hand_speed import hand_travel, slow_hands
from geometry_oracle import HandPoints

LIMIT = 0.01  # m: 250 mm/s over one row
HARDWARE = hardware_limits()
steps = arrays(float, 14, elements=st.floats(-0.13, 0.13))
poses = arrays(float, 14, elements=st.floats(0.05, 0.95)).map(
    lambda share: HARDWARE.lower + share * (HARDWARE.upper - HARDWARE.lower))


@pytest.fixture(scope='module')
def points():
    return HandPoints()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(poses, steps)
def test_no_point_of_a_slowed_hand_is_too_fast(points, position, step):
    """Points all over the hand's capsules, placed by another library, move by at most the limit."""
    row, slowed = slow_hands(position + step, position, LIMIT)
    moved = points.travel(position, row)
    assert (moved[slowed] <= LIMIT * (1 + 1e-9)).all()
    assert (points.travel(position, position + step) <= hand_travel(position, position + step) + 1e-9).all()
    assert (moved[~slowed] <= LIMIT + 1e-9).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(poses, steps)
def test_a_slowed_hand_goes_the_same_way(position, step):
    """All joints of an arm by one share; grippers and the other arm keep their bits."""
    wanted = position + step
    row, slowed = slow_hands(wanted, position, LIMIT)
    for side in (0, 1):
        arm, gripper = slice(7 * side, 7 * side + 6), 7 * side + 6
        assert row[gripper] == wanted[gripper]
        if not slowed[side]:
            assert row[arm].tobytes() == wanted[arm].tobytes()
            continue
        share = np.linalg.norm(row[arm] - position[arm]) / np.linalg.norm(wanted[arm] - position[arm])
        assert 0 < share < 1
        assert row[arm] - position[arm] == pytest.approx(share * (wanted[arm] - position[arm]), abs=1e-12)


def test_a_slowed_hand_is_not_much_slower_than_allowed():
    """Half as fast again as allowed, one joint at a time: slowed down to within 10 % of the limit."""
    for joint in range(5):
        row = START.copy()
        row[joint] += 0.01
        row[joint] = START[joint] + 0.01 * 1.5 * LIMIT / hand_travel(START, row)[0]
        slowed, _ = slow_hands(row, START, LIMIT)
        assert 0.9 * LIMIT < hand_travel(START, slowed)[0] <= LIMIT


def test_a_slowed_row_is_not_slowed_again():
    row, _ = slow_hands(START + 0.1, START, LIMIT)
    assert not slow_hands(row, START, LIMIT)[1].any()


def test_reduced_speed_holds_for_every_emitted_row(make_rig):
    """E1 in the reduced mode: whatever is asked for, no admitted row moves a hand faster."""
    config = make_rig().config
    envelope, rng = Envelope(config), np.random.default_rng(5)
    position, velocity, slowed = START.copy(), np.zeros(14), 0
    for _ in range(400):
        admission = envelope.admit(position + rng.uniform(-0.1, 0.1, 14), position, velocity,
                                   hand_speed=config.reduced_speed)
        if admission.cause:
            velocity = np.zeros(14)
            continue
        row = admission.limited.positions
        assert (hand_travel(position, row) <= config.reduced_speed * config.row_period + 1e-9).all()
        slowed += 'left_hand' in admission.limited.clamped
        position, velocity = row, admission.limited.velocity
    assert slowed > 100


def test_a_row_far_outside_stays_so_at_reduced_speed(make_rig):
    """Slowing a hand down does not make a jump acceptable."""
    admission = Envelope(make_rig().config).admit(START + 0.5, START, np.zeros(14), hand_speed=0.25)
    assert admission.cause == 'far_outside_limits' and 'left_waist' in admission.detail


def test_the_box_around_the_hand_is_no_larger_than_the_hand(points):
    """m in the gripper link: from behind the camera mount to the finger tips, from one opened finger to the other."""
    assert hand_speed._CORNERS.min(axis=0) == pytest.approx(points.all.min(axis=0), abs=0.003)
    assert hand_speed._CORNERS.max(axis=0) == pytest.approx(points.all.max(axis=0), abs=0.003)


def test_too_fast_to_brake_to_the_reduced_speed_is_refused(make_rig):
    """Where the acceleration limits do not allow the arms to slow down in one row, the row is refused and braked."""
    envelope = Envelope(make_rig().config)
    velocity = np.zeros(14)
    velocity[0] = 2.8
    admission = envelope.admit(START + 0.04 * velocity, START, velocity, hand_speed=0.25)
    assert admission.cause == 'far_outside_limits' and admission.detail == 'left_hand'
    assert envelope.admit(START + 0.04 * velocity, START, velocity).cause == ''
