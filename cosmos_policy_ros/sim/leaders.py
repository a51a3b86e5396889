"""The two leader arms in motion: kinematic, each joint a first-order servo, with whoever holds them in hand.

They offer an ``ArmDriver`` what a ``World`` offers it. Nothing they do reaches the world: followers are moved by
whoever reads the leaders' joint states.
"""
import numpy as np

from ..embodiment.joints import GRIPPER_INDEX, SIDES
from ..embodiment.limits import MAX_ARM_SPEED
from ..embodiment.poses import START
from .arm_models import LEADER
from .scene import SERVOS
from .world import SERVO_TICK

LAG = 0.1
"""s, of a servo behind its goal."""

SAG = 0.5
"""s, time constant of an arm without torque that nobody holds, towards where it comes to rest."""

REST_GRIPPER = 0.5
"""Opening of a leader's gripper that nobody touches; a spring keeps it half open."""


class LeaderArms:
    """Both leaders.

    Args:
        world: whose clock they follow. convention: of the gripper constants, a key of ``ArmModel.grippers``.
        operator: holds them while they have no torque: ``held(side)`` gives (7,) rad, arm and gripper motor, or None
            for hands off.
    """

    def __init__(self, world, convention='ros1', operator=None):
        self._world, self._operator = world, operator
        self.gripper_map = LEADER.grippers[convention]
        self._lower, self._upper = (np.append(limit, sign * np.pi) for limit, sign in
                                    ((LEADER.lower, -1), (LEADER.upper, 1)))
        self.rest = np.clip(np.append(LEADER.sleep, self.gripper_map.joint_from_action(REST_GRIPPER)),
                            self._lower, self._upper)
        self.reset()

    def reset(self):
        """Where they lie untouched, or in the operator's hands; to be called after a reset of the world."""
        self._gain = {side: np.zeros(7) for side in SIDES}
        self._speed = {side: np.zeros(7) for side in SIDES}
        self._position = {side: self._by_hand(side, self.rest).copy() for side in SIDES}
        self._goal = {side: self._position[side].copy() for side in SIDES}

    def _by_hand(self, side, otherwise):
        held = self._operator and self._operator.held(side)
        return otherwise if held is None else np.clip(held, self._lower, self._upper)

    @property
    def time(self):
        """s, the world's."""
        return self._world.time

    def advance(self, seconds):
        """Move on by ``seconds``."""
        for side in SIDES:
            before, gain = self._position[side], self._gain[side]
            driven = before + (self._goal[side] - before) * -np.expm1(-gain * seconds / LAG)
            limp = self._by_hand(side, before + (self.rest - before) * -np.expm1(-seconds / SAG))
            after = np.where(gain > 0, driven, limp)
            after[:6] = before[:6] + np.clip(after[:6] - before[:6], -MAX_ARM_SPEED * seconds, MAX_ARM_SPEED * seconds)
            self._speed[side] = (after - before) / seconds
            self._position[side] = after

    def limp(self, side):
        """Whether all six joints of one arm give way."""
        return not self._gain[side][:6].any()

    def command_arm(self, side, joints):
        """Goals of one arm, (6,) rad; a joint ignores one beyond its limits."""
        legal = (joints >= LEADER.lower) & (joints <= LEADER.upper)
        self._goal[side][:6] = np.where(legal, np.round(joints / SERVO_TICK) * SERVO_TICK, self._goal[side][:6])

    def command_gripper(self, side, motor):
        """Goal of one gripper's motor (rad)."""
        self._goal[side][6] = np.round(motor / SERVO_TICK) * SERVO_TICK

    def arm_goal(self, side):
        """(6,) rad, a copy of the goals."""
        return self._goal[side][:6].copy()

    def gripper_goal(self, side):
        """rad."""
        return self._goal[side][6]

    def hold_here(self, side, motor):
        """Make the present position the goal of motor 0..6."""
        self._goal[side][motor] = self._position[side][motor]

    def set_servo_gain(self, side, motor, gain):
        """1 is normal, 0 no torque."""
        self._gain[side][motor] = gain

    def joints(self, side):
        """(6,) rad."""
        return self._position[side][:6]

    def joint_speeds(self, side):
        """(6,) rad/s."""
        return self._speed[side][:6]

    def gripper_angle(self, side):
        """rad."""
        return self._position[side][6]

    def gripper_speed(self, side):
        """rad/s."""
        return self._speed[side][6]

    def servo_force(self, side):
        """(7,) N m that servos as stiff as the followers' would need for their error; the gripper's in N, 0."""
        stiffness = np.array([servo.stiffness for servo in SERVOS])
        error = self._goal[side][:6] - self._position[side][:6]
        return np.append(stiffness * error * (self._gain[side][:6] > 0), 0.0)


class ScriptedOperator:
    """Stands in for a person at the leaders: holds them in the start pose, then moves them as the task's expert would.

    No person: it knows the exact poses of all objects (``sim.experts``) and its hands do not tremble. It sees what the
    followers did and corrects it, so whoever carries its motion over to the followers may clutch or lag.

    Args:
        make_expert: () -> an expert for the world as it is now.
        convention: gripper constants of the leaders.
    """

    def __init__(self, make_expert, convention='ros1'):
        self._make_expert, self._map = make_expert, LEADER.grippers[convention]
        self.reset()

    def reset(self):
        """Back to the start pose, not playing."""
        self._expert, self._begun = None, False
        self._from = self._to = START.copy()
        self._share = 1.0

    @property
    def playing(self):
        """Whether it works on the task; after success it goes on holding still."""
        return self._expert is not None

    @property
    def done(self):
        """Whether the task is done."""
        return self.playing and self._expert.done

    def begin(self):
        """Start with the task, once an episode: a stop is not undone."""
        if not self._begun:
            self.start()

    def start(self):
        """Begin with the task as the world is now."""
        self._expert, self._begun = self._make_expert(), True

    def stop(self):
        """Hold still where the hands are."""
        self._expert = None

    def advance(self, share):
        """Move on to ``share`` (0 to 1] of the present row of 40 ms; after a full one the next row is chosen."""
        if self._share >= 1.0:
            self._from = self._to
            self._to = self._expert.act() if self.playing else self._to
        self._share = share

    def held(self, side):
        """(7,) rad: where the operator holds one leader now."""
        row = self._from + (self._to - self._from) * self._share
        first = GRIPPER_INDEX[side] - 6
        return np.append(row[first:first + 6], self._map.joint_from_action(row[first + 6]))
