"""Named arm poses."""
import numpy as np

from .limits import both_arms

START_ARM = np.array([0.0, -0.96, 1.16, 0.0, -0.3, 0.0])
"""rad; the pose in which every ALOHA episode starts (original ALOHA constants)."""

SLEEP_ARM = np.array([0.0, -1.75, 1.58, 0.0, -1.6, 0.0])
"""rad; a folded pose inside all limits. The driver's own sleep pose (0, -2.05, 1.7, 0, -2.0, 0) lies outside them."""

START_GRIPPER = 0.1
"""Normalised opening at the start of an episode: just closed."""

PARK_GRIPPER = 0.5
"""Normalised opening in which the arms are parked: gripper motors that are left fully closed overload."""

START = both_arms(START_ARM, START_GRIPPER)
SLEEP = both_arms(SLEEP_ARM, START_GRIPPER)
for _pose in (START_ARM, SLEEP_ARM, START, SLEEP):
    _pose.setflags(write=False)
