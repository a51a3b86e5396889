"""One hand takes a thing off the table and lets go of it over its goal: duck on plate, candy in bowl."""
from dataclasses import dataclass

import numpy as np

from ...embodiment.joints import Side
from ...embodiment.poses import START_ARM
from .expert import Expert
from .table_grasp import TRAVEL_HEIGHT, above, clear_of_table, pick, top_down


@dataclass(frozen=True)
class Placement:
    """``body`` goes to ``goal``; its centre is let go ``height`` m above the goal's origin, coming down from
    ``approach`` m higher.

    ``near``: m, horizontal distance to the goal at which the body counts as placed once let go.
    """

    body: str
    goal: str
    height: float
    approach: float
    near: float


DUCK_ON_PLATE = Placement('duck', 'plate', height=0.029, approach=0.06, near=0.05)
CANDY_IN_BOWL = Placement('candy', 'bowl', height=0.070, approach=0.03, near=0.02)


class PickAndPlace(Expert):
    """The right arm picks and places; the left waits in its start pose."""

    def __init__(self, world, placement):
        self.placement = placement
        super().__init__(world)

    def stage(self):
        if self.world.success():
            self.done = True
        elif self.world.holds(self.placement.body, Side.RIGHT):
            yield from self._place()
        elif self.world.touch(self.placement.body, Side.RIGHT).any() and self._placed():
            yield from self._let_go()
        else:
            yield from pick(self, Side.RIGHT, self.placement.body, np.pi, {Side.LEFT: START_ARM})

    def _placed(self):
        body, goal = self.world.pose(self.placement.body), self.world.pose(self.placement.goal)
        low = body[2, 3] - goal[2, 3] < self.placement.height + 0.01
        return low and np.linalg.norm(body[:2, 3] - goal[:2, 3]) < self.placement.near

    def _place(self):
        body, goal = self.placement.body, self.world.pose(self.placement.goal)[:3, 3].copy()
        yield from self.close_on({Side.RIGHT: body})
        carried = self.in_hand(body, Side.RIGHT)[:3, 3]
        goal[2] += self.placement.height
        hand = top_down(self, Side.RIGHT, goal)
        hand[:3, 3] -= hand[:3, :3] @ carried
        held = self.still_held(body, Side.RIGHT)
        yield from clear_of_table(self, Side.RIGHT, hand)
        yield from self.reach({Side.RIGHT: above(hand, self.placement.approach), Side.LEFT: START_ARM}, check=held)
        yield from self.slide({Side.RIGHT: hand}, check=held)
        yield from self.wait(0.12)
        yield from self._let_go()

    def _let_go(self):
        yield from self.open_for(Side.RIGHT)
        yield from self.slide({Side.RIGHT: self.raised(Side.RIGHT, TRAVEL_HEIGHT)})
        yield from self.wait(0.2)
