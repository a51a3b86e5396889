"""What a row has to satisfy before it may be commanded: numbers, limits, workspace, distance of the arms."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.capsules import NAMES, capsule_segments
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ACTION_DIM, SIDES
from cosmos_policy_ros.embodiment.limits import JointLimits, both_arms

from . import clearance, workspace
from .limits import Limited, admit, stop_pose


@dataclass(frozen=True)
class Admission:
    """``limited`` may be commanded when ``cause`` is ''; else the row is refused for that cause id, with ``detail``."""

    limited: Limited = None
    cause: str = ''
    detail: str = ''


class Envelope:
    """Checks rows against one ``SafetyConfig``. Holds no state between rows."""

    def __init__(self, config):
        self._config = config
        self.limits = JointLimits(
            both_arms(config.arm_lower, config.gripper_lower), both_arms(config.arm_upper, config.gripper_upper),
            both_arms(config.arm_speed, config.gripper_speed),
            both_arms(config.arm_acceleration, config.gripper_acceleration))
        self._gripper = GRIPPER_MAPS[config.gripper_map]
        self._bases = [config.cell.base(side) for side in SIDES]
        self._margins = clearance.margin_matrix(config.arm_margin, config.hand_margin, config.gripper_margin)

    def segments(self, vectors):
        """(n, 2, 10, 2, 3) m, capsule axes of both arms for vectors (n, 14)."""
        fingers = self._gripper.finger_from_joint(self._gripper.joint_from_action(vectors[:, 6::7]))
        return np.stack([capsule_segments(vectors[:, 7 * i:7 * i + 6], fingers[:, i], base)
                         for i, base in enumerate(self._bases)], axis=1)

    def min_clearance(self, vector):
        """m between the arms at ``vector`` (14,), over the pairs that have a margin."""
        return clearance.nearest(clearance.gaps(self.segments(vector[None]))[0], self._margins)[0]

    def admit(self, row, position, velocity, scale=1.0):
        """``Admission`` of a row after ``position`` was commanded with ``velocity``, both (14,).

        The pose is checked together with two along the brake that may follow it: half the distance, and its end.
        """
        try:
            row = np.asarray(row, dtype=float)
        except (TypeError, ValueError) as error:
            return Admission(cause='setpoint_shape', detail=str(error))
        if row.shape != (ACTION_DIM,):
            return Admission(cause='setpoint_shape', detail=f'shape {row.shape}, expected ({ACTION_DIM},)')
        if not np.isfinite(row).all():
            return Admission(cause='setpoint_nonfinite', detail=f'entries {np.flatnonzero(~np.isfinite(row)).tolist()}')
        limited = admit(row, position, velocity, self.limits, self._config.row_period,
                        self._config.far_outside_factor, scale)
        if limited.far:
            return Admission(limited, 'far_outside_limits', ', '.join(limited.far))
        return self._collides(limited, position) or Admission(limited)

    def _collides(self, limited, position):
        end = stop_pose(limited, self.limits)
        # One batch: forward kinematics cost the same for four poses as for one.
        segments = self.segments(np.stack([position, limited.positions, (limited.positions + end) / 2, end]))
        excess = workspace.excess(segments, self._config.cell, self._config.table_margin)
        worse = (excess[1:] > 0) & (excess[1:] > excess[0])
        if worse.any():
            _, side, link = np.argwhere(worse)[0]
            amount = excess[1:, side, link].max()
            return Admission(limited, 'workspace', f'{SIDES[side].value} {NAMES[link]} by {1000 * amount:.0f} mm')
        gaps = clearance.gaps(segments)
        close = clearance.too_close(gaps[1:], self._margins, gaps[0])
        if close.any():
            pose = np.argwhere(close)[0][0]
            gap, pair = clearance.nearest(np.where(close[pose], gaps[1 + pose], np.inf), self._margins)
            return Admission(limited, 'arm_clearance', f'{pair}: {1000 * gap:.0f} mm')
        return None
