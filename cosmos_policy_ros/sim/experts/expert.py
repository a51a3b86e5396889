"""What all experts share: they look at the world, choose a stage, run it row by row, and look again.

An expert knows the exact poses of the objects. A stage is a generator of commands, one every 40 ms; when what it relied
on no longer holds (the object slipped or moved) it raises ``Replan`` and the expert looks again. Since a stage starts
from whatever the world is like, an expert can take over from anybody at any moment.
"""
import numpy as np

from ...embodiment.inverse_kinematics import Unreachable, pose_of, rotation, solvers
from ...embodiment.joints import ARM_SLICE, CONTROL_PERIOD, GRIPPER_INDEX, SIDES
from ...embodiment.limits import both_arms
from ..scene import PAD_FACE, SERVOS
from .motion import ARM_SPEED, JointPath

MAX_ARM_STEP, MAX_GRIPPER_STEP = 0.112, 0.09
"""Largest change of a command entry in one row: rad, normalised opening."""

CLOSED = 0.1
"""Gripper command that squeezes whatever is between the pads."""

OPEN_GAP = 0.064
"""m between the pads of an open gripper."""

_MAX_STEP = both_arms(MAX_ARM_STEP, MAX_GRIPPER_STEP)
_STIFFNESS = np.array([servo.stiffness for servo in SERVOS])
_LAG = np.array([servo.damping / servo.stiffness for servo in SERVOS])


class Replan(Exception):
    """The stage's premise no longer holds."""


def facing(yaw, pitch):
    """(3, 3) hand that points along ``yaw`` (rad about z from x), pitched down by ``pitch`` rad, opening sideways."""
    return rotation(2, yaw) @ rotation(1, pitch)


def fold(angle, period, centre=0.0):
    """``angle`` modulo ``period`` (rad), within half a period of ``centre``."""
    return centre + (angle - centre + period / 2) % period - period / 2


class Expert:
    """Base of the experts; a subclass implements ``stage``.

    ``act()`` gives the (14,) command for the next 40 ms; the caller executes it, or something near it, and advances the
    world. ``done`` turns true when the task has succeeded and the hands are clear; ``act`` then holds still.
    ``setbacks`` lists in words why stages were given up so far.
    """

    def __init__(self, world):
        self.world = world
        self.arms = solvers(world.cell)
        self.done = False
        self.setbacks = []
        self._command = command = world.commanded()
        self._grip = {side: command[GRIPPER_INDEX[side]] for side in SIDES}
        self._goal = dict(self._grip)
        self._joints = {side: command[ARM_SLICE[side]] - world.bias_torque(side) / _STIFFNESS for side in SIDES}
        self._rows = self._run()

    def act(self):
        """(14,) command for the next row: rad, grippers normalised."""
        self._command = np.clip(next(self._rows), self._command - _MAX_STEP, self._command + _MAX_STEP)
        return self._command.copy()

    def stage(self):
        """Generator of the rows of one stage, chosen from the world as it is now. Returns when it ends."""
        raise NotImplementedError

    def _run(self):
        while not self.done:
            try:
                yield from self.stage()
            except (Replan, Unreachable) as why:
                self.setbacks.append(str(why))
                yield from self.wait(0.2)
        while True:
            yield self._row({})

    def open_action(self, gap):
        """Gripper command for a distance of ``gap`` m between the pads."""
        gripper = self.world.gripper_map
        return float(gripper.action_from_joint(gripper.joint_from_finger(PAD_FACE + gap / 2)))

    def grip(self, side, action):
        """Let the gripper of ``side`` move to ``action`` during the rows that follow."""
        self._goal[side] = action

    def _row(self, speeds):
        """The command for the planned joints moving at ``speeds`` {side: (6,) rad/s}.

        Adds what a proportional servo needs to be there: the offset that holds gravity and the one that makes up lag.
        """
        command = np.empty(14)
        for side in SIDES:
            offset = self.world.bias_torque(side) / _STIFFNESS
            if side in speeds:
                offset = offset + _LAG * speeds[side]
            command[ARM_SLICE[side]] = self._joints[side] + offset
            self._grip[side] += np.clip(self._goal[side] - self._grip[side], -MAX_GRIPPER_STEP, MAX_GRIPPER_STEP)
            command[GRIPPER_INDEX[side]] = self._grip[side]
        return command

    def wait(self, seconds):
        """Rows that hold the arms still while the grippers move."""
        for _ in range(round(seconds / CONTROL_PERIOD)):
            yield self._row({})

    def follow(self, knots, speed=1.0, check=None):
        """Rows along ``knots`` {side: (N, 6) rad}; arms end together. ``check()`` runs every row and may raise."""
        paths = {side: JointPath(np.vstack([self._joints[side], way]), ARM_SPEED * speed)
                 for side, way in knots.items()}
        stretch = max(path.duration for path in paths.values())
        for path in paths.values():
            path.duration = stretch
        for row in range(1, int(np.ceil(stretch / CONTROL_PERIOD)) + 1):
            if check is not None:
                check()
            speeds = {}
            for side, path in paths.items():
                self._joints[side], speeds[side] = path.at(row * CONTROL_PERIOD)
            yield self._row(speeds)

    def reach(self, poses, speed=1.0, check=None):
        """Rows to ``poses`` {side: (4, 4) pose of the grasp point, or (6,) joints}, straight in joint space."""
        goals = {side: pose if np.shape(pose) == (6,) else self.arms[side].solve(pose) for side, pose in poses.items()}
        yield from self.follow({side: goal[None] for side, goal in goals.items()}, speed, check)

    def slide(self, poses, speed=0.6, check=None):
        """Rows that move hands straight in space to ``poses`` {side: (4, 4)}, turning evenly on the way."""
        yield from self.follow({side: self._straight(side, pose) for side, pose in poses.items()}, speed, check)

    def _straight(self, side, pose, knots=8):
        start, near, way = self.hand(side), self._joints[side], []
        for s in np.linspace(0, 1, knots + 1)[1:]:
            turn = nearest_rotation((1 - s) * start[:3, :3] + s * pose[:3, :3])
            near = self.arms[side].solve(pose_of(turn, (1 - s) * start[:3, 3] + s * pose[:3, 3]), near)
            way.append(near)
        return np.array(way)

    def hand(self, side):
        """(4, 4) pose of the grasp point for the planned joints."""
        return self.arms[side].forward(self._joints[side])

    def near(self, side, pose, distance, angle):
        """Whether the planned hand is within ``distance`` m and ``angle`` rad of ``pose`` (4, 4)."""
        hand = self.hand(side)
        turn = np.arccos(np.clip((np.trace(hand[:3, :3].T @ pose[:3, :3]) - 1) / 2, -1, 1))
        return np.linalg.norm(hand[:3, 3] - pose[:3, 3]) < distance and turn < angle

    def raised(self, side, height):
        """The hand's pose lifted so that the grasp point is at least ``height`` m above the table."""
        pose = self.hand(side).copy()
        pose[2, 3] = max(pose[2, 3], height)
        return pose

    def in_hand(self, body, side):
        """(4, 4) pose of a held body in the frame of the grasp point, as the world has it."""
        gripper = self.world.pose(f'{side.value}_gripper')
        gripper[:3, 3] = self.world.grasp_point(side)
        return np.linalg.inv(gripper) @ self.world.pose(body)

    def in_planned_hand(self, body, side):
        """The same in the frame of the planned hand; at rest, moving by it also takes out the servos' error."""
        return np.linalg.inv(self.hand(side)) @ self.world.pose(body)

    def still_held(self, body, side, patience=4):
        """A check for ``follow`` that raises Replan once the body was out of the hand for ``patience`` rows."""
        lost = 0

        def check():
            nonlocal lost
            lost = 0 if self.world.holds(body, side) else lost + 1
            if lost >= patience:
                raise Replan(f'{body} slipped from the {side.value} hand')
        return check

    def still_there(self, body, tolerance=0.012):
        """A check for ``follow`` that raises Replan when the body has moved by more than ``tolerance`` m."""
        seen = self.world.pose(body)[:3, 3]

        def check():
            if np.linalg.norm(self.world.pose(body)[:3, 3] - seen) > tolerance:
                raise Replan(f'{body} moved')
        return check

    def close_on(self, bodies):
        """Rows that close hands on ``bodies`` {side: name}; Replan when one of them then holds nothing."""
        for side in bodies:
            self.grip(side, CLOSED)
        for row in range(20):
            yield self._row({})
            still = all(abs(self.world.finger_speed(side)) < 0.002 for side in bodies)
            if row > 4 and still and all(self.world.holds(body, side) for side, body in bodies.items()):
                return
        raise Replan(f'a hand closed on nothing: {bodies}')

    def release(self, side):
        """Let the hand of ``side`` open during the rows that follow."""
        self.grip(side, self.open_action(OPEN_GAP))

    def open_for(self, *sides):
        """Rows until the hands of ``sides`` have opened."""
        for side in sides:
            self.release(side)
        for _ in range(25):
            if all(2 * (self.world.finger(side) - PAD_FACE) > OPEN_GAP - 0.006 for side in sides):
                return
            yield self._row({})


def nearest_rotation(matrix):
    """The rotation nearest to a (3, 3) matrix."""
    u, _, v = np.linalg.svd(matrix)
    return u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
