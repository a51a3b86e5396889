"""Look-ahead over a chunk: good ones pass, a bad row is found and named before the first is played."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.chunk_check import check_chunk
from cosmos_policy_ros.safety.envelope import DIP, Envelope
from safety_rig import Rig

ENVELOPE = Envelope(Rig().config)
TOGETHER = np.zeros(14)
"""Both arms level and stretched out: they collide half way."""


def path(goal, rows=50, start=START):
    """(rows, 14) from ``start`` to ``goal``, smoothly."""
    share = np.linspace(0, 1, rows)[:, None]
    return start + share * share * (3 - 2 * share) * (goal - start)


def play(rows):
    """The cause for which the envelope refuses a row when all are played as they stand, and that row."""
    position, velocity = rows[0], np.zeros(14)
    for number, row in enumerate(rows):
        admission = ENVELOPE.admit(row, position, velocity)
        if admission.cause:
            return number, admission.cause
        position, velocity = admission.limited.positions, admission.limited.velocity
    return None, ''


def test_a_good_chunk_passes_with_its_clearance():
    goal = START.copy()
    goal[[0, 7]] = 0.4
    verdict = check_chunk(path(goal), START, ENVELOPE)
    assert (verdict.row, verdict.cause, verdict.detail) == (None, '', '')
    assert verdict.clearance == pytest.approx([ENVELOPE.min_clearance(row) for row in path(goal)])


def test_a_gripper_may_open_from_one_row_to_the_next():
    """Policies do that; who plays the chunk keeps to the gripper's speed, and each row is judged again."""
    rows = np.tile(START, (50, 1))
    rows[28:, [6, 13]] = 1.0
    assert check_chunk(rows, START, ENVELOPE).cause == ''


def test_arms_that_would_meet_are_found_before_the_envelope_would_stop_them():
    """The named row is the one at which playing stops, or the next: no later, and not for arms that only pass."""
    verdict = check_chunk(path(TOGETHER), START, ENVELOPE)
    assert verdict.cause == 'arm_clearance' and ' and right ' in verdict.detail
    number, cause = play(path(TOGETHER))
    assert cause == 'arm_clearance' and number <= verdict.row <= number + 1
    assert verdict.clearance[verdict.row] < 0.1 and verdict.row < 40


def test_what_may_be_lost_between_two_poses_is_kept_on_top_of_the_margin():
    """As for a single row: to within DIP of a margin is too close, from further away."""
    around = ENVELOPE.surroundings
    poses = path(TOGETHER, 4000)
    spare = around.spare(around.distances(poses))
    far, inside, below = (poses[np.flatnonzero(spare > limit)[-1]] for limit in (3 * DIP, 1.05 * DIP, 0.5 * DIP))
    for pose, cause in ((inside, ''), (below, 'arm_clearance')):
        assert check_chunk(path(pose, start=far), far, ENVELOPE).cause == cause
        assert play(path(pose, start=far))[1] == cause


def test_the_table_is_found():
    goal = START.copy()
    goal[1] = 1.0
    verdict = check_chunk(path(goal), START, ENVELOPE)
    assert verdict.cause == 'workspace' and verdict.detail.startswith(f'row {verdict.row} of 50: left')


def test_a_row_that_could_not_be_braked_in_time_is_bad():
    """Fast towards the table and away again: no row touches it, the brake of one would."""
    down = START.copy()
    down[1] += 0.09
    lowest = next(step for step in range(200) if ENVELOPE.admit(
        START + 0.005 * step * (down - START) / 0.09, START + 0.005 * (step - 1) * (down - START) / 0.09,
        np.zeros(14)).cause) - 2
    rows = np.tile(START, (50, 1))
    depth = 0.005 * lowest - 0.11 * np.abs(np.arange(50) - 25)
    rows[:, 1] += np.maximum(depth, 0.0)
    slow = rows[25:26].repeat(50, axis=0)
    assert check_chunk(slow, slow[0], ENVELOPE).row is None
    assert check_chunk(rows, START, ENVELOPE).row == 25


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_found_wherever_it_stands(value):
    rows = np.tile(START, (50, 1))
    rows[31, 8] = value
    verdict = check_chunk(rows, START, ENVELOPE)
    assert (verdict.row, verdict.cause, verdict.detail) == (31, 'setpoint_nonfinite', 'row 31, entry 8')


@pytest.mark.parametrize('shape', [(50, 13), (14,), (2, 50, 14)])
def test_another_shape_is_refused(shape):
    assert check_chunk(np.zeros(shape), START, ENVELOPE).cause == 'setpoint_shape'


def test_a_jump_between_rows_is_found():
    rows = np.tile(START, (50, 1))
    rows[20:, 4] += 0.3
    verdict = check_chunk(rows, START, ENVELOPE)
    assert (verdict.row, verdict.cause) == (20, 'far_outside_limits') and 'left_wrist_angle' in verdict.detail


@pytest.mark.parametrize('huge', [1e300, -1e308])
def test_huge_numbers_are_found(huge):
    rows = np.tile(START, (50, 1))
    rows[10:, 3] = huge
    assert check_chunk(rows, START, ENVELOPE).cause == 'far_outside_limits'


def test_rows_that_stay_beyond_a_limit_are_found():
    """Nine are clamped one by one, as a policy's slight overshoot is; the tenth would stop the arms."""
    limit, longest = ENVELOPE.limits.upper[6], ENVELOPE.config.clamped_rows_limit
    rows = np.tile(START, (50, 1))
    rows[:, 6] = limit - 0.01
    rows[5:5 + longest - 1, 6] = limit + 0.01
    assert check_chunk(rows, rows[0], ENVELOPE).row is None
    rows[5:5 + longest, 6] = limit + 0.01
    verdict = check_chunk(rows, rows[0], ENVELOPE)
    assert (verdict.row, verdict.cause) == (5 + longest - 1, 'too_many_clamped')


def test_late_rows_are_not_judged():
    """A chunk's first rows may have passed when it arrives."""
    rows = np.tile(START, (50, 1))
    rows[:5] = TOGETHER
    assert check_chunk(rows, START, ENVELOPE).row == 0
    verdict = check_chunk(rows, START, ENVELOPE, first=5)
    assert verdict.row is None and np.isnan(verdict.clearance[:5]).all() and np.isfinite(verdict.clearance[5:]).all()
    rows[40:] = TOGETHER
    assert check_chunk(rows, START, ENVELOPE, first=5).row == 40
    with pytest.raises(ValueError, match='late altogether'):
        check_chunk(rows, START, ENVELOPE, first=50)


def test_arms_that_are_too_close_may_be_led_apart():
    """Otherwise no chunk could end such a state."""
    around = ENVELOPE.surroundings
    close = next(pose for pose in path(TOGETHER, 500) if around.spare(around.distances(pose[None]))[0] < 0)
    assert check_chunk(path(START, start=close), close, ENVELOPE).row is None
    assert check_chunk(path(TOGETHER, start=close), close, ENVELOPE).cause == 'arm_clearance'
