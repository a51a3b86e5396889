"""The one clock of a node: monotonic on a robot, the simulator's under ``use_sim_time``."""
import time

from builtin_interfaces.msg import Time
from rclpy.clock import Clock, ClockType

NANOSECONDS = 1_000_000_000


def seconds(stamp):
    """Seconds of a ``builtin_interfaces/Time``."""
    return stamp.sec + stamp.nanosec * 1e-9


def time_message(moment):
    """``builtin_interfaces/Time`` of a moment in s."""
    total = max(0, round(moment * NANOSECONDS))
    return Time(sec=total // NANOSECONDS, nanosec=total % NANOSECONDS)


class NodeClock:
    """Seconds that never step back, and the conversion to and from message stamps.

    Deadlines and target times are kept on this clock, so a step of the computer's date moves none of them. A stamp is
    converted with the offset of the moment: its age is what carries over.
    """

    def __init__(self, node):
        self._node = node
        self._ros = node.get_clock()
        self.simulated = bool(node.get_parameter('use_sim_time').value)
        self._timer_clock = self._ros if self.simulated else Clock(clock_type=ClockType.STEADY_TIME)

    def now(self):
        """Seconds on this clock; 0 under ``use_sim_time`` until the first ``/clock`` message."""
        return self._ros.now().nanoseconds * 1e-9 if self.simulated else time.monotonic()

    def when_started(self, callback):
        """Call ``callback()`` once this clock runs: at once, or with the first ``/clock`` under ``use_sim_time``."""
        if not self.simulated:
            callback()
            return

        def look():
            if self.now() > 0:
                waiting.cancel()
                callback()
        waiting = self._node.create_timer(0.02, look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _offset(self):
        return 0.0 if self.simulated else self._ros.now().nanoseconds * 1e-9 - time.monotonic()

    def from_stamp(self, stamp):
        """Seconds on this clock of a message stamp."""
        return seconds(stamp) - self._offset()

    def to_stamp(self, moment):
        """Message stamp of a moment on this clock."""
        return time_message(moment + self._offset())

    def timer(self, period, callback):
        """A node timer every ``period`` seconds of this clock."""
        return self._node.create_timer(period, callback, clock=self._timer_clock)
