"""Workspace, table, keep-out boxes and arm-to-arm clearance."""
from dataclasses import replace

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.capsules import NAMES
from cosmos_policy_ros.embodiment.poses import SLEEP, START
from cosmos_policy_ros.safety.clearance import Margins
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.keep_out import KeepOut
from cosmos_policy_ros.safety.surroundings import PAIRS

WORKSPACE, WALLS, TABLE = 0, 1, 2
MARGINS = Margins(link=0.05, hand=0.03, gripper=0.005, finger_gripper=0.0, finger=-0.06).matrix()


def margin(left, right):
    return MARGINS[NAMES.index(left), NAMES.index(right)]


@pytest.fixture
def envelope(make_rig):
    return Envelope(make_rig().config)


@pytest.mark.parametrize('left, right, expected', [
    ('wrist', 'upper_forearm', 0.05), ('base', 'wrist', 0.05), ('gripper', 'wrist', 0.03), ('wrist', 'camera', 0.03),
    ('left_finger', 'lower_forearm', 0.03), ('gripper', 'gripper', 0.005), ('camera', 'camera', 0.005),
    ('gripper', 'camera', 0.005), ('camera', 'left_finger', 0.005), ('gripper', 'left_finger', 0.0),
    ('left_finger', 'right_finger', -0.06), ('left_finger', 'left_finger', -0.06)])
def test_margins_by_class(left, right, expected):
    """Large between arm links, small between hands, negative where capsules overlap in a hand-over."""
    assert margin(left, right) == margin(right, left) == expected


def fences(envelope, pose):
    """m by which each capsule [fence, side, capsule] is beyond a fence; 0 inside."""
    around = envelope.surroundings
    return np.maximum(around.margins - around.distances(pose[None]), 0.0)[0, PAIRS:].reshape(-1, 2, len(NAMES))


@pytest.mark.parametrize('pose', [START, SLEEP])
def test_named_poses_are_inside(envelope, pose):
    assert envelope.admit(pose, pose, np.zeros(14)).cause == ''
    assert not fences(envelope, pose).any()


def test_the_zero_pose_is_a_collision(envelope):
    """A NaN turned into zero would bring both arms here."""
    assert envelope.min_clearance(np.zeros(14)) < 0


@pytest.mark.parametrize('joint, value, link', [(1, 0.9, 'gripper'), (8, 0.9, 'gripper')])
def test_below_the_table_is_outside(envelope, joint, value, link):
    pose = START.copy()
    pose[joint] = value
    beyond = fences(envelope, pose)
    assert beyond[TABLE, joint // 7, NAMES.index(link)] > 0
    assert not beyond[:, 1 - joint // 7].any()


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
    inside = np.array([not fences(envelope, pose).any() for pose in turned])
    last = np.flatnonzero(inside)[-1]
    assert not inside[-1]
    for rows_left in range(1, 6):  # 10 mrad each; the brake from 2.5 rad/s takes 78
        row, causes = turned[last - rows_left], []
        for speed in (0.1, 2.5):
            position, velocity = row.copy(), np.zeros(14)
            position[0] += speed * 0.04
            velocity[0] = -speed
            causes.append(envelope.admit(row, position, velocity).cause)
        assert causes == ['', 'workspace']


@pytest.mark.parametrize('row, cause', [
    (['x'] * 14, 'setpoint_shape'), (np.zeros(13), 'setpoint_shape'), (np.zeros((1, 14)), 'setpoint_shape'),
    ([0.0] * 13 + [np.nan], 'setpoint_nonfinite'), ([np.inf] + [0.0] * 13, 'setpoint_nonfinite'),
    (np.full(14, 1e300), 'far_outside_limits')])
def test_what_is_no_row_is_refused_by_name(envelope, row, cause):
    assert envelope.admit(row, START, np.zeros(14)).cause == cause


def towards_each_other(share):
    """Both arms level and stretched ahead, the more so the larger ``share``."""
    pose = np.zeros(14)
    pose[[1, 8]], pose[[2, 9]] = -0.6 + 0.6 * share, 0.6 - 0.6 * share
    return pose


def test_the_arms_slow_down_before_they_stop(envelope):
    """From slow_zone above the first margin on, the speed limits shrink smoothly to slow_zone_scale."""
    config, around = envelope.config, envelope.surroundings
    poses = np.array([towards_each_other(share) for share in np.linspace(0, 1, 400)])
    spare = around.spare(around.distances(poses))
    scales = np.array([envelope.speed_scale(pose) for pose in poses])
    assert spare[0] > config.slow_zone and spare[-1] < 0
    assert (scales[spare >= config.slow_zone] == 1.0).all()
    assert (scales[spare <= 0] == config.slow_zone_scale).all()
    assert np.abs(np.diff(scales)).max() < 0.05 and (np.diff(scales) <= 0).all()


def test_near_the_other_arm_a_row_may_be_slower_only(envelope):
    """A row at a speed that is fine elsewhere is clamped there, and the gripper is not."""
    around = envelope.surroundings
    pose = next(pose for pose in (towards_each_other(share) for share in np.linspace(0, 1, 400))
                if around.spare(around.distances(pose[None]))[0] < 0.01)
    row = pose.copy()
    row[[5, 6]] += 0.08
    velocity = (row - pose) / 0.04  # as if it came at this speed
    far, near = envelope.admit(START + row - pose, START, velocity), envelope.admit(row, pose, velocity)
    assert far.limited.clamped == ()
    assert near.cause == '' and near.limited.clamped == ('left_wrist_rotate',)


def test_a_keep_out_box_is_kept_out_of(make_rig):
    """A post beside the arm: passed at a distance, refused before it is touched, by name."""
    config = make_rig().config
    elbow = Envelope(config).surroundings.segments(START[None])[0, 0, NAMES.index('upper_forearm'), 0]
    post = KeepOut('post', tuple(elbow + [-0.02, 0.10, -0.5]), tuple(elbow + [0.02, 0.14, 0.5]))
    envelope = Envelope(replace(config, keep_out=(post,)))
    position, velocity, turned = START.copy(), np.zeros(14), 0
    for _ in range(60):
        row = position.copy()
        row[0] -= 0.02
        admission = envelope.admit(row, position, velocity)
        if admission.cause:
            break
        position, velocity, turned = row, (row - position) / 0.04, turned + 1
    gap = 1000 * keep_out_gap(envelope, position)
    assert admission.cause == 'workspace' and 'keep-out post' in admission.detail and turned > 3
    assert 1000 * config.keep_out_margin <= gap < 1000 * config.keep_out_margin + 20


def keep_out_gap(envelope, pose):
    return envelope.surroundings.distances(pose[None])[0, -20:].min()


def test_an_arm_in_a_keep_out_box_may_only_come_out(make_rig):
    """A box drawn around where the hand stands: towards its nearest face yes, deeper no."""
    tip = Envelope(make_rig().config).surroundings.segments(START[None])[0, 0, NAMES.index('camera')].mean(axis=0)
    box = KeepOut('shelf', tuple(tip - [0.1, 0.1, 0.0]), tuple(tip + [0.1, 0.1, 0.2]))
    envelope = Envelope(replace(make_rig().config, keep_out=(box,)))
    lower, higher = START.copy(), START.copy()
    lower[1] += 0.01
    higher[1] -= 0.01
    assert envelope.admit(lower, START, np.zeros(14)).cause == ''
    assert 'shelf' in envelope.admit(higher, START, np.zeros(14)).detail
