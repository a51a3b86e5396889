"""Limits and braking: invisible inside, exact at the bounds, never wrong for anything."""
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cosmos_policy_ros.embodiment.limits import JointLimits, both_arms, hardware_limits
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.limits import admissible_velocity, admit, clamp, stop_pose

DT = 0.04
HARDWARE = hardware_limits()
LIMITS = JointLimits(HARDWARE.lower, HARDWARE.upper, both_arms(3.0, 4.0), both_arms(40.0, 120.0))
REST = np.zeros(14)
vectors = arrays(float, 14, elements=st.floats(-1, 1))
anything = arrays(float, 14, elements=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))


def obeys(position, velocity, row, dt, limits):
    """The limits, written from their definitions."""
    speed = (row - position) / dt
    assert (np.abs(speed) <= limits.speed * (1 + 1e-9)).all()
    assert (np.abs(speed - velocity) <= limits.acceleration * dt * (1 + 1e-9) + 1e-9).all()
    end = row + np.sign(speed) * speed ** 2 / limits.acceleration / 2
    assert (end <= limits.upper + 1e-9).all() and (end >= limits.lower - 1e-9).all()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(anything, min_size=1, max_size=12), st.sampled_from([1.0, 0.5]))
def test_no_row_violates_a_limit(rows, scale):
    """Whatever is asked for, one after the other, each admitted row obeys every limit and can be braked inside them."""
    position, velocity = START, REST
    for row in rows:
        limited = admit(START + row, position, velocity, LIMITS, DT, 1.5)
        obeys(position, velocity, limited.positions, DT, LIMITS)
        slowed = admit(START + row, position, velocity, LIMITS, DT, 1.5, scale)
        assert (np.abs(slowed.velocity) <= np.maximum(scale * LIMITS.speed, np.abs(velocity)) + 1e-9).all()
        position, velocity = limited.positions, limited.velocity


@settings(max_examples=300, deadline=None, derandomize=True)
@given(vectors, vectors)
def test_rows_inside_pass_bit_for_bit(first, second):
    """E2: 0 bits of change to admissible rows."""
    velocity = 1.5 * first
    lower, upper = admissible_velocity(START, velocity, LIMITS, DT)
    row = START + DT * (lower + (upper - lower) * (0.5 + 0.49 * second))
    limited = admit(row, START, velocity, LIMITS, DT, 1.5)
    assert limited.clamped == () and limited.far == ()
    assert limited.positions.tobytes() == row.tobytes()


@pytest.mark.parametrize('sign', [1, -1])
@pytest.mark.parametrize('joint, name, limit', [(2, 'left_elbow', 3.0), (13, 'right_gripper', 4.0)])
def test_three_bands(joint, name, limit, sign):
    """Inside, clamped, far outside: in both directions, arms and grippers."""
    velocity, row = np.zeros(14), 0.5 * both_arms(0.0, 1.0)
    position = row.copy()
    velocity[joint] = sign * (limit - 1.0)
    for factor, clamped, far in ((0.99, (), ()), (1.2, (name,), ()), (1.6, (name,), (name,))):
        row = position.copy()
        row[joint] += sign * factor * limit * DT
        limited = admit(row, position, velocity, LIMITS, DT, 1.5)
        assert (limited.clamped, limited.far) == (clamped, far)
        assert abs(limited.positions[joint] - position[joint]) == pytest.approx(min(factor, 1.0) * limit * DT)


def test_a_clamped_row_is_not_clamped_again():
    """The reference is what was commanded, and stays so after a clamp."""
    position, velocity, row = START, REST, START + 0.05 * both_arms(1.0, 1.0)
    once = admit(row + 1, position, velocity, LIMITS, DT, 1.5).positions
    assert admit(once, position, velocity, LIMITS, DT, 1.5).clamped == ()


@pytest.mark.parametrize('dt', [0.0, -0.04, np.nan])
def test_a_time_step_that_is_not_positive_disables_nothing(dt):
    with pytest.raises(ValueError, match='time step'):
        admit(START, START, REST, LIMITS, dt, 1.5)


def test_a_joint_outside_may_only_come_back():
    """An arm that was switched on outside its limits can be moved inwards, not further out."""
    outside = START.copy()
    outside[1] = LIMITS.lower[1] - 0.05
    inwards, outwards = outside.copy(), outside.copy()
    inwards[1] += 0.02
    outwards[1] -= 0.02
    assert admit(inwards, outside, REST, LIMITS, DT, 1.5).clamped == ()
    assert admit(outwards, outside, REST, LIMITS, DT, 1.5).positions[1] == outside[1]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(vectors, vectors, st.floats(0.001, 0.03))
def test_a_brake_comes_to_rest_within_the_limits(where, how_fast, tick):
    """From any admissible state: at rest in time, never faster, within acceleration and position limits."""
    position = (LIMITS.lower + LIMITS.upper) / 2 + 0.5 * where * (LIMITS.upper - LIMITS.lower)
    velocity = LIMITS.speed * how_fast
    end = position + velocity * np.abs(velocity) / LIMITS.acceleration / 2
    assume(((end <= LIMITS.upper) & (end >= LIMITS.lower)).all())
    brake = Brake(position, velocity, LIMITS, start=7.0)
    assert brake.duration <= (LIMITS.speed / LIMITS.acceleration).max() + 1e-12
    last, last_speed = position, velocity
    for now in 7.0 + tick * np.arange(1, 3 + int(brake.duration / tick)):
        at, speed = brake.at(now)
        assert ((at >= LIMITS.lower - 1e-12) & (at <= LIMITS.upper + 1e-12)).all()
        assert (np.abs(at - last) <= np.abs(last_speed) * tick + 1e-12).all()
        assert (np.abs(speed - last_speed) <= LIMITS.acceleration * tick + 1e-9).all()
        last, last_speed = at, speed
    assert not last_speed.any()
    assert last == pytest.approx(end, abs=1e-9)
    assert brake.at(now + 100)[0].tobytes() == last.tobytes()


@pytest.mark.parametrize('room', [0.05, 0.0])
def test_a_brake_without_room_stops_at_the_limit(room):
    """Should it ever begin too close, it brakes harder rather than pass the limit."""
    position, velocity = START.copy(), REST.copy()
    position[0], velocity[0] = LIMITS.upper[0] - room, 3.0
    brake = Brake(position, velocity, LIMITS, start=0.0)
    assert brake.at(1.0)[0][0] == pytest.approx(LIMITS.upper[0], abs=1e-12)
    assert not brake.at(1.0)[1].any()


def test_stop_pose_is_where_the_brake_ends():
    limited = admit(START + 0.04, START, REST, LIMITS, DT, 1.5)
    end, _ = Brake(limited.positions, limited.velocity, LIMITS, 0.0).at(9.0)
    assert stop_pose(limited.positions, limited.velocity, LIMITS) == pytest.approx(end)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(anything, min_size=1, max_size=8), vectors)
def test_many_rows_at_once_are_judged_as_one_by_one(rows, velocity):
    """The batch form gives the bits of the single form."""
    rows = START + np.array(rows)
    positions, velocities, inside, far = clamp(rows, START, velocity, LIMITS, DT, 1.5)
    for i, row in enumerate(rows):
        one = admit(row, START, velocity, LIMITS, DT, 1.5)
        assert (positions[i].tobytes(), velocities[i].tobytes()) == (one.positions.tobytes(), one.velocity.tobytes())
        assert ((~inside[i]).sum(), far[i].sum()) == (len(one.clamped), len(one.far))


def test_a_speed_scale_may_differ_by_joint():
    """Near the other arm only the arm joints slow down; the gripper may still let go."""
    limited = admit(START + 0.1, START, REST, LIMITS, DT, 1.5, both_arms(0.25, 1.0))
    assert limited.velocity[:6] == pytest.approx(0.75)
    assert limited.velocity[6] == pytest.approx(0.1 / DT)
