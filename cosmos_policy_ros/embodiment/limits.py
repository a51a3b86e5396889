"""Joint limits of the ViperX 300 S: what the driver enforces, and the tighter set that commands are held to."""
from dataclasses import dataclass, replace

import numpy as np

from .joints import ACTION_DIM, GRIPPER_INDEX, SIDES

ARM_LOWER = np.array([-3.14158, -1.85005, -1.76278, -3.14158, -1.86750, -3.14158])
ARM_UPPER = np.array([3.14158, 1.25664, 1.60570, 3.14158, 2.23402, 3.14158])
"""URDF limits of ``aloha_vx300s`` in rad, per arm joint; the servos' EEPROM limits agree within 2 mrad."""

MAX_ARM_SPEED = np.pi
"""rad/s, URDF velocity limit of every arm joint; also the XM540-W270's no-load speed at 12 V."""

COMMAND_MARGIN = 0.01
"""rad kept from the driver's limits: a goal beyond them is dropped by the servo in silence."""

SHOULDER_VENDOR_LIMIT = np.deg2rad(101.0)
"""The vendor's default shoulder range is +-101 degrees, narrower below than the URDF's -106."""


@dataclass(frozen=True)
class JointLimits:
    """Bounds of the 14-vector: positions (14,), speeds (14,) per second, accelerations (14,) per second squared.

    Arm entries are rad, gripper entries are normalised openings.
    """

    lower: np.ndarray
    upper: np.ndarray
    speed: np.ndarray
    acceleration: np.ndarray

    def __post_init__(self):
        for name in ('lower', 'upper', 'speed', 'acceleration'):
            value = np.array(getattr(self, name), dtype=float)
            if value.shape != (ACTION_DIM,) or not np.isfinite(value).all():
                raise ValueError(f'limits.{name}: expected {ACTION_DIM} finite numbers, got shape {value.shape}')
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        if (self.lower >= self.upper).any() or (self.speed <= 0).any() or (self.acceleration <= 0).any():
            raise ValueError('limits: lower must be below upper, speeds and accelerations positive')

    def within(self, speed, acceleration):
        """These limits, tightened to ``speed`` and ``acceleration``, (14,) each, where those are lower."""
        return replace(self, speed=np.minimum(self.speed, speed), acceleration=np.minimum(self.acceleration, acceleration))


def both_arms(arm, gripper):
    """The 14-vector with ``arm`` (6,) or a scalar for each arm and ``gripper`` for each gripper."""
    vector = np.empty(ACTION_DIM)
    vector[:6] = vector[7:13] = arm
    for side in SIDES:
        vector[GRIPPER_INDEX[side]] = gripper
    return vector


def hardware_limits():
    """The widest envelope a configuration may ask for; it can only be tightened.

    Positions: URDF and vendor limits less ``COMMAND_MARGIN``. Grippers: -0.1..1.1, since the published data
    slightly overshoot 0..1. Speeds: the servos' no-load speed; grippers 5 openings/s. Accelerations 80 rad/s2,
    about what the shoulder motors can give the lightest pose (ours; tightened by ``config/safety.yaml``).
    """
    lower = ARM_LOWER + COMMAND_MARGIN
    lower[1] = max(lower[1], -SHOULDER_VENDOR_LIMIT)
    upper = ARM_UPPER - COMMAND_MARGIN
    return JointLimits(both_arms(lower, -0.1), both_arms(upper, 1.1),
                       both_arms(MAX_ARM_SPEED, 5.0), both_arms(80.0, 200.0))
