"""The 14-vector of Cosmos Policy on ALOHA: left arm, left gripper, right arm, right gripper."""
from enum import Enum

ARM_JOINTS = ('waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate')
"""The six revolute joints of a ViperX 300 S, from the base outwards."""

DRIVER_JOINTS = (*ARM_JOINTS, 'gripper', 'left_finger', 'right_finger')
"""Name order of the arm driver's ``joint_states`` (Interbotix ``xs_sdk``)."""


class Side(Enum):
    """One of the two follower arms; the value is its name on the wire."""

    LEFT = 'left'
    RIGHT = 'right'


SIDES = (Side.LEFT, Side.RIGHT)
ACTION_DIM = 14
JOINT_NAMES = tuple(f'{side.value}_{joint}' for side in SIDES for joint in (*ARM_JOINTS, 'gripper'))
"""Names of the 14 entries in order. Grippers are normalised: 0 closed, 1 open; the rest are radians."""

ARM_SLICE = {Side.LEFT: slice(0, 6), Side.RIGHT: slice(7, 13)}
GRIPPER_INDEX = {Side.LEFT: 6, Side.RIGHT: 13}
ARM_INDICES = (*range(0, 6), *range(7, 13))
"""Indices of the twelve arm joints within the 14-vector."""

CONTROL_PERIOD = 0.04
"""Seconds between two rows: Cosmos Policy's ALOHA data run at 25 Hz."""

CHUNK_ROWS = 50
"""Rows of one action chunk (2 s), as published."""
