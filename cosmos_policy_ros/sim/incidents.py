"""What may happen in the middle of an episode: an object is moved, a camera is covered, an arm is pushed."""
from enum import Enum

import numpy as np

from ..embodiment.joints import SIDES

MOVED = (0.06, 0.12)
"""m by which an object is moved."""

TABLE_LOWER, TABLE_UPPER = (0.02, -0.12), (0.28, 0.18)
"""m, where a moved object may come to lie: where both tasks of the shipped checkpoint have theirs."""

APART, AWAY = 0.12, 0.10
"""m between a moved object and the others, and to each hand at its new place."""

LYING = 0.04
"""m of height below which an object lies on the table."""

PUSH, PUSH_TIME = 60.0, 0.4
"""N at a gripper and s."""

COVER_GREY = 25
"""Grey level of a covered camera's pictures."""


class Kind(Enum):
    """What happens; the value is its name in tables."""

    OBJECT = 'object moved'
    CAMERA = 'camera covered'
    ARM = 'arm pushed'


class Incident:
    """One incident in a ``World``; everything about it is drawn from a seed.

    ``happened``: s of simulation at which it began, None before. ``covered``: camera that shows nothing from then on, or ''.

    Args:
        kind: ``Kind``. seed: draws place, direction and arm. cameras: names to choose from.
    """

    def __init__(self, kind, seed, cameras):
        self.kind, self.happened, self.covered = kind, None, ''
        self._rng = np.random.default_rng((seed, len(Kind)))
        self._camera = str(self._rng.choice(cameras))
        self._gripper = f'{self._rng.choice([side.value for side in SIDES])}_gripper'
        turn = self._rng.uniform(0, 2 * np.pi)
        self._force = PUSH * np.array([np.cos(turn), np.sin(turn), 0.0])

    def act(self, world):
        """Begin as soon as it can happen, and go on; to be called before every step of the world."""
        if self.happened is None:
            begun = self.kind is not Kind.OBJECT or self._move(world)
            self.happened = world.time if begun else None
            self.covered = self._camera if self.kind is Kind.CAMERA else ''
        elif self.kind is Kind.ARM and world.time >= self.happened + PUSH_TIME:
            self._push(world, np.zeros(3))
            return
        if self.kind is Kind.ARM:
            self._push(world, self._force)

    def picture(self, camera, image):
        """What a camera shows in place of ``image`` (h, w, 3)."""
        return np.full_like(image, COVER_GREY) if camera == self.covered else image

    def _push(self, world, force):
        world.data.body(self._gripper).xfrc_applied[:3] = force

    def _move(self, world):
        """Whether the task's first object was moved: it has to lie free, and a place has to be found."""
        name, *others = world.task.start(np.random.default_rng(0))
        place = world.pose(name)[:3, 3]
        if place[2] > LYING or any(world.touch(name, side).any() for side in SIDES):
            return False
        hands = [world.grasp_point(side)[:2] for side in SIDES]
        rest = [world.pose(other)[:2, 3] for other in others]
        turn, distance = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(*MOVED)
        goal = place[:2] + distance * np.array([np.cos(turn), np.sin(turn)])
        free = all(np.linalg.norm(goal - hand) > AWAY for hand in hands) and all(
            np.linalg.norm(goal - other) > APART for other in rest)
        if not free or (goal < TABLE_LOWER).any() or (goal > TABLE_UPPER).any():
            return False
        world.place(name, (*goal, place[2]), self._rng.uniform(-np.pi, np.pi))
        return True
