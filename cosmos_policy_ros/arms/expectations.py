"""What a healthy, prepared arm answers."""
from dataclasses import dataclass

from .driver import Gains, Profile


@dataclass(frozen=True)
class Expectations:
    """Values that the start-up checks compare with and ``prepare`` writes.

    ``state_rate`` Hz over ``state_window`` s. ``temperature_limit`` degrees Celsius that no motor reaches.
    ``gripper_current_limit`` counts of 2.69 mA. ``gripper_maps``: of the robot's file and of the safety configuration.
    """

    state_rate: float
    state_window: float
    temperature_limit: int
    arm_mode: str
    gripper_mode: str
    profile: Profile
    gains: Gains
    gripper_current_limit: int
    gripper_maps: tuple

    def mode(self, arm, target):
        """Mode that a target of an ``Arm`` has to be in."""
        return self.gripper_mode if target == arm.gripper else self.arm_mode
