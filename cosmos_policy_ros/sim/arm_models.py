"""The two kinds of arm of an ALOHA as their drivers know them: followers (ViperX 300 S) and leaders (WidowX 250 S).

Sources: Interbotix ``interbotix_xsarm_control`` (motor files ``aloha_vx300s``, ``aloha_wx250s``) and the URDFs of
``interbotix_xsarm_descriptions``.
"""
from dataclasses import dataclass

import numpy as np

from ..embodiment.gripper import GRIPPER_MAPS, LEADER_GRIPPER_MAPS
from ..embodiment.limits import ARM_LOWER, ARM_UPPER

SHADOWS = {'shoulder_shadow': ('shoulder', 3), 'elbow_shadow': ('elbow', 5)}
"""Second motors of a joint: {name: (joint, bus id)}. They take every write to the first one, and are in no group."""

MOTOR_IDS = (1, 2, 4, 6, 7, 8, 9)
"""Bus ids of the seven motors that joint states show."""


@dataclass(frozen=True)
class ArmModel:
    """One kind of arm.

    ``lower``, ``upper``: (6,) rad, URDF limits. ``sleep``: (6,) rad, the driver's sleep positions.
    ``finger_limits``: m.
    ``position_limits``: {joint: (low, high)} counts in the servos' EEPROM. ``gripper_current_limit``: counts.
    ``grippers``: {convention: ``GripperMap``} by the names of ``embodiment.gripper``.
    """

    name: str
    lower: np.ndarray
    upper: np.ndarray
    sleep: tuple
    finger_limits: tuple
    position_limits: dict
    gripper_current_limit: int
    grippers: dict


FOLLOWER = ArmModel(
    'aloha_vx300s', ARM_LOWER, ARM_UPPER,
    (0.0, -2.05, 1.7, 0.0, -2.0, 0.0),  # three of them lie outside the limits, as in the vendor's file
    (0.021, 0.057), {'shoulder': (841, 2867), 'elbow': (898, 3094), 'wrist_angle': (830, 3504)}, 200, GRIPPER_MAPS)

LEADER = ArmModel(
    'aloha_wx250s', np.array([-3.14158, -1.88496, -2.14675, -3.14158, -1.74533, -3.14158]),
    np.array([3.14158, 1.98968, 1.60570, 3.14158, 2.14675, 3.14158]), (0.0, -1.88, 1.6, 0.0, -1.6, 0.0),
    (0.015, 0.037), {'shoulder': (819, 3345), 'elbow': (648, 3094), 'wrist_angle': (910, 3447)}, 2047,
    LEADER_GRIPPER_MAPS)
