"""The second channel: brings the arms to rest when the supervisor has died, and leaves them alone while it lives."""
import math
from enum import IntEnum

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, ARM_SLICE

from .braking import Brake
from .envelope import Envelope
from .watchdog import ROUNDING

STANDING = 0.05
"""rad/s below which a joint counts as standing and keeps its last goal."""

REPETITIONS = 3
"""Cycles in which the pose at rest is sent again, for a driver whose bus dropped one."""


class GuardPhase(IntEnum):
    """Values are those of ``GuardState.state``."""

    WATCHING = 0  # the supervisor is alive, or the arms stand without commands
    WAITING = 1   # it is silent, but not yet for as long as it may be
    BRAKING = 2   # the arms are brought to rest
    HOLDING = 3   # that is done; nothing more is sent


class SecondChannel:
    """Hears the supervisor's heartbeat, its commands and the joints; commands only while no heartbeat comes.

    Servos without new goals run on to the last one, with their lag. This brakes each joint that still moves from where it
    is measured to be, at its acceleration limit, by goals that lead the brake by the servo's lag; they end short of the
    last goal. A joint that stands keeps its last goal: a goal at the measured pose would let the arm sag. So does an arm
    whose measurements are not fresh, or further from its goals than the servos' lag explains. Grippers are left as they
    are: what they hold should not fall.

    Args:
        config: ``SafetyConfig``. silence: s without a heartbeat after which the supervisor counts as dead.
    """

    def __init__(self, config, silence):
        self._period, self._fresh, self._allowed = config.tick_period, config.joint_states_warn, silence
        self._limits = Envelope(config).limits
        self._lag, self._speed = np.array(config.servo_lag), np.array(config.arm_speed)
        self._plausible = self._lag * self._speed + config.tracking_act
        # While a source has the arms a command comes in every row period, at the least.
        self._commanded_for = 2 * config.row_period
        self._goals, self._measured = {}, {}
        self._commanded_at = self._looked_at = None
        self._brake, self._standing, self._left = None, None, 0
        self.phase = GuardPhase.WATCHING
        self.silence = math.inf

    @property
    def engaged(self):
        """True while the supervisor commands the arms, or did so when it was last heard."""
        return self._commanded_at is not None

    def heartbeat(self, now):
        """The supervisor was heard: whatever this has begun ends at once."""
        self.silence, self._brake, self._looked_at = 0.0, None, now
        self.phase = GuardPhase.WATCHING
        if self.engaged and now - self._commanded_at > self._commanded_for:
            self._commanded_at = None

    def command(self, side, goals, now):
        """The supervisor has sent six goals (rad) to an arm."""
        self._goals[side], self._commanded_at = np.asarray(goals, dtype=float), now

    def measurement(self, side, positions, velocities, stamp):
        """Six rad and six rad/s of an arm, measured at ``stamp``."""
        self._measured[side] = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float), stamp

    def look(self, now):
        """One cycle; returns {side: (6,) rad} to send now, empty unless the supervisor is dead.

        Only time in which this has looked counts as silence: a guard that stood still itself has not listened.
        """
        passed = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        self.silence += min(max(passed, 0.0), 2 * self._period)
        if not self.engaged or self.phase is GuardPhase.HOLDING:
            return {}
        if self._brake is None:
            if self.silence < self._allowed - ROUNDING:
                self.phase = GuardPhase.WAITING if self.silence > self._period + ROUNDING else GuardPhase.WATCHING
                return {}
            self._begin(now)
        positions, velocities = self._brake.at(now)
        if not velocities.any():
            self._left -= 1
            if self._left < 0:
                self.phase = GuardPhase.HOLDING
                return {}
        return {side: np.where(self._standing[ARM_SLICE[side]], goals,
                               positions[ARM_SLICE[side]] + self._lag * velocities[ARM_SLICE[side]])
                for side, goals in self._goals.items()}

    def _begin(self, now):
        positions, velocities = np.zeros(ACTION_DIM), np.zeros(ACTION_DIM)
        self._standing = np.ones(ACTION_DIM, dtype=bool)
        for side, goals in self._goals.items():
            measured, speed, stamp = self._measured.get(side, (np.nan, np.nan, -math.inf))
            plausible = (np.abs(measured - goals) <= self._plausible).all() and np.isfinite(speed).all()
            if now - stamp < self._fresh and plausible:
                arm, moves = ARM_SLICE[side], np.abs(speed) > STANDING
                self._standing[arm] = ~moves
                positions[arm] = measured
                velocities[arm] = np.where(moves, np.clip(speed, -self._speed, self._speed), 0.0)
        self._brake, self._left = Brake(positions, velocities, self._limits, now), REPETITIONS
        self.phase = GuardPhase.BRAKING
