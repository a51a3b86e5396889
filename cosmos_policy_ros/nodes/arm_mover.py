"""Moves the arms from a thread that waits: takes them from the safety supervisor, plays rows, gives them back."""
import math
import threading
import time

import numpy as np

from cosmos_policy_ros.arms.driver import ArmError
from cosmos_policy_ros.control.setpoint import Setpoint
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.safety.causes import Severity
from cosmos_policy_ros.srv import Arm

from .arm_client import answered
from .qos import LATCHED
from .row_source import RowPublisher

HELD_STATUSES = 3
"""Statuses (0.3 s) of the held arms to wait for: commands are repeated at 25 Hz meanwhile."""

SILENCE = 10.0
"""s of wall time without a status after which the supervisor counts as gone; simulated time may be slow."""


class MoveInterrupted(ArmError):
    """The arms were refused, or taken away; the message has the supervisor's reasons."""


class ArmMover:
    """The ``Mover`` of ``arms.bringup``. Its methods wait: call them from another thread than the one that spins ``node``.

    Args:
        node: spinning. clock: its ``NodeClock``. name: of the source, one of the supervisor's authorities.
        until: (condition, s) to whether it held within so many s. patience: s that the supervisor has to answer.
    """

    def __init__(self, node, clock, name, until, patience):
        self._clock, self._name, self._until, self._patience = clock, name, until, patience
        self._lock = threading.Lock()
        self._rows, self._next, self._due, self._sequence, self._epoch = None, 0, 0.0, 0, 0
        self.status, self._heard = None, -math.inf
        self._arm = node.create_client(Arm, '/cosmos_policy/arm')
        self._publisher = RowPublisher(node, clock)
        node.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self._timer = clock.timer(CONTROL_PERIOD / 4, self._tick)
        self._timer.cancel()

    def require_free(self):
        """Raise ``MoveInterrupted`` when somebody has the arms, or no supervisor is heard."""
        if not self._until(lambda: self.status is not None, self._patience):
            raise MoveInterrupted('no supervisor is heard; start the graph first')
        if self.status.authority:
            raise MoveInterrupted(f'{self.status.authority} has the arms; stop or end what it does first')

    def take(self):
        """Get the arms at the reduced speed and let them be held where they are; the held command (14,)."""
        self.require_free()
        reply = answered(self._arm, Arm.Request(arm=True, authority=self._name, reduced=True), self._patience,
                         self._until)
        if not reply.accepted:
            raise MoveInterrupted(f'the supervisor refuses: {"; ".join(reply.blockers)}')
        self._epoch = reply.epoch
        held = lambda: self.status.epoch == reply.epoch and self.status.state == SafetyStatus.HELD  # noqa: E731
        if not self._until(held, self._patience):
            raise MoveInterrupted(f'the supervisor does not hold the arms: {self.status.state_name} {self._reasons()}')
        first = self.status.counter
        self._until(lambda: self._lost() or self.status.counter >= first + HELD_STATUSES, SILENCE)
        self._check()
        return np.array(self.status.command)

    def play(self, rows):
        """Send rows (n, 14), each judged by the supervisor; then the last one again and again, until ``release``."""
        with self._lock:
            self._rows, self._next, self._due = rows, 0, self._clock.now()
        self._timer.reset()
        # Simulated time may pass far slower than the wall's: only a supervisor that is silent ends the wait.
        # The last row twice: the speed with which it is reached has to be gone before the arms are given back.
        while not self._until(lambda: self._lost() or self._next > len(rows), SILENCE):
            pass
        self._check()

    def release(self):
        """Send nothing more and give the arms back; they hold their last goal."""
        self._timer.cancel()
        with self._lock:
            self._rows = None
        if self.status.authority == self._name:
            answered(self._arm, Arm.Request(arm=False), self._patience, self._until)
            if not self._until(lambda: self.status.authority != self._name, self._patience):
                raise MoveInterrupted('the supervisor does not take the arms back; use the hardware stop')

    def _silent(self):
        return time.monotonic() - self._heard > SILENCE

    def _lost(self):
        status = self.status
        return (self._silent() or status.epoch != self._epoch or status.authority != self._name
                or any(cause.severity >= Severity.HOLD for cause in status.causes))

    def _check(self):
        if self._silent():
            raise MoveInterrupted(f'the supervisor is silent for {SILENCE:.0f} s; look into its log')
        if self._lost():
            raise MoveInterrupted(f'the arms were stopped: {self.status.state_name} {self._reasons()}')

    def _reasons(self):
        return '; '.join(f'{cause.text}: {cause.hint}' for cause in self.status.causes) or '(no cause is active)'

    def _on_status(self, message):
        self.status, self._heard = message, time.monotonic()

    def _tick(self):
        with self._lock:
            now = self._clock.now()
            if self._rows is None or now < self._due:
                return
            # A late cycle shifts the rows behind it: catching up would double the speed.
            target = self._due if now - self._due < CONTROL_PERIOD else now
            self._due = target + CONTROL_PERIOD
            row = self._rows[min(self._next, len(self._rows) - 1)]
            self._next += 1
            self._sequence += 1
            setpoint = Setpoint(self._name, self._epoch, self._sequence, target, row)
        self._publisher.publish(setpoint)
