"""The sender's end of a stop source: a level with heartbeat."""
import math
import threading
import time

from rclpy.clock import Clock, ClockType

from cosmos_policy_ros.msg import StopSource

from .qos import DRIVER

HEARTBEAT_PERIOD = 0.05


class StopButton:
    """Says its level 20 times a second, and at once when it is pressed; any thread may set it.

    Args:
        node: publishes. source: id. counter: returns the last ``SafetyStatus.counter`` that was seen, 0 before the first.
    """

    def __init__(self, node, source, counter):
        self._node, self._source, self._counter = node, source, counter
        self._pressed, self._sequence, self._sending = None, 0, threading.Lock()
        self._patience, self._seen = math.inf, 0.0
        self._publisher = node.create_publisher(StopSource, '/cosmos_policy/stop', DRIVER)
        node.create_timer(HEARTBEAT_PERIOD, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def set(self, pressed):
        """True, False, or None to say nothing, which counts as pressed where the source is a required one."""
        news = pressed and not self._pressed
        self._pressed = pressed
        if news:
            self._beat()

    def attended(self, patience=math.inf):
        """Somebody could press it now. It falls silent when that is not said again within ``patience`` s of wall time."""
        self._patience, self._seen = patience, time.monotonic()

    def _beat(self):
        with self._sending:
            deserted = not self._pressed and time.monotonic() - self._seen > self._patience
            if self._pressed is None or deserted:
                return
            self._sequence += 1
            message = StopSource(id=self._source, level=StopSource.PRESSED if self._pressed else StopSource.RELEASED,
                                 sequence=self._sequence, supervisor_counter=self._counter())
            message.header.stamp = self._node.get_clock().now().to_msg()
            self._publisher.publish(message)
