"""Demonstrations: what an expert commanded, beside the state and the images that it commanded from."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.cameras import CAMERAS
from ..embodiment.capsules import arm_to_arm
from ..embodiment.joints import ACTION_DIM, ARM_INDICES, CONTROL_PERIOD, SIDES
from ..embodiment.kinematics import end_effector
from ..embodiment.limits import both_arms
from ..embodiment.poses import START
from .cameras import CameraRig
from .experts import make_expert
from .world import World

VARIANTS = ('clean', 'noisy', 'displaced', 'displaced_noisy')

TIME_LIMIT = 24.0
"""s of simulation that an expert gets."""

HOLD_ROWS = 15
"""Rows recorded after the expert is done, in which it holds still."""

NOISE_SCALE = {'plate': (0.01, 0.03), 'transfer': (0.01, 0.03), 'candy': (0.01, 0.03), 'insertion': (0.002, 0.006)}
"""rad rms of the command noise; one scale is drawn for each noisy episode. The peg has 4 mm of clearance."""

_NOISE_TIME = 0.4
"""s, correlation time of the command noise."""

_DISPLACEMENT = both_arms([0.5, 0.3, 0.3, 0.4, 0.4, 0.6], 0.0)


@dataclass(frozen=True)
class Demonstration:
    """One episode at 25 Hz.

    ``state`` and ``images`` of row t are what was there before ``action[t]``, the expert's own command, was executed.

    ``state``, ``action``: (T, 14) float32. ``image_rows``: (K,) int32, ascending, the last row included.
    ``images``: (K, 3, S, S, 3) uint8 RGB, cameras in the order of ``CAMERAS``. ``score``: 0..1.
    """

    task: str
    instruction: str
    seed: int
    variant: str
    state: np.ndarray
    action: np.ndarray
    image_rows: np.ndarray
    images: np.ndarray
    success: bool
    score: float


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


class Recorder:
    """Makes demonstrations in one world with one renderer, both used again for every episode."""

    def __init__(self, world, image_size=64, supersample=3, image_every=5):
        """``image_size``: pixels, rendered ``supersample`` times larger and averaged; ``image_every``: rows."""
        self.world = world
        self.image_size, self.supersample, self.image_every = image_size, supersample, image_every
        self._rig = CameraRig(world)

    def images(self):
        """(3, S, S, 3) uint8 views of the world as it is now."""
        self._rig.capture()
        return np.stack([self._rig.render_small(name, self.image_size, self.supersample) for name in CAMERAS])

    def close(self):
        """Free the renderer."""
        self._rig.close()

    def demonstrate(self, task, seed, variant='clean', prefix=None):
        """Run the task's expert once.

        Args:
            seed: draws the scene and the variant's disturbance.
            variant: one of ``VARIANTS``.
            prefix: None, or (policy, rows): ``policy(world)`` gives the (14,) command of each of the first ``rows``
                rows, which are executed and not recorded; then the expert takes over. Its time limit starts there.

        Returns:
            Demonstration; ``success`` false when the expert did not make it in time.

        Raises SimulationDiverged.
        """
        if variant not in VARIANTS:
            raise ValueError(f'unknown variant {variant!r}: choose one of {", ".join(VARIANTS)}')
        rng = np.random.default_rng([seed, VARIANTS.index(variant)])
        self.world.reset(seed, task, displaced_pose(rng, self.world) if 'displaced' in variant else START)
        noise = CommandNoise(rng, rng.uniform(*NOISE_SCALE[task])) if 'noisy' in variant else None
        for _ in range(prefix[1] if prefix else 0):
            self.world.command(prefix[0](self.world))
            self.world.advance(CONTROL_PERIOD)
        return self.record(seed, variant, noise)

    def record(self, seed, variant, noise=None):
        """Let an expert take over the world as it is now and record it; ``noise``: a ``CommandNoise`` or None.

        ``seed`` and ``variant`` are only noted down. Returns and raises as ``demonstrate``.
        """
        world, states, actions, rows, images = self.world, [], [], [], []
        expert, held, end = make_expert(world), 0, world.time + TIME_LIMIT
        while held < HOLD_ROWS and world.time < end - CONTROL_PERIOD / 2:
            action = expert.act()
            held += expert.done
            last = held == HOLD_ROWS or world.time > end - 1.5 * CONTROL_PERIOD
            if len(actions) % self.image_every == 0 or last:
                rows.append(len(actions))
                images.append(self.images())
            states.append(world.state())
            actions.append(action)
            world.command(action if noise is None else action + noise.next())
            world.advance(CONTROL_PERIOD)
        return Demonstration(world.task.name, world.task.instruction, seed, variant, np.array(states, dtype=np.float32),
                             np.array(actions, dtype=np.float32), np.array(rows, dtype=np.int32), np.array(images),
                             world.success(), world.progress()[0])


def demonstrate(task, seed, variant='clean', image_size=64, supersample=3, image_every=5, prefix=None):
    """One ``Recorder.demonstrate`` in a world of its own; for many, keep a ``Recorder``."""
    recorder = Recorder(World(task), image_size, supersample, image_every)
    try:
        return recorder.demonstrate(task, seed, variant, prefix)
    finally:
        recorder.close()
