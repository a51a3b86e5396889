"""What the supervisor commanded and when, from its topics as a probe received them."""
from functools import partial

import numpy as np
from interbotix_xs_msgs.msg import JointGroupCommand
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.nodes.qos import LATCHED, ROW

STATUS = '/cosmos_policy/safety_status'
HEARTBEAT = '/cosmos_policy/supervisor_heartbeat'


class ArmWatch:
    """Records both arms' commands and states, and the supervisor's status and ticks.

    A command carries no stamp; the supervisor's heartbeat that follows it within the same tick does.
    """

    def __init__(self, probe):
        self._probe = probe
        self._now, self._seen = None, {}
        self._commands = {side: [] for side in SIDES}
        self.states = {side: probe.record(JointState, f'/follower_{side.value}/joint_states', 50) for side in SIDES}
        self.statuses = probe.record(SafetyStatus, STATUS, LATCHED)
        for side in SIDES:
            topic = f'/follower_{side.value}/commands/joint_group'
            probe.listen(JointGroupCommand, topic, partial(self._take, side), 50)
        probe.listen(Header, HEARTBEAT, self._tick, ROW)

    def _take(self, side, message):
        self._seen[side] = np.array(message.cmd)

    def _tick(self, message):
        self._now = seconds(message.stamp)
        for side, command in self._seen.items():
            self._commands[side].append((self._now, command))
        self._seen = {}

    @property
    def now(self):
        """Simulated time of the supervisor's last tick, s."""
        return self._now

    @property
    def status(self):
        """The last status, None before the first."""
        return self.statuses[-1] if self.statuses else None

    def causes(self):
        """Ids of the active causes."""
        return {cause.id for cause in self.status.causes} if self.status else set()

    def commands(self, side, since=0.0):
        """(n,) s and (n, 6) rad: the commands from simulated time ``since`` on."""
        kept = [entry for entry in list(self._commands[side]) if entry[0] >= since]
        return np.array([at for at, _ in kept]), np.array([command for _, command in kept]).reshape(-1, 6)

    def speed(self):
        """rad/s of the fastest arm joint over the last two commands; 0 before."""
        return max((np.abs(np.diff(rows[-2:], axis=0)[0] / (times[-1] - times[-2])).max()
                    for times, rows in map(self.commands, SIDES) if len(times) > 1), default=0.0)

    def measured(self, side):
        """(6,) rad and (6,) rad/s: the arm's last state."""
        state = self.states[side][-1]
        return np.array(state.position[:6]), np.array(state.velocity[:6])

    def at_rest(self):
        """Whether every arm joint is measured to stand still."""
        return all(np.abs(self.measured(side)[1]).max() < 0.03 for side in SIDES)


def assert_braked(times, rows, config):
    """Commands (n,) s, (n, 6) rad from at least two rows before a stop on, until it has ended, obey the limits.

    Every row keeps the speed limit; from the last row on, each joint only slows down, within its acceleration limit.
    Returns the speed from which it was braked, rad/s.
    """
    period, dt = config.row_period, np.diff(times)
    assert (dt > 0).all() and (np.abs(np.diff(rows, axis=0)) <= np.array(config.arm_speed) * period + 1e-5).all()
    last = 1 + np.flatnonzero(dt > 1.4 * period)[0]  # rows come every 30 to 50 ms; a longer wait ends in the brake
    first = (rows[last - 1] - rows[last - 2]) / period
    speeds = np.vstack([first, np.diff(rows[last - 1:], axis=0) / dt[last - 1:, None]])
    at = np.concatenate([[times[last - 1]], (times[last:] + times[last - 1:-1]) / 2])
    allowed = np.array(config.arm_acceleration) * np.diff(at)[:, None]
    assert (np.abs(np.diff(speeds, axis=0)) <= allowed * 1.01 + 1e-3).all()
    assert (np.diff(np.abs(speeds), axis=0) <= 1e-3).all() and (np.abs(speeds[-1]) < 1e-6).all()
    return np.abs(first).max()
