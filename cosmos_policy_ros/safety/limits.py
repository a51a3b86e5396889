"""Position, speed and acceleration limits of a row against what was last commanded."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.joints import JOINT_NAMES

from .braking import braking_distance

ROUNDING = 1e-9
"""Units per s; a row within this of a limit counts as inside, so that a clamped row is not clamped again."""


@dataclass(frozen=True)
class Limited:
    """``positions`` (14,) and ``velocity`` (14,) per s that may be commanded.

    ``clamped`` names the joints that were changed, ``far`` those so far outside that the row must be refused instead.
    """

    positions: np.ndarray
    velocity: np.ndarray
    clamped: tuple = ()
    far: tuple = ()


def admissible_velocity(position, velocity, limits, dt, scale=1.0):
    """Bounds of the next row's velocity from a commanded ``position`` and ``velocity``, all (..., 14).

    Within them a row obeys the speed limit times ``scale`` (a number, or one for each joint) and the acceleration
    limit, and a full brake after it ends inside the position limits. Braking at the acceleration limit is always among
    them. A joint outside its position limits may stand or move inwards.
    """
    a = limits.acceleration
    slower = velocity - np.clip(velocity, -a * dt, a * dt)
    upper = np.minimum(np.minimum(scale * limits.speed, velocity + a * dt), _towards(limits.upper - position, a, dt))
    lower = np.maximum(np.maximum(-scale * limits.speed, velocity - a * dt), -_towards(position - limits.lower, a, dt))
    return np.minimum(lower, slower), np.maximum(upper, slower)


def _towards(room, acceleration, dt):
    """Largest v >= 0 with v dt + v^2 / 2a <= room; 0 without room."""
    return acceleration * (np.sqrt(dt * dt + 2 * np.maximum(room, 0.0) / acceleration) - dt)


def clamp(rows, position, velocity, limits, dt, far_factor, scale=1.0):
    """Limit finite ``rows`` to follow ``position``, commanded with ``velocity``, after ``dt`` s; all (..., 14).

    Three bands per joint: inside, the row's own number, bit for bit; slightly outside, the nearest admissible one;
    faster than ``far_factor`` times the speed limit, far outside.

    Returns:
        Positions and velocities that may be commanded, then two masks: joints inside, and joints far outside.

    Raises:
        ValueError: ``dt`` is not positive. There is no speed without time, and no limit is skipped for want of one.
    """
    if not dt > 0:
        raise ValueError(f'time step {dt} s: a row must come after the one before')
    with np.errstate(over='ignore'):  # an infinite speed is far outside like any other
        wanted = (rows - position) / dt
    lower, upper = admissible_velocity(position, velocity, limits, dt, scale)
    inside = (wanted >= lower - ROUNDING) & (wanted <= upper + ROUNDING)
    allowed = np.clip(wanted, lower, upper)
    return (np.where(inside, rows, position + allowed * dt), np.where(inside, wanted, allowed), inside,
            np.abs(wanted) > far_factor * limits.speed)


def admit(row, position, velocity, limits, dt, far_factor, scale=1.0):
    """``clamp`` of one row (14,), as a ``Limited``."""
    positions, velocity, inside, far = clamp(row, position, velocity, limits, dt, far_factor, scale)
    return Limited(positions, velocity, _names(~inside), _names(far))


def stop_pose(positions, velocity, limits):
    """(..., 14) where a brake ends that starts at ``positions`` with ``velocity``, both (..., 14)."""
    return positions + braking_distance(velocity, limits.acceleration)


def _names(mask):
    return tuple(JOINT_NAMES[i] for i in np.flatnonzero(mask))
