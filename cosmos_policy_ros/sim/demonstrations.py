"""Demonstrations: what an expert commanded, or a policy, beside the state and the images that it commanded from."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import CONTROL_PERIOD
from ..embodiment.poses import START
from .cameras import CameraRig
from .disturbances import CommandNoise, begin, displaced_pose
from .experts import make_expert
from .world import World

VARIANTS = ('clean', 'noisy', 'displaced', 'displaced_noisy')

TIME_LIMIT = 24.0
"""s of simulation that an expert gets."""

HELD_ROWS = 10
"""Rows (0.4 s) that a goal state has to last before an episode of a policy counts as a success."""

HOLD_ROWS = 15
"""Rows recorded after the expert is done, in which it holds still."""

NOISE_SCALE = {'plate': (0.01, 0.03), 'transfer': (0.01, 0.03), 'candy': (0.01, 0.03), 'insertion': (0.002, 0.006)}
"""rad rms of the command noise; one scale is drawn for each noisy episode. The peg has 4 mm of clearance."""

ROLLOUT, BRANCH = 'rollout', 'branch'
"""Variants of what a policy played: a whole episode, or one of several chunks tried from the same state."""


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
        return self._episode(seed, variant, states, actions, rows, images, world.success())

    def roll_out(self, policy, task, seed, limit, conditions):
        """Let a policy play an episode and record what it did, success or not.

        Args:
            policy: ``policy(world)`` gives the (14,) command of each row. limit: rows that it gets. conditions: a
                ``Conditions``; its command noise is executed and not recorded.

        Returns:
            Demonstration of variant ``ROLLOUT``. Its last row is where the episode ended, with the last command again:
            the goal state held for ``HELD_ROWS``, or the rows were used up. ``score`` is the task's partial score there.

        Raises SimulationDiverged.
        """
        world, states, actions, rows, images, held = self.world, [], [], [], [], 0
        noise = begin(world, seed, task, conditions)
        while held < HELD_ROWS and len(actions) < limit:
            if len(actions) % self.image_every == 0:
                rows.append(len(actions))
                images.append(self.images())
            states.append(world.state())
            actions.append(policy(world))
            world.command(actions[-1] + noise.next())
            world.advance(CONTROL_PERIOD)
            held = held + 1 if world.success() else 0
        rows.append(len(actions))
        images.append(self.images())
        states.append(world.state())
        actions.append(actions[-1])
        return self._episode(seed, ROLLOUT, states, actions, rows, images, held == HELD_ROWS)

    def branches(self, policy, candidates, task, seed, row, conditions):
        """Let a policy play to a row, then try several chunks from there, each to its end.

        Args:
            policy: as in ``roll_out``, for the rows before. candidates: ``candidates(world)`` gives the (rows, 14) chunks.

        Returns:
            A list of Demonstrations of variant ``BRANCH``, pictures at the first and the last row; ``success`` and ``score``
            of the last one. Empty when the episode succeeded before ``row``.

        Raises SimulationDiverged.
        """
        world, found = self.world, []
        noise = begin(world, seed, task, conditions)
        for _ in range(row):
            world.command(policy(world) + noise.next())
            world.advance(CONTROL_PERIOD)
            if world.success():
                return []
        start, picture, chunks = world.snapshot(), self.images(), candidates(world)
        for chunk in chunks:
            world.restore(start)
            states = []
            for command in chunk:
                states.append(world.state())
                world.command(command)
                world.advance(CONTROL_PERIOD)
            states.append(world.state())
            found.append(self._episode(seed, BRANCH, states, [*chunk, chunk[-1]], [0, len(chunk)],
                                       [picture, self.images()], world.success()))
        return found

    def _episode(self, seed, variant, states, actions, rows, images, success):
        world = self.world
        return Demonstration(world.task.name, world.task.instruction, seed, variant, np.array(states, dtype=np.float32),
                             np.array(actions, dtype=np.float32), np.array(rows, dtype=np.int32), np.array(images),
                             success, world.progress()[0])


def demonstrate(task, seed, variant='clean', image_size=64, supersample=3, image_every=5, prefix=None):
    """One ``Recorder.demonstrate`` in a world of its own; for many, keep a ``Recorder``."""
    recorder = Recorder(World(task), image_size, supersample, image_every)
    try:
        return recorder.demonstrate(task, seed, variant, prefix)
    finally:
        recorder.close()
