"""What is sent to the arms: admitted rows, brakes, and repetitions of the last command."""
import math

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, SIDES

from .braking import Brake
from .state import LATCHED, SafetyState
from .watchdog import ROUNDING


class Motion:
    """The last command (14,), None before the first arming, and the one that comes next.

    ``stands_since``: s, when the command last changed.

    Args:
        config: ``SafetyConfig``. limits: ``JointLimits``.
    """

    def __init__(self, config, limits):
        self._config, self._limits = config, limits
        self.command = None
        self.velocity = np.zeros(ACTION_DIM)
        self._brake = None
        self._pending = None         # ``Limited`` row for the next cycle
        self._repeat_at = math.inf   # when the last command is to be repeated
        self._sent_at = -math.inf    # when a command was last sent
        self.stands_since = -math.inf

    @property
    def moving(self):
        """True while the last command has a speed."""
        return bool(self.velocity.any())

    def begin(self, measured):
        """Set the first command of a source: the measured pose (14,), per arm; or the last command, where the servos
        evidently still hold it.

        Commanding the measured pose again and again would walk an arm downwards: it always hangs a little below.
        """
        first = measured.copy()
        for i in range(len(SIDES) if self.command is not None else 0):
            arm = slice(7 * i, 7 * i + 7)
            if np.abs(measured[arm] - self.command[arm])[:6].max() <= self._config.hold_tolerance:
                first[arm] = self.command[arm]
        self.command = first

    def take(self, limited):
        """Send a ``Limited`` row next; it replaces one that has not been sent yet."""
        self._pending = limited

    def drop(self):
        """Forget a row that has not been sent yet."""
        self._pending = None

    def enter(self, state, before, now):
        """The state has changed."""
        if state is not SafetyState.RUNNING:
            self.drop()
        self._brake = None
        if state is SafetyState.STOPPING:
            self._begin_brake(self._sent_at)
        stood = before in (SafetyState.HELD, SafetyState.RUNNING)
        says_hold = state is SafetyState.HELD or (stood and state in LATCHED.values())
        if says_hold and before is not SafetyState.STOPPING:
            self._repeat_at = now
        else:
            self._repeat_at = now + self._config.row_period if state is SafetyState.HELD else math.inf

    def next(self, state, armed, now):
        """(14,) to send in this cycle, or None."""
        if self._pending is not None:
            # Two close together would double the speed: the row before came late, or a brake has just ended.
            slack = self._config.row_slack if self.moving else 0.0
            if now - self._sent_at < self._config.row_period - slack - ROUNDING:
                return None
            self._commit(self._pending.positions, self._pending.velocity, now)
            self.drop()
        elif state is SafetyState.STOPPING:
            self._commit(*self._brake.at(now), now)
        elif now >= self._repeat_at - ROUNDING:
            # After a latched stop once, since a repaired arm must not be pulled back; while armed without a gap.
            self._repeat_at = now + self._config.row_period if armed else math.inf
        else:
            return None
        return self.command.copy()

    def forget_time(self, state, now):
        """The clock stepped to ``now``: a brake goes on from where it is."""
        self._sent_at = self.stands_since = now
        if state is SafetyState.STOPPING:
            self._begin_brake(now)

    def last_resort(self, now):
        """(14,) to send when nothing else can be trusted: brake to rest; None once at rest."""
        if not self.moving:
            return None
        if self._brake is None:
            self._begin_brake(self._sent_at)
        self._commit(*self._brake.at(now), now)
        return self.command.copy()

    def _begin_brake(self, start):
        # From the last command on, so that the speed between it and the first sample of the brake is continuous.
        self._brake = Brake(self.command, self.velocity, self._limits, start)

    def _commit(self, positions, velocity, now):
        if (positions != self.command).any():
            self.stands_since = now
        self.command, self.velocity, self._sent_at = positions, velocity, now
