"""Sources of rows towards the supervisor: how rows are sent, and when a source has the arms."""
from std_msgs.msg import Header

from cosmos_policy_ros.msg import JointSetpoint, SafetyStatus

from .convert import setpoint_message
from .qos import LATCHED, ROW

STATUS_SILENCE = 0.3
"""s without a safety status after which the arms count as stopped."""


class RowPublisher:
    """Sends rows as whoever has the arms.

    Args:
        node: publishes. clock: a ``NodeClock``.
    """

    def __init__(self, node, clock):
        self._clock = clock
        self._setpoints = node.create_publisher(JointSetpoint, '/cosmos_policy/setpoint', ROW)
        self._heartbeat = node.create_publisher(Header, '/cosmos_policy/source_heartbeat', ROW)

    def publish(self, setpoint):
        """Send a ``control.setpoint.Setpoint``."""
        message = setpoint_message(setpoint, self._clock)
        self._setpoints.publish(message)
        # Sent when the row is on its way to everybody: lock-step would else run ahead of a supervisor that has it not.
        self._heartbeat.publish(message.header)


class RowSource:
    """Starts and stops a maker of rows with its authority, and sends what it makes.

    Args:
        node: subscribes and publishes. clock: a ``NodeClock``. sources: authorities that it serves.
        maker: has ``epoch`` (None when stopped), ``start(source, epoch, now, position)``, ``stop()`` and ``row(now)``,
            a ``control.setpoint.Setpoint`` or None.
        started: called after each start.
    """

    def __init__(self, node, clock, sources, maker, started=lambda: None):
        self._node, self._clock, self._sources, self._maker, self._started = node, clock, sources, maker, started
        self.status = None
        """The last ``SafetyStatus``, None before the first."""
        self._status_at, self._ended = float('-inf'), None
        node.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self._rows = RowPublisher(node, clock)

    def play(self):
        """Send the row that is due, if any: to be called several times in 40 ms."""
        now = self._clock.now()
        if self._maker.epoch is not None and now - self._status_at > STATUS_SILENCE:
            self._node.get_logger().error('no safety status: holding')
            self._end()
        setpoint = self._maker.row(now)
        if setpoint is not None:
            self._rows.publish(setpoint)

    def _on_status(self, status):
        now = self._clock.now()
        self.status, self._status_at = status, now
        if not (status.armed and status.authority in self._sources):
            self._end()
            return
        if self._maker.epoch not in (None, status.epoch):
            self._end()
        if status.epoch not in (self._maker.epoch, self._ended) and status.state == SafetyStatus.HELD:
            self._maker.start(status.authority, status.epoch, now, status.command)
            self._started()

    def _end(self):
        if self._maker.epoch is not None:
            self._ended = self._maker.epoch
            self._maker.stop()
