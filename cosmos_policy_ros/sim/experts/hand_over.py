"""The right hand picks the cube and passes it to the left hand in mid-air."""
import numpy as np

from ...embodiment.inverse_kinematics import pose_of, rotation
from ...embodiment.joints import Side
from ...embodiment.poses import START_ARM
from .expert import Expert, facing
from .table_grasp import clear_of_table, pick

MEETING_POINT = np.array([0.0, 0.0, 0.25])
"""m: where the cube changes hands."""

_RIGHT_HAND = facing(np.pi, 0.0)
# The left hand meets it a quarter turn rolled, so that its pads take the two faces that the right one leaves free.
_LEFT_HAND = facing(0.0, 0.0) @ rotation(0, np.pi / 2)
_STAND_OFF = np.array([0.10, 0.0, 0.0])


class HandOver(Expert):
    """Both hands meet at ``MEETING_POINT``, pointing at each other."""

    def stage(self):
        left, right = (self.world.holds('cube', side) for side in (Side.LEFT, Side.RIGHT))
        if self.world.success():
            self.done = True
        elif left:
            yield from self._withdraw_right()
        elif right:
            yield from self._meet()
        else:
            self.release(Side.LEFT)
            yield from pick(self, Side.RIGHT, 'cube', np.pi / 2, {Side.LEFT: START_ARM})

    def _meet(self):
        yield from self.close_on({Side.RIGHT: 'cube'})
        held = self.still_held('cube', Side.RIGHT)
        right = pose_of(_RIGHT_HAND, MEETING_POINT - _RIGHT_HAND @ self.in_hand('cube', Side.RIGHT)[:3, 3])
        yield from clear_of_table(self, Side.RIGHT, right)
        self.release(Side.LEFT)
        left = pose_of(_LEFT_HAND, MEETING_POINT - _STAND_OFF)
        if not (self.near(Side.RIGHT, right, 0.03, 0.3) and self.near(Side.LEFT, left, 0.04, 0.3)):
            yield from self.reach({Side.RIGHT: right, Side.LEFT: left}, check=held)
        yield from self.open_for(Side.LEFT)
        yield from self.wait(0.12)
        cube = self.world.pose('cube')[:3, 3].copy()
        yield from self.slide({Side.LEFT: pose_of(_LEFT_HAND, cube)}, check=held)
        yield from self.wait(0.08)
        yield from self.close_on({Side.LEFT: 'cube'})

    def _withdraw_right(self):
        held = self.still_held('cube', Side.LEFT)
        yield from self.close_on({Side.LEFT: 'cube'})
        yield from self.open_for(Side.RIGHT)
        back = self.hand(Side.RIGHT)
        if np.linalg.norm(back[:3, 3] - self.world.pose('cube')[:3, 3]) < 0.08:
            back[:3, 3] -= 0.08 * back[:3, 0]
            yield from self.slide({Side.RIGHT: back}, check=held)
        if self.world.pose('cube')[2, 3] < 0.14:
            yield from self.slide({Side.LEFT: self.raised(Side.LEFT, MEETING_POINT[2])}, check=held)
        yield from self.wait(0.12)
