"""The gripper's three units: normalised opening, motor angle (rad) and finger distance (m).

Actions are linear in the motor angle, observations linear in the finger distance, so an action of 0.5 is read back as
about 0.53 even at rest. Sources: tonyzhaozh/aloha ``constants.py``; Interbotix driver, crank formula.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GripperMap:
    """One convention of constants and one crank linkage.

    ``joint_close``/``joint_open``: motor angle (rad) of actions 0 and 1. ``finger_close``/``finger_open``: finger
    distance (m) of observations 0 and 1. ``horn``/``arm``: crank radius and connecting rod (m).
    """

    joint_close: float
    joint_open: float
    finger_close: float
    finger_open: float
    horn: float
    arm: float

    def joint_from_action(self, action):
        """Motor angle (rad) of a normalised command; not clamped."""
        return self.joint_close + action * (self.joint_open - self.joint_close)

    def action_from_joint(self, joint):
        """Normalised command of a motor angle (rad)."""
        return (joint - self.joint_close) / (self.joint_open - self.joint_close)

    def finger_from_joint(self, joint):
        """Finger distance (m) of a motor angle (rad): r sin(a) + sqrt(L^2 - r^2 cos^2(a))."""
        return self.horn * np.sin(joint) + np.sqrt(self.arm ** 2 - (self.horn * np.cos(joint)) ** 2)

    def joint_from_finger(self, finger):
        """Motor angle (rad) of a finger distance (m), on the branch -pi/2..pi/2 on which the fingers open."""
        sine = (finger ** 2 + self.horn ** 2 - self.arm ** 2) / (2 * self.horn * finger)
        return np.arcsin(np.clip(sine, -1.0, 1.0))

    def observation_from_finger(self, finger):
        """Normalised observation of a finger distance (m)."""
        return (finger - self.finger_close) / (self.finger_open - self.finger_close)

    def finger_from_observation(self, observation):
        """Finger distance (m) of a normalised observation."""
        return self.finger_close + observation * (self.finger_open - self.finger_close)


GRIPPER_MAPS = {
    # The constants behind the published ALOHA data, with the stock vx300s linkage.
    'ros1': GripperMap(-0.6213, 1.4910, 0.01844, 0.05800, 0.022, 0.036),
    # Interbotix/aloha main: newer constants, and the linkage of the aloha_vx300s motor file that it launches.
    'interbotix_main': GripperMap(0.6197, 1.6214, 0.0440, 0.0579, 0.0275, 0.035),
}

LEADER_GRIPPER_MAPS = {
    # LEADER_GRIPPER_* of the same sources, with the wx250s linkage.
    'ros1': GripperMap(-0.6842, 0.3083, 0.01244, 0.02417, 0.014, 0.024),
    'interbotix_main': GripperMap(-0.0552, 0.8298, 0.0185, 0.0323, 0.020, 0.020),
}
