"""The box in which wrists and hands may move, the walls around whole arms, and the table under the arm links."""
import numpy as np

from cosmos_policy_ros.embodiment.capsules import NAMES, RADII

BOXED = np.array([name in ('wrist', 'gripper', 'left_finger', 'right_finger') for name in NAMES])
"""Capsules that stay inside the workspace box."""

MOVING = np.array([name != 'base' for name in NAMES])
"""Capsules that stay inside the walls and outside keep-out boxes: all but the base, which stands where it stands."""

ABOVE_TABLE = np.array([name in ('upper_arm', 'upper_forearm', 'lower_forearm', 'wrist', 'gripper', 'camera')
                        for name in NAMES])
"""Capsules that stay above the table; base and shoulder cannot reach it, fingers may touch it (the box bounds them)."""


def extent(segments):
    """Lowest and highest corner (..., 10, 3) m around each capsule of ``segments`` (..., 10, 2, 3)."""
    ends = segments[..., 0, :], segments[..., 1, :]
    return np.minimum(*ends) - RADII[:, None], np.maximum(*ends) + RADII[:, None]


def room_inside(low, high, lower, upper):
    """(..., 10) m to the nearest face of the box ``lower``..``upper`` (3,) around extents (..., 10, 3)."""
    return np.minimum(low - lower, upper - high).min(axis=-1)
