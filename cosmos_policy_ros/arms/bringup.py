"""The five things that are done to the arms around a run: check, prepare, park, recover, calibrate the grippers."""
from typing import Protocol

import numpy as np

from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, ARM_SLICE, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.embodiment.limits import both_arms
from cosmos_policy_ros.embodiment.poses import PARK_GRIPPER, SLEEP_ARM, START, START_ARM, START_GRIPPER

from .calibration import GripperReading, judge_reading
from .checks import PREPARE, judge, mode_differs, read_arm
from .driver import ArmError
from .moves import MoveRefused
from .recovery import (RecoveryRefused, against_recovery, faulty_pairs, forbid_jump, prove_recovered, restart, support,
                       torque_on)

FOR_MOVING = ('state_rate', 'bus', 'error', 'mode', 'torque')
"""Checks that have to pass before an arm is moved."""

RADIAN_MODES = ('position', 'ext_position', 'current_based_position')
"""Modes in which a motor takes a command for an angle."""

GRIPPER_STILL = 0.01
"""rad that a gripper motor at rest moves at most between two looks."""

GRIPPER_LOOK, GRIPPER_PATIENCE = 0.5, 6.0
"""s between two looks at a gripper that comes to rest, and for how long they go on."""


class NotReady(ArmError):
    """Checks failed; the message names each with its fix."""


class Mover(Protocol):
    """One of the supervisor's sources of rows. The arms are moved by it alone."""

    def take(self):
        """Get the arms and let the supervisor hold them where they are; the held command (14,)."""

    def play(self, rows):
        """Send rows (n, 14) one period apart; returns after the last, which goes on being sent."""

    def release(self):
        """Give the arms back; they hold their last goal."""


class BringUp:
    """Runs one of its methods at a time, each to its end or to an ``ArmError``. Both arms are treated alike.

    Args:
        arms: {``Side``: ``Arm``}. streams: {``Side``: ``StateStream``}. mover: ``Mover``. expected: ``Expectations``.
        plan: (start, goals) to rows, raises ``MoveRefused``. gripper: ``GripperMap``. confirmation: ``Confirmation``.
        until: (condition, s) to whether it held within so many s. pause: lets s pass. say: takes progress.
        patience: s for streams and for arms that arrive. tolerance: rad from a goal that counts as arrived.
    """

    def __init__(self, arms, streams, mover, expected, plan, gripper, confirmation, until, pause, say, patience, tolerance):
        self._arms, self._streams, self._mover, self._expected = arms, streams, mover, expected
        self._plan, self._gripper, self._confirmation = plan, gripper, confirmation
        self._until, self._pause, self._say = until, pause, say
        self._patience, self._tolerance = patience, tolerance

    def check(self):
        """``Finding`` of every check on both arms."""
        return self._judged(self._read())

    def prepare(self):
        """Modes, gains, profiles and torque as expected, then both arms to START; what was done."""
        readings = self._read()
        self._refuse(self._judged(readings), lambda finding: finding.fix != PREPARE)
        mended = self._mend(readings)
        self._go((START,))
        return f'prepared{": " if mended else ""}{"; ".join(mended)}; both arms stand at START with torque on'

    def park(self):
        """Grippers open, both arms to START and on to the sleep pose; torque stays on."""
        self._refuse(self.check(), lambda finding: finding.check in FOR_MOVING)
        self._go((both_arms(START_ARM, PARK_GRIPPER), both_arms(SLEEP_ARM, PARK_GRIPPER)))
        return 'parked: both arms stand in the sleep pose with torque on; only now may power be cut'

    def recover(self):
        """Restart motors that have switched themselves off, and give them torque where they stand; what was done."""
        readings = self._read()
        self._refuse(self._judged(readings), lambda finding: finding.check in ('state_rate', 'bus'))
        latched = {side: found for side, found in readings.items() if found.errors}
        if not latched:
            return f'no motor has switched itself off; torque and modes are mended by "{PREPARE}"'
        against = [text for found in latched.values() for text in against_recovery(found, self._expected)]
        if against:
            raise RecoveryRefused('; '.join(against))
        if not any(mode_differs(found, self._expected, part) for found in readings.values() for part in found.modes):
            self._hold()  # a supervisor that would refuse later has to refuse now
        self._confirmation.demand('; '.join(support(found) for found in latched.values()))
        pairs = {side: faulty_pairs(found, self._arms[side]) for side, found in latched.items()}
        for side, pair in pairs.items():
            self._say(f'{self._arms[side].name}: restarting {", ".join(joint for joint, _ in pair)}')
            restart(self._arms[side], pair, self._expected, self._pause)
        self._mend_grippers(readings)
        self._hold()
        for side, pair in pairs.items():
            torque_on(self._arms[side], [self._arms[side].single(motor) for joint, shadows in pair
                                         for motor in (joint, *shadows)])
            prove_recovered(self._arms[side], pair)
        return 'recovered: ' + '; '.join(f'{self._arms[side].name} {", ".join(joint for joint, _ in pair)}'
                                         for side, pair in pairs.items()) + '; let go of the arm slowly, then run the checks'

    def calibrate(self):
        """{``Side``: ``GripperReading``} of both grippers driven closed and open, the arms held; they end nearly closed."""
        self._refuse(self.check(), lambda finding: finding.check in FOR_MOVING)
        ends = {}
        start = self._mover.take()
        try:
            for opening in (0.0, 1.0, START_GRIPPER):
                goal = start.copy()
                goal[list(GRIPPER_INDEX.values())] = opening
                self._say(f'grippers to {opening:g}')
                self._mover.play(self._plan(start, (goal,)))
                ends[opening] = self._grippers_at_rest()
                start = goal
        finally:
            self._mover.release()
        readings = {side: GripperReading(float(ends[0.0][side].motor), float(ends[1.0][side].motor),
                                         float(ends[0.0][side].finger), float(ends[1.0][side].finger)) for side in SIDES}
        for side, reading in readings.items():
            judge_reading(reading, self._gripper, self._arms[side].name)
        return readings

    def _read(self):
        """{``Side``: ``Readings``}: a window of states first, since every register that is read leaves a gap in them."""
        self._say(f'listening for {self._expected.state_window:g} s')
        streams = self._streams
        for stream in streams.values():
            stream.forget()
        if self._until(lambda: all(stream.last for stream in streams.values()), self._patience):
            begun = {side: stream.last.stamp for side, stream in streams.items()}
            self._until(lambda: all(stream.covers(begun[side]) for side, stream in streams.items()), self._patience)
        heard = {side: (stream.last, stream.rate) for side, stream in streams.items()}
        self._say('reading registers')
        return {side: read_arm(arm, *heard[side]) for side, arm in self._arms.items()}

    def _judged(self, readings):
        return tuple(finding for found in readings.values() for finding in judge(found, self._expected))

    @staticmethod
    def _refuse(findings, matters):
        bad = [str(finding) for finding in findings if finding.found and finding.fails and matters(finding)]
        if bad:
            raise NotReady('\n'.join(bad))

    def _mend(self, readings):
        """Write what differs; returns what was written, as sentences."""
        wrong = {side: {finding.check for finding in judge(found, self._expected) if finding.found}
                 for side, found in readings.items()}
        differ = [side for side, found in readings.items() if mode_differs(found, self._expected, 'arm')]
        for side in differ:
            if readings[side].modes['arm'] not in RADIAN_MODES:
                raise NotReady(f'{self._arms[side].name}: the arm is in mode {readings[side].modes["arm"]!r}, in which a '
                               'position would be taken for something else; restart the driver with the arm supported')
        if differ:
            names = ' and '.join(self._arms[side].name for side in differ)
            self._confirmation.demand(f'support {names}: a change of the arm\'s mode drops torque for a moment')
        self._mend_grippers(readings)
        if any(checks & {'mode', 'torque'} for checks in wrong.values()):
            self._hold()  # torque comes back with the goal that a motor has; it has to be where the arm is
        return [f'{self._arms[side].name} {what}' for side, checks in wrong.items()
                for what in self._mend_arm(self._arms[side], side in differ, checks)]

    def _mend_grippers(self, readings):
        """Before anything commands them: in other modes an angle is taken for a distance or a current."""
        for side, found in readings.items():
            arm = self._arms[side]
            if mode_differs(found, self._expected, 'gripper'):
                arm.set_mode(arm.gripper, self._expected.gripper_mode, self._expected.profile)

    def _mend_arm(self, arm, mode, wrong):
        expected = self._expected
        for target in arm.all:
            if 'gains' in wrong:
                arm.set_gains(target, expected.gains)
            if 'profile' in wrong:
                arm.set_register(target, 'Profile_Velocity', expected.profile.velocity)
                arm.set_register(target, 'Profile_Acceleration', expected.profile.acceleration)
        if mode:
            forbid_jump(arm, arm.joints)
            arm.set_mode(arm.joints, expected.arm_mode, expected.profile)
        if 'torque' in wrong:
            torque_on(arm, arm.all)
        return sorted(wrong & {'gains', 'mode', 'profile', 'torque'})

    def _hold(self):
        """Have the supervisor write the measured pose into the motors as their goal."""
        self._mover.take()
        self._mover.release()

    def _go(self, goals):
        start = self._mover.take()
        try:
            rows = self._plan(start, goals)
            self._say(f'moving: {len(rows)} rows')
            self._mover.play(rows)
            if not self._until(lambda: not self._distant(goals[-1]), self._patience):
                raise MoveRefused('the arms did not arrive: ' + ', '.join(self._distant(goals[-1])) + '; run the checks')
        finally:
            self._mover.release()

    def _distant(self, goal):
        return [f'{side.value} {ARM_JOINTS[i]} is {error[i]:.2f} rad away' for side in SIDES
                for error in [np.abs(self._streams[side].last.joints - goal[ARM_SLICE[side]])]
                for i in np.flatnonzero(error > self._tolerance)]

    def _grippers_at_rest(self):
        """{``Side``: ``ArmState``} once neither gripper motor moves any more."""
        for _ in range(round(GRIPPER_PATIENCE / GRIPPER_LOOK)):
            before = {side: stream.last for side, stream in self._streams.items()}
            passed = lambda: all(stream.last.stamp - before[side].stamp >= GRIPPER_LOOK  # noqa: E731
                                 for side, stream in self._streams.items())
            if not self._until(passed, self._patience):
                raise MoveRefused('joint states ceased while the grippers moved; run the checks')
            now = {side: stream.last for side, stream in self._streams.items()}
            if all(abs(now[side].motor - before[side].motor) < GRIPPER_STILL for side in now):
                return now
        raise MoveRefused('a gripper does not come to rest; free its fingers and look at its current')
