"""The safety monitor's node: work around the supervisor that is too heavy for its loop.

Into the supervisor go fingerprints of pictures; out of its status come diagnostics and markers, and markers of what the
policy is about to do. When this process dies,
the fingerprints stay away, and the supervisor takes the pictures for frozen.
"""
import math
import struct
import time
import zlib
from dataclasses import dataclass
from functools import partial

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from visualization_msgs.msg import MarkerArray

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.msg import ActionChunk, GuardState, PictureFingerprint, SafetyStatus
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.envelope import Envelope

from .clock import seconds
from .diagnostics import array, diagnostics
from .markers import SafetyMarkers
from .parameters import ParameterError, declare, parameter
from .pictures import subscribe
from .plan_markers import PlanMarkers
from .qos import DRIVER, EVENT, LATCHED
from .robot import RobotParameters
from .running import StreamExecutor, run

PICTURE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
FINGERPRINT_PERIOD = 0.1
"""s between two fingerprints of a camera; pictures in between are skipped."""

DIAGNOSTICS_PERIOD, MARKERS_PERIOD = 1.0, 0.2
GUARD_SILENCE = 1.0
LITTLE_ENDIAN = b'\x00\x01'


@dataclass(frozen=True)
class MonitorParameters(RobotParameters):
    """Parameters of the safety monitor beside those of the robot."""

    safety_config: str = parameter('safety.yaml', 'the file that the supervisor uses')
    frame: str = parameter('world', 'name of the cell frame in the markers')


def picture_stamp(raw):
    """``Time`` of a serialised picture, raw or compressed, and where the bytes after its header begin.

    Raises:
        ValueError: not little-endian CDR, which is what every ROS 2 middleware on a PC writes.
    """
    if raw[:2] != LITTLE_ENDIAN:
        raise ValueError(f'pictures are encoded as {raw[:2].hex()}, expected little-endian CDR')
    sec, nanosec, length = struct.unpack_from('<iII', raw, 4)
    return Time(sec=sec, nanosec=nanosec), 16 + length


class SafetyMonitorNode(Node):
    """Listens to cameras, supervisor and guard."""

    def __init__(self):
        super().__init__('safety_monitor')
        p = declare(self, MonitorParameters)
        self._config = load_config(config_file(p.safety_config))
        envelope = Envelope(self._config)
        self._markers, self._plan = SafetyMarkers(envelope, p.frame), PlanMarkers(envelope, p.frame)
        self._status, self._status_at, self._guard, self._guard_at = None, -math.inf, None, -math.inf
        self._levels, self._shown = None, dict.fromkeys(CAMERAS, -math.inf)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', DRIVER)
        self._marker_array = self.create_publisher(MarkerArray, '/cosmos_policy/safety_markers', DRIVER)
        self._plan_array = self.create_publisher(MarkerArray, '/cosmos_policy/plan_markers', DRIVER)
        self._fingerprint = self.create_publisher(PictureFingerprint, '/cosmos_policy/picture_fingerprint', DRIVER)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.create_subscription(GuardState, '/cosmos_policy/guard_state', self._on_guard, DRIVER)
        self.create_subscription(ActionChunk, '/cosmos_policy/chunk', self._on_chunk, EVENT)
        for camera in CAMERAS:
            subscribe(self, p, camera, partial(self._on_image, camera), PICTURE, raw=True)
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DIAGNOSTICS_PERIOD, self._diagnose, clock=wall)
        self.create_timer(MARKERS_PERIOD, self._mark, clock=wall)

    def _on_image(self, camera, raw):
        try:
            stamp, begin = picture_stamp(raw)
        except (ValueError, struct.error) as error:
            self.get_logger().error(f'{camera}: {error}', throttle_duration_sec=5.0)
            return
        moment = seconds(stamp)
        if 0 <= moment - self._shown[camera] < FINGERPRINT_PERIOD:
            return
        self._shown[camera] = moment
        message = PictureFingerprint(camera=camera, fingerprint=zlib.crc32(memoryview(raw)[begin:]))
        message.header.stamp = stamp
        self._fingerprint.publish(message)

    def _on_status(self, message):
        self._status, self._status_at = message, time.monotonic()
        entries = self._entries()
        if [entry.level for entry in entries] != self._levels:
            self._publish(entries)

        if not message.armed:
            self._plan.clear()

    def _on_chunk(self, message):
        self._plan.take([point.positions for point in message.trajectory.points], message.value)

    def _on_guard(self, message):
        self._guard, self._guard_at = message, time.monotonic()

    def _entries(self):
        now = time.monotonic()
        guard = self._guard if now - self._guard_at < GUARD_SILENCE else None
        return diagnostics(self._status, now - self._status_at, guard, self._config)

    def _diagnose(self):
        self._publish(self._entries())

    def _publish(self, entries):
        self._levels = [entry.level for entry in entries]
        self._diagnostics.publish(array(entries, self.get_clock().now().to_msg()))

    def _mark(self):
        if self._status is None:
            return
        if self._marker_array.get_subscription_count():
            self._marker_array.publish(self._markers.array(self._status.command, self._status.velocity,
                                                           self._status.header.stamp))
        if self._plan_array.get_subscription_count():
            self._plan_array.publish(self._plan.array(self._status, self._status.header.stamp))


def main():
    """Entry point of the executable ``safety_monitor_node``."""
    run(SafetyMonitorNode, (ConfigError, ParameterError), StreamExecutor, pictures=True)


if __name__ == '__main__':
    main()
