"""Reduced speed: no point of a hand moves faster than a limit."""
from itertools import product

import numpy as np

from cosmos_policy_ros.embodiment.capsules import CAPSULES, FINGER_ORIGIN
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.kinematics import link_frames

from .travel import levers

ROUNDING = 1e-12
"""m; a row that was slowed down is not slowed down again."""


def _box():
    """(8, 3) m in the gripper link: corners of a box around gripper, camera and opened fingers."""
    opened = max(gripper.horn + gripper.arm for gripper in GRIPPER_MAPS.values())
    ends = []
    for capsule in CAPSULES:
        if capsule.link == 'gripper':
            shift = np.array([FINGER_ORIGIN, 0, 0]) if capsule.name.endswith('finger') else np.zeros(3)
            slide = opened * {'left_finger': 1, 'right_finger': -1}.get(capsule.name, 0) * np.array([0, 1, 0])
            ends += [np.add(end, shift + slide) + sign * capsule.radius for end in (capsule.a, capsule.b)
                     for sign in (-1, 1)]
    return np.array(list(product(*zip(np.min(ends, axis=0), np.max(ends, axis=0)))))


_CORNERS = _box()
_LEVERS = levers('gripper', np.linalg.norm(_CORNERS, axis=1).max())


def hand_travel(start, end):
    """(..., 2) m by which the fastest point of each hand is displaced from pose ``start`` to ``end``, both (..., 14).

    The displacement of a rigid body is convex in its points: none inside the box around the hand exceeds its corners'.
    """
    poses = np.stack([start, end])
    frames = link_frames(poses.reshape(*poses.shape[:-1], len(SIDES), 7)[..., :6])[..., 6, :, :]
    corners = np.einsum('...ij,cj->...ci', frames[..., :3, :3], _CORNERS) + frames[..., None, :3, 3]
    return np.linalg.norm(corners[1] - corners[0], axis=-1).max(axis=-1)


def slow_hands(rows, position, limit):
    """``rows`` in which each hand that would move further than ``limit`` m is brought nearer to ``position``.

    All joints of that arm by the same share, so that it goes the same way, slower. A hand within the limit keeps its
    numbers bit for bit, and grippers keep theirs.

    Args:
        rows, position: (..., 14). limit: m, allowed speed times the row's period.

    Returns:
        Rows (..., 14), and (..., 2) which hands were slowed down.
    """
    wanted = hand_travel(position, rows)
    step = (rows - position).reshape(*np.shape(rows)[:-1], len(SIDES), 7)
    turned = np.abs(step[..., :6])
    # A chord of the path deviates from a share of the whole chord by at most half its largest second derivative.
    bend = turned.sum(axis=-1) * (turned @ _LEVERS)
    share = limit / (wanted + bend / 2 + ROUNDING)
    slowed = wanted > limit + ROUNDING
    step[..., :6] *= share[..., None]
    nearer = position + step.reshape(np.shape(rows))
    joints = np.zeros(step.shape, dtype=bool)
    joints[..., :6] = slowed[..., None]
    return np.where(joints.reshape(np.shape(rows)), nearer, rows), slowed
