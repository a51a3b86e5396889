"""Leader arms to rows for the follower arms: clutch, ramp-in, limits of the followers, and what ends it.

Joints of the leaders are those of the followers (waist to wrist_rotate, same axes and signs), so a follower's target is
its leader's angle within the follower's limits. What the original ALOHA scripts leave out is all here: they follow
without a clutch, so that the followers jump to wherever the leaders are.
"""
from dataclasses import dataclass
from enum import Enum

import numpy as np

from cosmos_policy_ros.embodiment.gripper import LEADER_GRIPPER_MAPS, GripperMap
from cosmos_policy_ros.embodiment.joints import ARM_INDICES, CONTROL_PERIOD, JOINT_NAMES, SIDES
from cosmos_policy_ros.embodiment.limits import both_arms

from .follower import Blocked, Follower

CLOCK_AHEAD = 0.05
"""s by which a leader's stamp may lie ahead of now: two computers of one rig, kept in step."""

DEAD_BUS = 0.005
"""rad; a driver that cannot read its bus reports raw zeros, every joint at -pi, with fresh stamps."""


@dataclass(frozen=True)
class LeaderGripper:
    """A leader's ``map`` (``GripperMap``), and the motor angle (rad) below which its gripper is ``squeezed``."""

    map: GripperMap
    squeezed: float


LEADER_GRIPPERS = {name: LeaderGripper(LEADER_GRIPPER_MAPS[name], squeezed)
                   for name, squeezed in (('ros1', -0.3), ('interbotix_main', 0.0))}
"""By the names of ``embodiment.gripper.GRIPPER_MAPS``, whose conventions they belong to; squeezing asks for the arms."""


class Clutch(Enum):
    """What the followers do; the value is the word on the wire."""

    OPEN = 'open'              # they hold
    CATCHING_UP = 'catching_up'  # they ramp to where the leaders are
    CLOSED = 'closed'          # they follow


class Fault(Enum):
    """Why the leaders cannot be followed; the value is the word on the wire."""

    SILENT = 'leader_silent'            # nothing heard, or too long ago
    NOT_FINITE = 'leader_not_finite'    # NaN or infinite joints, or joints missing
    DEAD_BUS = 'leader_dead_bus'        # every joint at -pi
    AHEAD = 'leader_clock_ahead'        # stamps from the future
    JUMPED = 'leader_jumped'            # moved further within one row than an arm can
    TOO_FAR = 'leader_too_far'          # a ramp-in would be too long, or the followers were left behind
    BLOCKED = 'followers_blocked'       # no row is admissible, not even one that slows down
    NOT_ARMED = 'not_armed'             # nobody gave the arms to this source


@dataclass(frozen=True)
class Problem:
    """A ``Fault`` with the sentence for the operator: which arm, which joint, how much, what to do."""

    fault: Fault
    text: str


@dataclass(frozen=True)
class TeleoperationSettings:
    """Angles rad, times s, speeds per s (grippers in openings).

    ``reach``: largest difference of an arm joint between leader and follower that is ramped. ``ramp_speed``,
    ``gripper_ramp_speed``: of the ramp. ``speed``, ``gripper_speed``: of following; a faster leader is followed late.
    ``acceleration``: (14,) per s2 with which the followers come to rest when the clutch opens. ``jump``: of a leader's
    joint between two of its samples, per 40 ms. ``max_age``: of a leader's newest sample. ``squeeze_time``: for how long
    both grippers are squeezed to ask for the arms. ``lower``, ``upper``: (14,) limits of the followers.
    """

    lower: np.ndarray
    upper: np.ndarray
    acceleration: np.ndarray
    reach: float = 0.8
    ramp_speed: float = 0.6
    gripper_ramp_speed: float = 1.0
    speed: float = 2.8
    gripper_speed: float = 3.6
    jump: float = 0.35
    max_age: float = 0.1
    squeeze_time: float = 0.3
    period: float = CONTROL_PERIOD


class Leader:
    """The newest joints of one leader arm: ``joints`` (7,), six rad and the gripper's action; NaN before the first."""

    def __init__(self, side, settings, gripper):
        self._side, self._settings, self._gripper = side, settings, gripper
        self.joints = np.full(7, np.nan)
        self._stamp, self._heard_from = -np.inf, np.inf
        self._invalid = self._jumped = None
        self._squeezed_since, self._was_open = np.inf, False

    def observe(self, joints, stamp):
        """Take (7,) rad, gripper motor last, measured at ``stamp``."""
        joints = np.asarray(joints, dtype=float)
        self._invalid = self._wrong(joints)
        if self._invalid:
            return
        moved = np.abs(joints[:6] - self.joints[:6])
        allowed = self._settings.jump * max(1.0, (stamp - self._stamp) / self._settings.period)
        if (moved > allowed).any():  # false for the first sample
            joint = int(np.argmax(moved))
            self._jumped = Problem(Fault.JUMPED, f'{self._name(joint)} moved {moved[joint]:.2f} rad between two samples; '
                                   'look at the leader arm, then arm again')
        self.joints[:6], self.joints[6] = joints[:6], self._gripper.map.action_from_joint(joints[6])
        if stamp - self._stamp > self._settings.max_age:
            self._heard_from = stamp
        self._stamp = stamp
        if joints[6] > self._gripper.squeezed:
            self._squeezed_since, self._was_open = np.inf, True
        else:
            self._squeezed_since = min(self._squeezed_since, stamp)

    def problem(self, now):
        """Why this leader cannot be followed now, as a ``Problem``; None if it can."""
        age = now - self._stamp
        if self._invalid:
            return self._invalid
        if age > self._settings.max_age:
            heard = 'was never heard' if np.isinf(age) else f'was heard {age:.2f} s ago'
            return Problem(Fault.SILENT, f'the {self._side.value} leader {heard}; look at its driver')
        if age < -CLOCK_AHEAD:
            return Problem(Fault.AHEAD, f'stamps of the {self._side.value} leader lie {-age:.2f} s ahead; set its clock')
        return self._jumped

    def heard_since(self, moment, now):
        """s for which it has been heard without a gap, from ``moment`` on at the earliest."""
        silent = now - self._stamp > self._settings.max_age
        return 0.0 if silent else max(0.0, now - max(moment, self._heard_from))

    def squeezed(self, now):
        """Whether its gripper was opened, then squeezed and held so until now."""
        return self._was_open and now - self._squeezed_since >= self._settings.squeeze_time

    def forget(self):
        """A jump is history, and only a new squeeze counts."""
        self._jumped, self._was_open = None, False

    def _wrong(self, joints):
        if joints.shape != (7,) or not np.isfinite(joints).all():
            return Problem(Fault.NOT_FINITE, f'joints of the {self._side.value} leader are not seven finite numbers: '
                           f'{np.array2string(joints, precision=3)}; look at its driver')
        if (np.abs(joints[:6] + np.pi) < DEAD_BUS).all():
            return Problem(Fault.DEAD_BUS, f'all joints of the {self._side.value} leader at -pi: its motor bus is dead')
        return None

    def _name(self, joint):
        return f'leader_{JOINT_NAMES[7 * SIDES.index(self._side) + joint]}'


class Teleoperation:
    """One row a slot from two leaders, for one source of the safety supervisor.

    Before the clutch was closed for the first time in an epoch there are no rows, and the supervisor holds the arms.
    From then on there always is one, unless something is wrong with a leader: then there is none until the next epoch,
    and the supervisor brakes. While the clutch is open the rows slow down and stand.

    Args:
        settings: ``TeleoperationSettings``. gripper: ``LeaderGripper``. admit: see ``Follower``.
    """

    def __init__(self, settings, gripper, admit):
        self._settings, self._follower = settings, Follower(settings.period, settings.acceleration, admit)
        self._leaders = {side: Leader(side, settings, gripper) for side in SIDES}
        self._ramp_step = settings.period * both_arms(settings.ramp_speed, settings.gripper_ramp_speed)
        self._step = settings.period * both_arms(settings.speed, settings.gripper_speed)
        self.clutch = Clutch.OPEN
        self.problem = None
        """The last ``Problem``, None since the clutch was closed."""

    @property
    def epoch(self):
        """Epoch for which rows are made; None when this source does not have the arms."""
        return self._follower.epoch

    @property
    def position(self):
        """(14,) the last row, or the pose given to ``start``."""
        return self._follower.position

    @property
    def held_back(self):
        """Why the newest row stays behind its leader, '' if it does not: a cause id and what it is about."""
        return self._follower.held_back if self.clutch is not Clutch.OPEN else ''

    def observe(self, side, joints, stamp):
        """Joints of one leader, measured at ``stamp`` s: (7,) rad, the gripper's motor angle last."""
        self._leaders[side].observe(joints, stamp)

    def start(self, source, epoch, now, position):
        """The arms were given to ``source``; they stand at ``position`` (14,), as last commanded."""
        self._follower.start(source, epoch, now, position)
        self._failed = self._begun = False
        self._open(None)
        for leader in self._leaders.values():
            leader.forget()

    def stop(self):
        """The arms were taken away."""
        self._follower.stop()
        self._open(None)

    def squeezed(self, now):
        """Whether the operator asks for the arms: both grippers opened, then squeezed, in this epoch, the clutch open."""
        asked = all(leader.squeezed(now) for leader in self._leaders.values())
        return asked and self.epoch is not None and self.clutch is Clutch.OPEN and not self._failed

    def against(self, now):
        """The ``Problem`` that stands against closing the clutch now, or None."""
        if self.epoch is None or self._failed:
            return Problem(Fault.NOT_ARMED, 'the arms are not given to teleoperation; arm it first')
        return self._leader_problem(now) or self._too_far()

    def heard_since(self, moment, now):
        """s for which both leaders have been heard without a gap, from ``moment`` on at the earliest."""
        return min(leader.heard_since(moment, now) for leader in self._leaders.values())

    def engage(self, now):
        """Close the clutch: the followers ramp to their leaders, then follow. Returns the ``Problem`` against it, or None."""
        for leader in self._leaders.values():
            leader.forget()
        self.problem = self.against(now)
        if self.problem is None:
            self.clutch, self._begun = Clutch.CATCHING_UP, True
        return self.problem

    def release(self):
        """Open the clutch: the followers come to rest and hold."""
        self._open(None)

    def row(self, now):
        """The ``Setpoint`` of the current slot; None when there is none to send."""
        if self.epoch is None or not self._begun or self._failed:
            return None
        if self.clutch is not Clutch.OPEN:
            fault = self._leader_problem(now)
            if fault:
                self._fail(fault)
                return None
        target_time = self._follower.slot(now)
        if target_time is None:
            return None
        try:
            setpoint = self._follower.row(target_time, None if self.clutch is Clutch.OPEN else self._towards_leaders())
        except Blocked as error:
            self._fail(Problem(Fault.BLOCKED, str(error)))
            return None
        self._left_behind()
        return setpoint

    def _towards_leaders(self):
        position, target = self.position, self._target()
        step = target - position
        if self.clutch is Clutch.CATCHING_UP:
            slots = (np.abs(step) / self._ramp_step).max()
            if slots > 1:
                return position + step / slots  # all joints arrive together
            self.clutch = Clutch.CLOSED
            return position + step
        return np.where(np.abs(step) <= self._step, target, position + np.clip(step, -self._step, self._step))

    def _target(self):
        """(14,) the leaders' joints within the followers' limits."""
        joints = np.concatenate([self._leaders[side].joints for side in SIDES])
        return np.clip(joints, self._settings.lower, self._settings.upper)

    def _leader_problem(self, now):
        return next(filter(None, (leader.problem(now) for leader in self._leaders.values())), None)

    def _too_far(self):
        apart = np.abs(self._target() - self.position)[list(ARM_INDICES)]
        worst = int(np.argmax(apart))
        if apart[worst] <= self._settings.reach:
            return None
        return Problem(Fault.TOO_FAR, f'{JOINT_NAMES[ARM_INDICES[worst]]}: leader and follower are {apart[worst]:.2f} rad '
                       f'apart, at most {self._settings.reach:.2f} are ramped; bring the leader nearer, then close the clutch')

    def _left_behind(self):
        problem = self._too_far() if self.clutch is not Clutch.OPEN else None
        if problem:
            self._open(problem)

    def _fail(self, problem):
        self._failed = True
        self._open(problem)

    def _open(self, problem):
        self.clutch, self.problem = Clutch.OPEN, problem
