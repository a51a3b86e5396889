"""What makes an episode harder than its task: noise on the commands, displaced arms, cameras out of place."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.capsules import arm_to_arm
from ..embodiment.joints import ACTION_DIM, ARM_INDICES, CONTROL_PERIOD, SIDES
from ..embodiment.kinematics import end_effector
from ..embodiment.limits import both_arms
from ..embodiment.poses import START

_NOISE_TIME = 0.4
"""s, correlation time of the command noise."""

_DISPLACEMENT = both_arms([0.5, 0.3, 0.3, 0.4, 0.4, 0.6], 0.0)


@dataclass(frozen=True)
class Conditions:
    """How an episode differs from its task's own start.

    noise: rad rms of the disturbance that is executed on top of every arm command. displaced: the arms start from a
    random legal pose in place of ``START``. camera_shift, camera_turn: m and rad, standard deviation of each
    coordinate of the cameras' place and of each axis of their turn, drawn once an episode.
    """

    noise: float = 0.0
    displaced: bool = False
    camera_shift: float = 0.0
    camera_turn: float = 0.0


CONDITIONS = {
    'standard': Conditions(),
    'pushed': Conditions(noise=0.03),
    'displaced': Conditions(displaced=True),
    'cameras': Conditions(camera_shift=0.01, camera_turn=0.02),
    'hard': Conditions(noise=0.02, displaced=True),
}
"""By the names that commands take."""


def begin(world, seed, task, conditions):
    """Reset ``world`` to an episode under ``conditions``, all drawn from ``seed``; the ``CommandNoise`` to play it with.

    The objects lie as in the undisturbed episode of the seed.
    """
    rng = np.random.default_rng([seed, 2 ** 16])
    world.reset(seed, task, displaced_pose(rng, world) if conditions.displaced else START)
    world.move_cameras(rng, conditions.camera_shift, conditions.camera_turn)
    return CommandNoise(rng, conditions.noise)


class CommandNoise:
    """Time-correlated disturbance of the arm commands (Ornstein-Uhlenbeck), ``scale`` rad rms; grippers stay clean."""

    def __init__(self, rng, scale):
        self._rng, self._scale = rng, scale
        self._keep = np.exp(-CONTROL_PERIOD / _NOISE_TIME)
        self._value = np.zeros(ACTION_DIM)

    def next(self):
        """(14,) rad to add to the next command."""
        kick = np.zeros(ACTION_DIM)
        kick[list(ARM_INDICES)] = self._rng.normal(size=len(ARM_INDICES))
        self._value = self._keep * self._value + np.sqrt(1 - self._keep ** 2) * self._scale * kick
        return self._value


def displaced_pose(rng, world):
    """(14,) a random legal start: near ``START``, hands over their own half and above the table, arms well apart."""
    while True:
        pose = START + rng.uniform(-1, 1, ACTION_DIM) * _DISPLACEMENT
        pose[[6, 13]] = rng.uniform(START[6], 0.9, 2)
        hands = [end_effector(pose[7 * i:7 * i + 6], world.cell.base(side))[:3, 3] for i, side in enumerate(SIDES)]
        legal = hands[0][0] < -0.03 and hands[1][0] > 0.03 and min(hand[2] for hand in hands) > 0.16
        if legal and arm_to_arm(pose, world.cell, world.gripper_map).min() > 0.05:
            return pose
