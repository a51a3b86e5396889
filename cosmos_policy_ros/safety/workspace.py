"""The box in which wrists and hands may move, and the table under the arm links."""
import numpy as np

from cosmos_policy_ros.embodiment.capsules import NAMES, RADII

BOXED = np.array([name in ('wrist', 'gripper', 'left_finger', 'right_finger') for name in NAMES])
"""Capsules that stay inside the workspace box."""

ABOVE_TABLE = np.array([name in ('upper_arm', 'upper_forearm', 'lower_forearm', 'wrist', 'gripper', 'camera')
                        for name in NAMES])
"""Capsules that stay above the table; base and shoulder cannot reach it, fingers may touch it (the box bounds them)."""


def excess(segments, cell, table_margin):
    """(..., 2, 10) m by which capsules of ``segments`` (..., 2, 10, 2, 3) leave what they are permitted; 0 inside."""
    low = segments.min(axis=-2) - RADII[:, None]
    high = segments.max(axis=-2) + RADII[:, None]
    box = np.maximum(np.asarray(cell.workspace_lower) - low, high - np.asarray(cell.workspace_upper)).max(axis=-1)
    table = cell.table_height + table_margin - low[..., 2]
    return np.maximum(0.0, np.maximum(np.where(BOXED, box, 0.0), np.where(ABOVE_TABLE, table, 0.0)))
