"""Speed and acceleration limits from what good demonstrations needed."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.embodiment.limits import hardware_limits

LONGEST_STOP = 0.1
"""s; no acceleration limit is set so low that a stop from full speed would take longer."""


@dataclass(frozen=True, eq=False)
class Demonstrated:
    """Limits per second and per second squared, of one arm (6,) and its gripper, and how the demonstrations fit in.

    ``rows`` were looked at; ``beyond`` of them exceed a limit and would be clamped.
    """

    arm_speed: np.ndarray
    gripper_speed: float
    arm_acceleration: np.ndarray
    gripper_acceleration: float
    rows: int
    beyond: int


def demonstrated_limits(episodes, period, margin=1.25, percentile=99.9):
    """``Demonstrated`` limits: ``margin`` times a percentile over all rows, the larger of the two arms, by joint.

    Never above what the hardware allows, and accelerations never below what stops the arms within ``LONGEST_STOP``.

    Args:
        episodes: iterable of (T, 14) commanded rows, ``period`` s apart.

    Raises:
        ValueError: nothing to learn from, a wrong shape or number, or a joint that never moves in any episode.
    """
    if not (margin >= 1 and 0 < percentile <= 100):
        raise ValueError(f'margin {margin}, percentile {percentile}: expected at least 1, and above 0 to 100')
    speeds, accelerations = [], []
    for number, rows in enumerate(episodes):
        rows = np.asarray(rows, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != ACTION_DIM or len(rows) < 3 or not np.isfinite(rows).all():
            raise ValueError(f'episode {number}: expected at least 3 rows of {ACTION_DIM} finite numbers, '
                             f'got shape {rows.shape}')
        velocity = np.diff(rows, axis=0) / period
        # An episode begins at rest.
        speeds.append(np.abs(velocity))
        accelerations.append(np.abs(np.diff(velocity, axis=0, prepend=0 * velocity[:1])) / period)
    if not speeds:
        raise ValueError('no episodes: limits cannot be learned from nothing')
    speeds, accelerations = np.concatenate(speeds), np.concatenate(accelerations)
    hardware = hardware_limits()
    speed = np.minimum(margin * _both(np.percentile(speeds, percentile, axis=0)), hardware.speed)
    if not (speed > 0).all():
        raise ValueError('a joint never moves in any episode: give demonstrations that use all joints')
    acceleration = np.clip(margin * _both(np.percentile(accelerations, percentile, axis=0)), speed / LONGEST_STOP,
                           hardware.acceleration)
    beyond = ((speeds > speed) | (accelerations > acceleration)).any(axis=1)
    gripper = GRIPPER_INDEX[SIDES[0]]
    return Demonstrated(speed[:6], float(speed[gripper]), acceleration[:6], float(acceleration[gripper]), len(speeds),
                        int(beyond.sum()))


def _both(values):
    """(14,): the larger of the two arms' values for both, since either may do what the other did."""
    return np.tile(values.reshape(len(SIDES), -1).max(axis=0), len(SIDES))
