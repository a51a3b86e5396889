"""What the servos of an arm report: quantised positions, speeds and currents, and the gripper through its linkage."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.gripper import GripperMap
from .world import SERVO_TICK

SPEED_TICK = 0.229 * 2 * np.pi / 60
"""rad/s of one count of Present_Velocity."""

CURRENT_TICK = 2.69
"""mA of one count of Present_Current."""

# Motor data: XM540-W270 4.4 A at 10.6 N m (two of them at shoulder and elbow), XM430-W350 2.3 A at 4.1 N m.
_MILLIAMPERE_PER_NM = np.array([415, 208, 208, 415, 415, 560])
_MILLIAMPERE_PER_NEWTON = 15.0  # gripper: the XM430 through its crank, per newton at one finger (estimate)


@dataclass(frozen=True)
class Gear:
    """Gripper angles in a driver's convention (``own``) and in its world's: equal openings are equal actions."""

    own: GripperMap
    world: GripperMap

    def reported(self, angle):
        """Own angle (rad) of one of the world's."""
        return angle if self.own is self.world else self.own.joint_from_action(self.world.action_from_joint(angle))

    def commanded(self, angle):
        """The world's angle (rad) of an own one."""
        return angle if self.own is self.world else self.world.joint_from_action(self.own.action_from_joint(angle))

    @property
    def ratio(self):
        """Own rad for one rad of the world's."""
        return (self.own.joint_open - self.own.joint_close) / (self.world.joint_open - self.world.joint_close)


def motor_readings(world, side, gear, current_limit):
    """(position rad, velocity rad/s, effort mA) of the seven motors of one arm, each (7,).

    ``current_limit``: counts, of the gripper.
    """
    force = world.servo_force(side)
    position = _quantise(np.append(world.joints(side), gear.reported(world.gripper_angle(side))), SERVO_TICK)
    speeds = np.append(world.joint_speeds(side), world.gripper_speed(side) * gear.ratio)
    effort = _quantise(force * np.append(_MILLIAMPERE_PER_NM, _MILLIAMPERE_PER_NEWTON), CURRENT_TICK)
    effort[6] = np.clip(effort[6], -current_limit * CURRENT_TICK, current_limit * CURRENT_TICK)
    return position, _quantise(speeds, SPEED_TICK), effort


def _quantise(values, tick):
    return np.round(values / tick) * tick
