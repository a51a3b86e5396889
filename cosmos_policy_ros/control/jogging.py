"""Jogging: handles in RViz, or a gamepad's sticks, to rows that move the hands along straight ways.

Both are dead-man controls: a hand moves while its handle is held or its button is pressed, and comes to rest when it is
let go or when nothing more is heard.
"""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.inverse_kinematics import Unreachable, pose_of, solvers
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, CONTROL_PERIOD, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.embodiment.rotations import matrix_of_vector, vector_of_matrix

from .follower import Blocked, Follower


@dataclass(frozen=True)
class JogSettings:
    """``acceleration``: (14,) per s2 with which the arms come to rest. ``speed``: m/s of a grasp point.

    ``turn_speed``: rad/s of a hand. ``joint_speed``: rad/s that no joint exceeds. ``gripper_speed``: openings/s.
    ``largest_change``: rad; a pose that needs more of a joint than that at once is on the other side of a singularity.
    ``silence``: s after which a handle that is not heard counts as let go; ``stick_silence``: the same of a stick.
    """

    acceleration: np.ndarray
    speed: float = 0.2
    turn_speed: float = 0.8
    joint_speed: float = 1.0
    gripper_speed: float = 1.0
    largest_change: float = 0.4
    silence: float = 0.5
    stick_silence: float = 0.2
    period: float = CONTROL_PERIOD


@dataclass(frozen=True)
class _Held:
    """A control that counts ``until`` s: where the hand shall be, (4, 4), or how it shall move, (6,) m/s and rad/s."""

    until: float
    pose: np.ndarray = None
    velocity: np.ndarray = None


class Jogging:
    """One row a slot for one source of the safety supervisor.

    Before the first control in an epoch there are no rows, and the supervisor holds the arms. From then on there always is
    one. Poses are those of the grasp points in the frame of ``cell``.

    Args:
        settings: ``JogSettings``. cell: ``Cell``. admit: see ``Follower``.
    """

    def __init__(self, settings, cell, admit):
        self._settings, self._arms = settings, solvers(cell)
        self._follower = Follower(settings.period, settings.acceleration, admit)
        self._forget()

    @property
    def epoch(self):
        """Epoch for which rows are made; None when this source does not have the arms."""
        return self._follower.epoch

    def hand(self, side):
        """(4, 4) where a hand is commanded to be; only between ``start`` and ``stop``."""
        return self._arms[side].forward(self._follower.position[ARM_SLICE[side]])

    def hand_at(self, side, joints):
        """(4, 4) of a hand with joints (6,) rad."""
        return self._arms[side].forward(joints)

    def start(self, source, epoch, now, position):
        """The arms were given to ``source``; they stand at ``position`` (14,), as last commanded."""
        self._follower.start(source, epoch, now, position)
        self._forget()
        self._active_at = now

    def stop(self):
        """The arms were taken away."""
        self._follower.stop()
        self._forget()

    def aim(self, side, pose, now):
        """A handle is held at ``pose`` (4, 4).

        Raises:
            ValueError: not finite.
        """
        self._hold(side, _Held(now + self._settings.silence, pose=np.array(pose, dtype=float)), pose)

    def push(self, side, velocity, now):
        """A hand shall move with ``velocity`` (6,): m/s and rad/s along and about the axes of the cell.

        Raises:
            ValueError: not finite.
        """
        self._hold(side, _Held(now + self._settings.stick_silence, velocity=np.array(velocity, dtype=float)), velocity)

    def let_go(self, side):
        """The handle, or the button, is not held any more."""
        self._held.pop(side, None)

    def grip(self, side, opening):
        """Bring a gripper to ``opening``, 0 closed to 1 open, without anybody holding anything."""
        if self.epoch is not None:
            self._openings[side], self._begun = float(np.clip(opening, 0.0, 1.0)), True

    def idle(self, now):
        """s for which nobody has held on and nothing has moved, from ``start`` on."""
        return now - self._active_at

    def problem(self, side):
        """Why a hand does not go where it is asked to, '' if it does."""
        return self._problems.get(side, '') or self._blocked or self._follower.held_back

    def row(self, now):
        """The ``Setpoint`` of the current slot; None when there is none to send."""
        if self.epoch is None or not self._begun or self._blocked:
            return None
        target_time = self._follower.slot(now)
        if target_time is None:
            return None
        position = self._follower.position
        wanted = position.copy()
        for side in SIDES:
            wanted[ARM_SLICE[side]] = self._joints(side, position[ARM_SLICE[side]], now)
            wanted[GRIPPER_INDEX[side]] = self._opening(side, position[GRIPPER_INDEX[side]])
        moves = (wanted != position).any()
        if moves or self._held:
            self._active_at = now
        try:
            return self._follower.row(target_time, wanted if moves else None)
        except Blocked as error:
            self._blocked = str(error)
            return None

    def _hold(self, side, held, numbers):
        if not np.isfinite(numbers).all():
            raise ValueError(f'{side.value} hand: not finite: {np.asarray(numbers).tolist()}')
        if self.epoch is not None:
            self._held[side], self._begun = held, True

    def _joints(self, side, joints, now):
        """(6,) of the next row."""
        held = self._held.get(side)
        if held is None:
            return joints
        if now > held.until:
            self.let_go(side)
            return joints
        self._problems[side] = ''
        try:
            return self._step(self._arms[side], joints, held)
        except Unreachable as error:
            self._problems[side] = str(error)
            return joints

    def _step(self, arm, joints, held):
        """(6,) a straight step of the hand. Raises ``Unreachable``."""
        settings, most = self._settings, self._settings.joint_speed * self._settings.period
        here = arm.forward(joints)
        way = held.velocity * settings.period if held.pose is None else difference(here, held.pose)
        way = way * min(1.0, settings.speed * settings.period / max(np.linalg.norm(way[:3]), 1e-12),
                        settings.turn_speed * settings.period / max(np.linalg.norm(way[3:]), 1e-12))
        change = arm.solve(advanced(here, way), joints) - joints
        largest = float(np.abs(change).max())
        if largest > settings.largest_change:
            raise Unreachable(f'{arm.side.value} arm: the wrist would have to turn over; lead the hand around that')
        if largest > most:  # near a singularity: a shorter step on the same straight way
            change = arm.solve(advanced(here, way * most / largest), joints) - joints
            change *= min(1.0, most / float(np.abs(change).max()))
        return joints + change

    def _opening(self, side, opening):
        step = self._settings.gripper_speed * self._settings.period
        return opening + np.clip(self._openings.get(side, opening) - opening, -step, step)

    def _forget(self):
        self._held, self._openings, self._problems = {}, {}, {}
        self._begun, self._blocked = False, ''


def advanced(pose, step):
    """``pose`` (4, 4) moved by ``step`` (6,), m along and rad about the axes of its frame of reference."""
    return pose_of(matrix_of_vector(step[3:]) @ pose[:3, :3], pose[:3, 3] + step[:3])


def difference(here, there):
    """(6,) the step that ``advanced`` takes from pose ``here`` to ``there``, both (4, 4)."""
    return np.concatenate([there[:3, 3] - here[:3, 3], vector_of_matrix(there[:3, :3] @ here[:3, :3].T)])
