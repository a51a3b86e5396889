"""Capsules that enclose the links of a ViperX 300 S, and distances between them.

Each encloses every vertex of its link's mesh (checked against the meshes: worst vertex 0.2 to 1.7 mm inside).
"""
from dataclasses import dataclass

import numpy as np

from .joints import SIDES
from .kinematics import LINKS, link_frames

FINGER_ORIGIN = 0.0687
"""m along x in the gripper link; the finger slides +-finger distance along y from there."""


@dataclass(frozen=True)
class Capsule:
    """A segment ``a``-``b`` (m, in the frame of ``link``) with a radius (m)."""

    name: str
    link: str
    a: tuple
    b: tuple
    radius: float


CAPSULES = (
    Capsule('base', 'base', (-0.100, 0, 0.010), (0.024, 0, 0.010), 0.105),
    Capsule('shoulder', 'shoulder', (0, 0, 0.012), (0, 0, 0.024), 0.065),
    Capsule('upper_arm', 'upper_arm', (0, 0, 0.0235), (0.0375, 0, 0.3015), 0.059),
    Capsule('upper_forearm', 'upper_forearm', (0.0065, 0, 0), (0.150, 0, 0), 0.0535),
    Capsule('lower_forearm', 'lower_forearm', (0.011, 0.010, 0), (0.0955, 0.008, 0), 0.0395),
    Capsule('wrist', 'wrist', (0.009, 0, 0.004), (0.052, 0, 0.010), 0.036),
    Capsule('gripper', 'gripper', (0.040, -0.051, 0.005), (0.040, 0.051, 0.005), 0.0505),
    Capsule('left_finger', 'gripper', (0.004, -0.0112, 0), (0.0543, -0.0108, 0), 0.034),
    Capsule('right_finger', 'gripper', (0.004, 0.0112, 0), (0.0543, 0.0108, 0), 0.034),
    Capsule('camera', 'gripper', (0, 0, 0.050), (0.012, 0, 0.088), 0.034),
)
"""One arm's capsules; the two finger entries are relative to the sliding finger link."""

_LINK = np.array([LINKS.index(c.link) for c in CAPSULES])
_ENDS = np.array([[c.a, c.b] for c in CAPSULES], dtype=float)
_SLIDE = np.zeros((len(CAPSULES), 3))
_SLIDE[7, 1], _SLIDE[8, 1] = 1.0, -1.0
_ENDS[7:9, :, 0] += FINGER_ORIGIN
RADII = np.array([c.radius for c in CAPSULES])
NAMES = tuple(c.name for c in CAPSULES)


def capsule_segments(joints, finger, base):
    """Capsule axes of one arm.

    Args:
        joints: (..., 6) rad. finger: (...) m, finger distance. base: (4, 4) pose of the base link.

    Returns:
        (..., 10, 2, 3) m, segment ends in the frame of ``base``, in the order of ``CAPSULES``.
    """
    frames = link_frames(joints, base)[..., _LINK, :, :]
    ends = _ENDS + np.asarray(finger, dtype=float)[..., None, None, None] * _SLIDE[:, None, :]
    return np.einsum('...ij,...ej->...ei', frames[..., :3, :3], ends) + frames[..., None, :3, 3]


def segment_distance(p, q):
    """Distance (m) between segments p and q, each (..., 2, 3); broadcasts. Ericson, Real-Time Collision Detection 5.1.9."""
    p0, q0 = p[..., 0, :], q[..., 0, :]
    d1, d2, r = p[..., 1, :] - p0, q[..., 1, :] - q0, p0 - q0
    a, e = (d1 * d1).sum(-1), (d2 * d2).sum(-1)
    b, c, f = (d1 * d2).sum(-1), (d1 * r).sum(-1), (d2 * r).sum(-1)
    tiny = 1e-12
    a, e = np.maximum(a, tiny), np.maximum(e, tiny)
    denominator = a * e - b * b
    s = np.where(denominator > tiny, np.clip((b * f - c * e) / np.maximum(denominator, tiny), 0, 1), 0.0)
    t = (b * s + f) / e
    s = np.where(t < 0, np.clip(-c / a, 0, 1), np.where(t > 1, np.clip((b - c) / a, 0, 1), s))
    t = np.clip(t, 0, 1)
    gap = r + s[..., None] * d1 - t[..., None] * d2
    return np.sqrt((gap * gap).sum(-1))


def arm_to_arm(vector, cell, gripper):
    """Surface distances between every capsule of the left and of the right arm.

    Args:
        vector: (..., 14) joint positions. cell: a ``Cell``. gripper: a ``GripperMap`` for the finger distances.

    Returns:
        (..., 10, 10) m, negative when capsules overlap; [left, right] in the order of ``CAPSULES``.
    """
    vector = np.asarray(vector, dtype=float)
    left, right = (capsule_segments(vector[..., 7 * i:7 * i + 6],
                                    gripper.finger_from_joint(gripper.joint_from_action(vector[..., 7 * i + 6])),
                                    cell.base(side)) for i, side in enumerate(SIDES))
    distance = segment_distance(left[..., :, None, :, :], right[..., None, :, :, :])
    return distance - RADII[:, None] - RADII
