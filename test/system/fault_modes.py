"""Brings a supervisor into every mode, by the ways that an operator and a source of rows have."""
from dataclasses import dataclass

import numpy as np
from fault_streams import GRIPPERS, STEP, Arms, Streams

from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.clock import time_message

OWN = '/cosmos_policy'
LATCHED_STATES = (SafetyStatus.PROTECTIVE_STOP, SafetyStatus.ESTOPPED, SafetyStatus.FAULT)
START = 2_000_000
"""Ticks at which time begins, so that it may jump back by an hour."""
STEPS_OF_A_HOLD = 6
"""A hold repeats its command every 40 ms."""
SETTLES = 4
"""Steps in which arms that barely count as being at rest come well within that."""
STEPS_OF_A_STATUS = 12
"""What has changed is in a status by then."""


@dataclass(frozen=True)
class Tick:
    """What the supervisor published in one tick at ``now`` (s): arm commands (14,) or None, and a status or None."""

    now: float
    command: np.ndarray
    status: SafetyStatus


class ModeRig:
    """Arms, streams and the log of a supervisor; ``step``, ``arm`` and ``reset`` depend on how it is reached.

    ``status`` is the last ``SafetyStatus``, ``log`` a ``Tick`` for every one since the rig was last calm.

    Args:
        node: creates the publishers of the streams.
    """

    def __init__(self, node):
        self.arms = Arms()
        self.streams = Streams(node, self.arms)
        self.status, self.log = None, []
        self._ticks, self._mends = START, []
        self._seen, self._commanded, self._stands = None, False, False

    def _begin_tick(self):
        self._ticks += 1
        self._seen, self._commanded = None, False

    def _end_tick(self):
        self.log.append(Tick(self.now, self.arms.goal.copy() if self._commanded else None, self._seen))
        self.arms.advance(STEP)
        stood, self._stands = self._stands, self.status.state == SafetyStatus.HELD
        if stood and self._stands and self.streams.planned != self.streams.epoch:
            self.streams.plan(self.now)
        self.streams.publish(self.now)

    @property
    def now(self):
        """s on the clock that the supervisor follows."""
        return self._ticks * STEP

    @property
    def stamp(self):
        """``now`` as a message."""
        return time_message(self.now)

    @property
    def row_sent(self):
        """s, when the newest row was sent that the last tick can have seen."""
        return max(at for at in self.streams.rows_at if at < self.now - STEP / 2)

    @property
    def state(self):
        """Name of the supervisor's state."""
        return self.status.state_name

    @property
    def causes(self):
        """Ids of the active causes."""
        return {cause.id for cause in self.status.causes}

    def until(self, condition, within, what):
        """Step until ``condition()``; fails after ``within`` s of simulated time."""
        for _ in range(round(within / STEP)):
            if condition():
                return
            self.step()
        assert condition(), f'not within {within} s: {what}; {self.state}, {[c.text for c in self.status.causes]}, ' \
                            f'{list(self.status.blockers)}'

    def at_mend(self, function):
        """Call a function when the fault is lifted."""
        self._mends.append(function)

    def mend(self):
        """Lift every fault; rows end."""
        while self._mends:
            self._mends.pop()()
        self.streams.mend()
        self.arms.mend()

    def calm(self):
        """READY, whatever was before, by the ways that an operator has; a reset must move nothing."""
        self.mend()
        self.step(STEPS_OF_A_STATUS)
        self.until(lambda: self.state not in ('RUNNING', 'STOPPING', 'BOOT'), 2.0, 'at rest')
        if self.status.state in LATCHED_STATES:
            self.until(lambda: not self.status.blockers, 3.0, 'nothing against a reset')
            self.step(SETTLES)
            reply = self.reset()
            assert reply.accepted, list(reply.blockers)
            self.log.clear()
            self.step(5)
            assert not any(tick.command is not None for tick in self.log), 'a reset moves nothing'
        if self.status.causes and self.status.state not in LATCHED_STATES:
            self.until(lambda: not self.status.blockers, 2.0, 'nothing against arming')
            assert self.arm('teleop').accepted, 'what asks for a new epoch is over with one'
        assert self.arm('').accepted
        self.arms.carry_home()
        self.step(4)
        self.until(lambda: self.state == 'READY' and not self.status.causes, 3.0, 'READY')
        self.log.clear()

    def held(self, authority='policy'):
        """A source has the arms, which stand."""
        self.until(lambda: not self.status.blockers, 2.0, 'nothing against arming')
        self.step(SETTLES)
        reply = self.arm(authority)
        assert reply.accepted, list(reply.blockers)
        self.until(lambda: self.state == 'HELD', 0.5, 'HELD')
        self.step(STEPS_OF_A_HOLD)

    def running(self):
        """Rows swing both arms, at more than a rad per second."""
        self.held()
        self.streams.play()
        self.until(lambda: self.speed() > 1.2, 2.0, 'speed')

    def speed(self):
        """rad/s of the left waist over the last two commands."""
        last = [(tick.now, tick.command[0]) for tick in self.log if tick.command is not None][-2:]
        return abs(last[1][1] - last[0][1]) / (last[1][0] - last[0][0]) if len(last) == 2 else 0.0

    def stopping(self):
        """The arms brake, for the same source asked for a new epoch."""
        self.running()
        assert self.arm('policy').accepted
        self.streams.rest()

    def stopped(self):
        """A stop is latched, and nothing but the reset is missing."""
        self.running()
        self.streams.heartbeat(id='wall', level=1)
        self.streams.rest()
        self.until(lambda: self.state == 'ESTOPPED', 0.2, 'ESTOPPED')
        self.streams.heartbeat(id='wall')
        self.step(STEPS_OF_A_STATUS)
        self.until(lambda: self.state == 'ESTOPPED' and not self.status.blockers, 3.0, 'nothing against a reset')

    def _on_group(self, side, message):
        self.arms.goal[ARM_SLICE[side]] = message.cmd
        self._commanded = True

    def _on_single(self, side, message):
        self.arms.goal[GRIPPER_INDEX[side]] = GRIPPERS.action_from_joint(message.cmd)

    def _on_status(self, message):
        self.status = self._seen = message
        self.streams.counter = message.counter
