"""Each hand picks its part, then the right hand pushes the peg into the socket that the left one holds."""
import numpy as np

from ...embodiment.inverse_kinematics import pose_of, rotation
from ...embodiment.joints import Side
from .expert import Expert, Replan, facing, fold
from .table_grasp import LOWEST_GRASP, TRAVEL_HEIGHT

PARTS = {Side.LEFT: 'socket', Side.RIGHT: 'peg'}

SOCKET_AT = np.array([-0.075, 0.03, 0.17])
"""m: where the left hand holds the socket's centre, its axis along x."""

APART, INSERTED = 0.150, 0.072
"""m between the centres of peg and socket before and after the insertion; they touch at 0.120."""

_PITCH = np.deg2rad(50.0)  # steeper, and the two wrist cameras would meet
_HEADING = {Side.LEFT: 0.0, Side.RIGHT: np.pi}
_OUTWARDS = 0.012
_STAND_OFF = 0.09
_LATERAL_ERROR = 0.0035


class Insertion(Expert):
    """Both hands lean back from each other by the same pitch and hold their part at its outer half."""

    def stage(self):
        missing = [side for side, part in PARTS.items() if not self.world.holds(part, side)]
        if self.world.success():
            self.done = True
        elif missing:
            yield from self._pick(missing)
        else:
            yield from self._insert()

    def _grasp(self, side):
        """(4, 4) pose of the hand that takes its part from where it lies."""
        part = self.world.pose(PARTS[side])
        heading = _HEADING[side]
        along = part[:3, 0] * np.sign(part[:3, 0] @ [np.cos(heading), np.sin(heading), 0])
        yaw = fold(np.arctan2(along[1], along[0]), 2 * np.pi, heading)
        position = part[:3, 3] - _OUTWARDS * along
        position[2] = max(position[2] + 0.004, LOWEST_GRASP)
        return pose_of(facing(yaw, _PITCH), position)

    def _pick(self, sides):
        for side in sides:
            self.release(side)
        grasps = {side: self._grasp(side) for side in sides}
        before = {side: _back(grasp, _STAND_OFF) for side, grasp in grasps.items()}
        check = _all(*(self.still_there(PARTS[side]) for side in sides),
                     *(self.still_held(part, side) for side, part in PARTS.items() if side not in sides))
        low = {side: self.raised(side, TRAVEL_HEIGHT) for side in sides
               if self.hand(side)[2, 3] < TRAVEL_HEIGHT - 0.02
               and np.linalg.norm(self.hand(side)[:3, 3] - before[side][:3, 3]) > 0.06}
        if low:
            yield from self.slide(low, speed=0.8)
        yield from self.reach(before, check=check)
        yield from self.open_for(*sides)
        yield from self.slide(grasps, check=check)
        yield from self.wait(0.08)
        yield from self.close_on({side: PARTS[side] for side in sides})
        raised = {side: self.raised(side, TRAVEL_HEIGHT + 0.03) for side in sides}
        yield from self.slide(raised, check=self._held(sides))

    def _held(self, sides):
        return _all(*(self.still_held(PARTS[side], side) for side in sides))

    def _insert(self):
        held = self._held(PARTS)
        yield from self.close_on(PARTS)
        socket = pose_of(self._squared('socket'), SOCKET_AT)
        peg = pose_of(self._squared('peg'), SOCKET_AT + [APART, 0, 0])
        if not self._begun():
            low = {side: self.raised(side, TRAVEL_HEIGHT) for side in PARTS
                   if self.hand(side)[2, 3] < TRAVEL_HEIGHT - 0.02}
            if low:
                yield from self.slide(low, check=held)
            yield from self.reach({Side.LEFT: socket @ np.linalg.inv(self.in_hand('socket', Side.LEFT)),
                                   Side.RIGHT: peg @ np.linalg.inv(self.in_hand('peg', Side.RIGHT))}, check=held)
            yield from self.wait(0.2)
            yield from self._bring_peg(APART, held)
            yield from self.wait(0.2)
            if np.hypot(*self._offset()[1:]) > _LATERAL_ERROR:
                raise Replan('the peg is not in line with the socket')
        yield from self._bring_peg(INSERTED, held)
        yield from self.wait(0.2)

    def _bring_peg(self, distance, held):
        """Rows that move the peg in line with the socket, its centre ``distance`` m from the socket's."""
        socket = self.world.pose('socket')
        axis = socket[:3, 0] * np.sign(socket[0, 0])
        peg = self.world.pose('peg')
        turn = _nearest_symmetric(socket[:3, :3], peg[:3, :3])
        target = pose_of(turn, socket[:3, 3] + distance * axis)
        yield from self.slide({Side.RIGHT: target @ np.linalg.inv(self.in_planned_hand('peg', Side.RIGHT))}, 0.5, held)

    def _offset(self):
        """(3,) m: the peg's centre in the socket's frame."""
        socket = self.world.pose('socket')
        return socket[:3, :3].T @ (self.world.pose('peg')[:3, 3] - socket[:3, 3])

    def _begun(self):
        along, aside, up = self._offset()
        return abs(along) < 0.118 and np.hypot(aside, up) < 0.006

    def _squared(self, body):
        """(3, 3) orientation with the body's axis along the cell's x, turned as little as its symmetry allows."""
        return _nearest_symmetric(np.eye(3), self.world.pose(body)[:3, :3])


def _nearest_symmetric(frame, current):
    """Of the eight orientations of a square bar along the x axis of ``frame``, the one nearest to ``current``."""
    options = [frame @ rotation(2, half * np.pi) @ rotation(0, quarter * np.pi / 2)
               for half in range(2) for quarter in range(4)]
    return max(options, key=lambda option: np.trace(option.T @ current))


def _all(*checks):
    """One check for ``follow`` out of several."""
    def check():
        for each in checks:
            each()
    return check


def _back(pose, distance):
    """The pose moved back along its own approach direction by ``distance`` m."""
    moved = pose.copy()
    moved[:3, 3] -= distance * pose[:3, 0]
    return moved
