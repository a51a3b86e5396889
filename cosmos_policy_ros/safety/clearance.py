"""Distance between the two arms."""
import numpy as np

from cosmos_policy_ros.embodiment.capsules import NAMES, RADII, segment_distance

ARM_LINKS = ('base', 'shoulder', 'upper_arm', 'upper_forearm', 'lower_forearm', 'wrist')
FINGERS = ('left_finger', 'right_finger')


def margin_matrix(arm, hand, gripper):
    """(10, 10) m: the distance each pair of capsules, one of each arm, has to keep.

    Args:
        arm: m, arm links against arm links. hand: m, gripper, camera or finger against arm links.
        gripper: m, grippers and cameras against each other, and cameras against fingers.

    Fingers against fingers and against grippers are exempt (-inf) for now: in a hand-over they touch.
    """
    margins = np.full((len(NAMES), len(NAMES)), gripper)
    is_arm = np.array([name in ARM_LINKS for name in NAMES])
    margins[is_arm[:, None] | is_arm] = hand
    margins[is_arm[:, None] & is_arm] = arm
    is_finger = np.array([name in FINGERS for name in NAMES])
    touches = is_finger | np.array([name == 'gripper' for name in NAMES])
    margins[(is_finger[:, None] & touches) | (touches[:, None] & is_finger)] = -np.inf
    return margins


def gaps(segments):
    """(..., 10, 10) m between the capsule surfaces, [left, right], of ``segments`` (..., 2, 10, 2, 3)."""
    distance = segment_distance(segments[..., 0, :, None, :, :], segments[..., 1, None, :, :, :])
    return distance - RADII[:, None] - RADII


def too_close(gap, margins, before):
    """Pairs (..., 10, 10) that are closer than their margin and closer than ``before`` (10, 10).

    Arms that are too close may thus still move apart.
    """
    return (gap < margins) & (gap < before)


def nearest(gap, margins):
    """m and names of the pair with the smallest gap (10, 10) among those that have a margin."""
    watched = np.where(np.isfinite(margins), gap, np.inf)
    left, right = np.unravel_index(np.argmin(watched), watched.shape)
    return float(watched[left, right]), f'left {NAMES[left]} and right {NAMES[right]}'
