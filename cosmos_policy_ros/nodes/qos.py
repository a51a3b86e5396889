"""Quality of service of every stream, in one place: a reader's demands have to match its writer's offers."""
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

SENSOR = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Readers of images and joint states: fits best-effort and reliable drivers alike; an old sample is worthless."""

DRIVER = QoSProfile(depth=10)
"""What the Interbotix driver and the RealSense node use at both ends: reliable, volatile."""

ROW = QoSProfile(depth=10)
"""Setpoints: reliable. The supervisor judges each by its target time; a recorder has to see all."""

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""State that a late joiner has to see."""

EVENT = QoSProfile(depth=20)
"""Chunks and episode events: reliable, none may be skipped."""
