"""The ALOHA cell: where the arms, the table and the permitted workspace are.

Frame: origin on the table top midway between the arms, x to the operator's right, y away from the operator, z up.
Source of the defaults: MuJoCo Menagerie ``aloha``; measure your own rig.
"""
from dataclasses import dataclass, field

import numpy as np

from .joints import Side


def planar_pose(x, y, z, yaw):
    """(4, 4) pose at (x, y, z) m turned by ``yaw`` rad about z."""
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    pose[:3, 3] = x, y, z
    return pose


@dataclass(frozen=True)
class Cell:
    """Base poses (x, y, z, yaw in m and rad) by side and the workspace box (m) for wrists, grippers and fingers."""

    bases: dict = field(default_factory=lambda: {Side.LEFT: (-0.469, -0.019, 0.02, 0.0),
                                                 Side.RIGHT: (0.469, -0.019, 0.02, np.pi)})
    workspace_lower: tuple = (-0.60, -0.33, -0.02)
    workspace_upper: tuple = (0.60, 0.40, 0.75)
    table_height: float = 0.0

    def base(self, side):
        """(4, 4) pose of one arm's base link in the cell frame."""
        return planar_pose(*self.bases[side])
