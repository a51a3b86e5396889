"""Inverse kinematics of the ViperX 300 S in closed form.

The forearm-roll and wrist-rotate axes meet at the wrist-angle joint, so the arm is a waist, a planar two-link arm up to
that point, and a roll-pitch-roll wrist. Exact, and free of the flips of an iterative solver near the wrist's
singularity: which of the two wrist branches is taken is explicit. Poses are reached forwards, with the wrist in front
of the waist axis and the elbow up; the limits rule out an elbow that bends down.
"""
import numpy as np

from .joints import SIDES
from .kinematics import GRASP_POINT, JOINT_ORIGINS, link_frames
from .limits import ARM_LOWER, ARM_UPPER, COMMAND_MARGIN

_SHOULDER_HEIGHT = JOINT_ORIGINS[0, 2] + JOINT_ORIGINS[1, 2]
_UPPER = np.hypot(JOINT_ORIGINS[2, 0], JOINT_ORIGINS[2, 2])
_UPPER_SLOPE = np.arctan2(JOINT_ORIGINS[2, 2], JOINT_ORIGINS[2, 0])
_FOREARM = JOINT_ORIGINS[3, 0] + JOINT_ORIGINS[4, 0]
_HAND = JOINT_ORIGINS[5, 0] + GRASP_POINT


class Unreachable(ValueError):
    """No joint angles within the limits put the grasp point there."""


def rotation(axis, angle):
    """(3, 3) rotation by ``angle`` rad about axis 0 x, 1 y or 2 z."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


def pose_of(turn, position):
    """(4, 4) pose from a (3, 3) rotation and a (3,) position in m."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, position
    return pose


class ArmSolver:
    """Joint angles of one arm for poses of its grasp point in the cell frame."""

    def __init__(self, side, cell):
        self.side = side
        self.base = cell.base(side)
        self._to_base = np.linalg.inv(self.base)

    def forward(self, joints):
        """(4, 4) pose of the grasp point for joints (6,) rad."""
        pose = link_frames(joints, self.base)[6].copy()
        pose[:3, 3] += GRASP_POINT * pose[:3, 0]
        return pose

    def solve(self, pose, near=None):
        """(6,) rad that bring the grasp point to ``pose`` (4, 4).

        Of the two wrist branches the one nearest to ``near`` (6,) is taken, or with None the one that rolls the
        forearm less. Raises Unreachable.
        """
        target = self._to_base @ pose
        turn, wrist = target[:3, :3], target[:3, 3] - _HAND * target[:3, 0]
        waist = np.arctan2(wrist[1], wrist[0])
        along, height = np.hypot(wrist[0], wrist[1]), wrist[2] - _SHOULDER_HEIGHT
        reach = np.hypot(along, height)
        cos_elbow = (_UPPER ** 2 + _FOREARM ** 2 - reach ** 2) / (2 * _UPPER * _FOREARM)
        if not -1 <= cos_elbow <= 1:
            raise Unreachable(f'{self.side.value} arm: {reach:.3f} m from shoulder to wrist is out of reach')
        elbow = np.pi - _UPPER_SLOPE - np.arccos(cos_elbow)
        cos_shoulder = (_UPPER ** 2 + reach ** 2 - _FOREARM ** 2) / (2 * _UPPER * reach)
        shoulder = _UPPER_SLOPE - np.arctan2(height, along) - np.arccos(np.clip(cos_shoulder, -1, 1))
        hand = rotation(1, -(shoulder + elbow)) @ rotation(2, -waist) @ turn
        reference = np.zeros(6) if near is None else near
        solutions = []
        for sign in (1, -1):
            roll, pitch, rotate = _roll_pitch_roll(hand, sign, reference[3])
            joints = np.array([waist, shoulder, elbow, roll, pitch, rotate])
            if ((joints > ARM_LOWER + COMMAND_MARGIN) & (joints < ARM_UPPER - COMMAND_MARGIN)).all():
                solutions.append(joints)
        if not solutions:
            raise Unreachable(f'{self.side.value} arm: {np.round(pose[:3, 3], 3)} m needs joints beyond the limits')
        watched = slice(0, 6) if near is not None else slice(3, 4)
        return min(solutions, key=lambda joints: np.abs(joints - reference)[watched].sum())


def _roll_pitch_roll(hand, sign, reference_roll):
    """Angles of x, y, x rotations that compose to ``hand`` (3, 3), with the pitch of the given sign.

    Where the outer axes coincide only their sum is defined; the roll then stays at ``reference_roll``.
    """
    bend = np.hypot(hand[0, 1], hand[0, 2])
    if bend < 1e-6:
        return reference_roll, np.arctan2(0.0, hand[0, 0]), np.arctan2(hand[2, 1], hand[1, 1]) - reference_roll
    return (np.arctan2(sign * hand[1, 0], -sign * hand[2, 0]), sign * np.arctan2(bend, hand[0, 0]),
            np.arctan2(sign * hand[0, 1], sign * hand[0, 2]))


def solvers(cell):
    """{side: ArmSolver} of the cell."""
    return {side: ArmSolver(side, cell) for side in SIDES}
