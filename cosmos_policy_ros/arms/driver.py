"""What an arm's driver can be asked: the seam between bring-up and whatever talks to the motors."""
from dataclasses import dataclass
from typing import Protocol

MODE_NUMBERS = {'current': 0, 'velocity': 1, 'position': 3, 'linear_position': 3, 'ext_position': 4,
                'current_based_position': 5, 'pwm': 16}
"""Value of the register ``Operating_Mode`` by the driver's name of the mode (Dynamixel X series; ``linear_position`` is the
driver's own, in metres, on top of 3)."""


class ArmError(Exception):
    """An arm cannot do what was asked; the message says which arm, what it was, and what to do next."""


class DriverAbsent(ArmError):
    """Nobody serves the driver's services."""


class DriverTimeout(ArmError):
    """The driver has not answered in time. Whether it acted is unknown."""


class NotTaken(ArmError):
    """A write was answered, but reads back as something else: the driver never says that it refused."""


@dataclass(frozen=True)
class Target:
    """Whom a call is for: ``kind`` 'group' or 'single', and the driver's name of the group or the motor."""

    kind: str
    name: str

    def __str__(self):
        return f'{self.kind} {self.name}'


@dataclass(frozen=True)
class Profile:
    """Motion profile of the servos: ``velocity`` 0.229 rpm and ``acceleration`` 214.577 rev/min2 a count, 0 unlimited; of
    the kind 'time' they are ms. Lost with every reboot."""

    kind: str
    velocity: int
    acceleration: int


@dataclass(frozen=True)
class Gains:
    """Position gains as the register values ``Position_P_Gain``, ``Position_I_Gain``, ``Position_D_Gain``."""

    p: int
    i: int
    d: int


@dataclass(frozen=True)
class RobotInfo:
    """What the driver says of a group or a motor; limits in rad, of a gripper in m of one finger. All empty: unknown name."""

    mode: str
    profile_type: str
    joint_names: tuple
    lower: tuple
    upper: tuple


class ArmDriver(Protocol):
    """One arm's driver. The calls are those of Interbotix ``xs_sdk``, which reports no success of a write: see ``Arm``.

    ``name`` is the arm's namespace. Every call ends within ``limit`` s, with an answer or an ``ArmError``.
    While it lasts the driver publishes no joint states, so nobody may have the arms meanwhile.
    """

    name: str

    def robot_info(self, target, limit):
        """``RobotInfo`` of a target."""

    def get_registers(self, target, item, limit):
        """Values (tuple of int), one for each motor of the target; empty for an unknown target or item."""

    def set_registers(self, target, item, value, limit):
        """Write a control item; names are case-sensitive, and unknown ones are ignored in silence."""

    def set_operating_modes(self, target, mode, profile, limit):
        """Change mode and ``Profile``; may drop torque for a moment, and always ends with torque on."""

    def set_torque(self, target, enable, limit):
        """Torque on, and the motors chase the goal that they last had; off, and the arm falls."""

    def set_gains(self, target, gains, limit):
        """Write position ``Gains``."""

    def reboot(self, target, enable, limit):
        """Restart motors one by one, 1 s each, limp meanwhile; ``enable`` switches torque on afterwards."""
