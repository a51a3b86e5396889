"""Workspace, table and arm-to-arm clearance."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.capsules import NAMES, arm_to_arm
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.poses import SLEEP, START
from cosmos_policy_ros.safety.clearance import gaps, margin_matrix, nearest, too_close
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.workspace import excess

MARGINS = margin_matrix(0.05, 0.03, 0.005)


def margin(left, right):
    return MARGINS[NAMES.index(left), NAMES.index(right)]


@pytest.fixture
def envelope(make_rig):
    return Envelope(make_rig().config)


def test_gaps_are_those_of_the_embodiment(envelope):
    vectors = START + np.random.default_rng(3).uniform(-0.4, 0.4, (20, 14))
    expected = arm_to_arm(vectors, Cell(), GRIPPER_MAPS['ros1'])
    assert gaps(envelope.segments(vectors)) == pytest.approx(expected)


@pytest.mark.parametrize('left, right, expected', [
    ('wrist', 'upper_forearm', 0.05), ('base', 'wrist', 0.05), ('gripper', 'wrist', 0.03), ('wrist', 'camera', 0.03),
    ('left_finger', 'lower_forearm', 0.03), ('gripper', 'gripper', 0.005), ('camera', 'camera', 0.005),
    ('gripper', 'camera', 0.005), ('camera', 'left_finger', 0.005),
    ('left_finger', 'right_finger', -np.inf), ('gripper', 'left_finger', -np.inf)])
def test_margins_by_class(left, right, expected):
    """Large between arm links, small between hands, none where a hand-over touches."""
    assert margin(left, right) == margin(right, left) == expected


def test_arms_that_are_too_close_may_move_apart():
    before = np.full((10, 10), 0.02)
    assert too_close(before - 0.001, MARGINS, before).any()
    assert not too_close(before + 0.001, MARGINS, before).any()


def test_nearest_ignores_exempt_pairs():
    gap = np.full((10, 10), 0.3)
    gap[NAMES.index('left_finger'), NAMES.index('left_finger')] = -0.01
    gap[NAMES.index('wrist'), NAMES.index('camera')] = 0.2
    assert nearest(gap, MARGINS) == (0.2, 'left wrist and right camera')


@pytest.mark.parametrize('pose', [START, SLEEP])
def test_named_poses_are_inside(envelope, pose):
    assert envelope.admit(pose, pose, np.zeros(14)).cause == ''
    assert not excess(envelope.segments(pose[None]), Cell(), 0.0).any()


def test_the_zero_pose_is_a_collision(envelope):
    """A NaN turned into zero would bring both arms here."""
    assert envelope.min_clearance(np.zeros(14)) < 0


@pytest.mark.parametrize('joint, value, link', [(1, 0.9, 'gripper'), (8, 0.9, 'gripper')])
def test_below_the_table_is_outside(envelope, joint, value, link):
    pose = START.copy()
    pose[joint] = value
    amount = excess(envelope.segments(pose[None]), Cell(), 0.0)[0]
    assert amount[joint // 7, NAMES.index(link)] > 0
    assert not amount[1 - joint // 7].any()


def test_an_arm_outside_may_come_back(envelope):
    """Only what makes it worse is refused."""
    outside = START.copy()
    outside[1] = 0.9
    back, further = outside.copy(), outside.copy()
    back[1] -= 0.02
    further[1] += 0.02
    assert envelope.admit(back, outside, np.zeros(14)).cause == ''
    assert envelope.admit(further, outside, np.zeros(14)).cause == 'workspace'


def test_a_row_is_refused_for_where_its_brake_would_end(envelope):
    """The same row passes when it arrives slowly and is refused when it cannot be stopped in time."""
    turned = np.tile(START, (150, 1))
    turned[:, 1:3] = -0.3, 0.6
    turned[:, 0] = -0.01 * np.arange(150)  # towards the operator, until the box ends
    inside = ~excess(envelope.segments(turned), Cell(), 0.0).any(axis=(1, 2))
    row = turned[np.flatnonzero(inside)[-1]]
    assert not inside[-1]
    causes = []
    for speed in (0.1, 2.5):
        position, velocity = row.copy(), np.zeros(14)
        position[0] += speed * 0.04
        velocity[0] = -speed
        causes.append(envelope.admit(row, position, velocity).cause)
    assert causes == ['', 'workspace']
