"""What a row has to satisfy before it may be commanded: numbers, limits, workspace, distance of the arms."""
import math
from dataclasses import dataclass, replace

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, SIDES
from cosmos_policy_ros.embodiment.limits import JointLimits, both_arms

from .braking import Brake
from .hand_speed import slow_hands
from .limits import Limited, admit, stop_pose
from .surroundings import Surroundings

DIP = 0.002
"""m that may be lost between two checked poses, kept on top of every margin at the checked ones."""
SPACING = 2 * DIP
"""m that two capsules at their margins may travel between two checked poses."""
MOST_POSES = 24
"""Checked poses along a row and along the brake after it; what faster motion leaves unseen counts as distance lost."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Admission:
    """``limited`` may be commanded when ``cause`` is ''; else the row is refused for that cause id, with ``detail``."""

    limited: Limited = None
    cause: str = ''
    detail: str = ''


class Envelope:
    """Checks rows against one ``SafetyConfig``. Holds no state between rows.

    No distance falls below its margin at any time: neither at a row, nor on the straight way to it (of the joints), nor
    along a brake that begins at it. Between two checked poses with distances d and e a pair of capsules that travels at
    most t comes no closer than (d + e - t) / 2. A distance that is below its margin already, as may happen when arms
    are switched on, must not become smaller, but for ``DIP`` between checked poses.
    """

    def __init__(self, config):
        self.config = config
        self.limits = JointLimits(
            both_arms(config.arm_lower, config.gripper_lower), both_arms(config.arm_upper, config.gripper_upper),
            both_arms(config.arm_speed, config.gripper_speed),
            both_arms(config.arm_acceleration, config.gripper_acceleration))
        self.surroundings = Surroundings(config)

    def min_clearance(self, vector):
        """m between the arms at ``vector`` (14,), over the pairs that may not overlap."""
        return float(self.surroundings.clearance(self.surroundings.distances(vector[None]))[0])

    def speed_scale(self, vector):
        """Share of the arm joints' speed limits at ``vector`` (14,): below 1 when the arms are near each other."""
        return self._scale(self.surroundings.distances(vector[None]))

    def admit(self, row, position, velocity, scale=1.0, hand_speed=math.inf):
        """``Admission`` of a row after ``position`` was commanded with ``velocity``, both (14,).

        Args:
            scale: of the speed limits. hand_speed: m/s that no point of a hand may exceed.
        """
        try:
            row = np.asarray(row, dtype=float)
        except (TypeError, ValueError) as error:
            return Admission(cause='setpoint_shape', detail=str(error))
        if row.shape != (ACTION_DIM,):
            return Admission(cause='setpoint_shape', detail=f'shape {row.shape}, expected ({ACTION_DIM},)')
        if not np.isfinite(row).all():
            return Admission(cause='setpoint_nonfinite', detail=f'entries {np.flatnonzero(~np.isfinite(row)).tolist()}')
        before = self.surroundings.distances(position[None])
        scales = both_arms(scale * self._scale(before), scale)
        limited = self._limit(row, position, velocity, scales)
        if not limited.far and hand_speed < math.inf:
            limited = self._slow_hands(limited, position, velocity, scales, hand_speed)
        if limited.far:
            return Admission(limited, 'far_outside_limits', ', '.join(limited.far))
        return self._breach(limited, position, before) or Admission(limited)

    def _limit(self, row, position, velocity, scale):
        return admit(row, position, velocity, self.limits, self.config.row_period, self.config.far_outside_factor,
                     scale)

    def _slow_hands(self, limited, position, velocity, scale, speed):
        """``limited`` with its hands slowed down to ``speed``; far outside when the arms cannot brake to it in time."""
        slowed, which = slow_hands(limited.positions, position, speed * self.config.row_period)
        hands = tuple(f'{side.value}_hand' for side, hand in zip(SIDES, which) if hand)
        if not hands:
            return limited
        again = self._limit(slowed, position, velocity, scale)
        return replace(again, clamped=limited.clamped + hands, far=hands if again.clamped else ())

    def _scale(self, distances):
        share = float(self.surroundings.spare(distances)[0]) / self.config.slow_zone
        least = self.config.slow_zone_scale
        return least + (1 - least) * min(max(share, 0.0), 1.0)

    def _breach(self, limited, position, before):
        """``Admission`` that refuses a row for a distance, or None. ``before`` (1, K): distances at ``position``."""
        around, row = self.surroundings, limited.positions
        floor = np.minimum(around.margins + DIP, before) - ROUNDING
        between = np.minimum(around.margins, before - DIP) - ROUNDING
        at, end = around.distances(row[None]), stop_pose(row, limited.velocity, self.limits)
        missing = floor - at
        if (missing <= 0).all():
            way, braking = around.travel(position[None], row[None]), around.travel(row[None], end[None])
            spare = (before + at) / 2 - between
            if (way <= 2 * spare).all() and (braking <= at - floor).all():
                return None  # far from everything, as nearly always
            poses = self._path(limited, position, _shares(way / spare),
                               _shares(braking / np.maximum(at - floor, SPACING)))
            at = around.distances(poses)
            on_the_way = (np.concatenate([before, at[:-1]]) + at
                          - around.travel(np.concatenate([position[None], poses[:-1]]), poses)) / 2
            missing = np.maximum(floor - at, between - on_the_way)
            if (missing <= 0).all():
                return None
        pose, index = np.unravel_index(np.argmax(missing), missing.shape)
        return Admission(limited, around.cause(index), around.describe(index, at[pose, index]))

    def _path(self, limited, position, way, braking):
        """(m, 14): at shares ``way`` of the straight path to the row, then ``braking`` of the time its brake takes."""
        row, brake = limited.positions, Brake(limited.positions, limited.velocity, self.limits, 0.0)
        return np.concatenate([position + way * (row - position), brake.at(braking * brake.duration)[0]])


def _shares(needed):
    """(m, 1): equal shares of a path, the last one 1; as many as the neediest entry asks for."""
    poses = min(max(math.ceil(needed.max()), 1), MOST_POSES)
    return np.arange(1, poses + 1)[:, None] / poses
