"""Rows from rest to rest: how a source reaches a pose, for parking or before its first own row."""
import math

import numpy as np
import ruckig

from .hand_speed import hand_travel

JERK_TIME = 0.2
"""s over which a joint's acceleration is built up to its limit; the arms' lowest resonances are a few Hz."""


PIECES = 200
"""Pieces of the way in which its fastest point for a hand is looked for, and 1 % on top for what lies between them."""


def ramp(start, goal, limits, period, scale=1.0, hand_speed=math.inf):
    """Rows (n, 14), one ``period`` apart, straight from ``start`` to ``goal``, both (14,); the last one is ``goal``.

    All joints keep step on one path parameter, so that the way is a straight line in the space of the joints, and each
    stays within ``scale`` times its speed limit and its acceleration limit, with limited jerk. Rows are no permission:
    they go through the supervisor like any others.

    Args:
        limits: ``JointLimits``. period: s. scale: of the speed limits. hand_speed: m/s that no point of a hand exceeds.
    """
    start, goal = np.asarray(start, dtype=float), np.asarray(goal, dtype=float)
    distance = np.abs(goal - start)
    if not distance.any():
        return goal[None].copy()
    moving = distance > 0
    speed, acceleration = (float((limit[moving] / distance[moving]).min())
                           for limit in (scale * limits.speed, limits.acceleration))
    if hand_speed < math.inf:
        way = start + np.linspace(0.0, 1.0, PIECES + 1)[:, None] * (goal - start)
        speed = min(speed, hand_speed / (1.01 * PIECES * float(hand_travel(way[:-1], way[1:]).max()) + 1e-9))
    duration, share = _ruckig(speed, acceleration) or _polynomial(speed, acceleration)
    shares = np.array([share(period * i) for i in range(1, math.ceil(duration / period))])
    rows = start + shares.reshape(-1, 1) * (goal - start)
    return np.concatenate([rows, goal[None]])


def _ruckig(speed, acceleration):
    """Duration (s) and share of the way at a time, 0 to 1 from rest to rest; None where Ruckig finds no trajectory."""
    request, trajectory = ruckig.InputParameter(1), ruckig.Trajectory(1)
    request.target_position = [1.0]
    request.max_velocity, request.max_acceleration = [speed], [acceleration]
    request.max_jerk = [acceleration / JERK_TIME]
    try:
        result = ruckig.Ruckig(1).calculate(request, trajectory)
    except ruckig.RuckigError:
        return None
    if result not in (ruckig.Result.Working, ruckig.Result.Finished):
        return None
    return trajectory.duration, lambda time: trajectory.at_time(min(time, trajectory.duration))[0][0]


def _polynomial(speed, acceleration):
    """As ``_ruckig`` in closed form: 10 u^3 - 15 u^4 + 6 u^5, peaks: speed 15/8, acceleration 10/sqrt 3, jerk 60."""
    duration = max(15 / 8 / speed, math.sqrt(10 / math.sqrt(3) / acceleration),
                   (60 * JERK_TIME / acceleration) ** (1 / 3))

    def share(time):
        u = min(time / duration, 1.0)
        return u ** 3 * (10 - 15 * u + 6 * u * u)

    return duration, share
