"""The stop: every joint from its commanded speed to rest at its acceleration limit."""
import numpy as np


def braking_distance(velocity, acceleration):
    """Signed distance covered while braking from ``velocity`` at ``acceleration``: v |v| / 2a."""
    return velocity * np.abs(velocity) / (2 * acceleration)


class Brake:
    """Constant deceleration of each joint from where it is commanded at time ``start``.

    Joints are not synchronised: each comes to rest as soon as it can. A joint whose room up to its position limit is
    too short brakes harder, so that it never passes the limit; ``limits.admit`` lets no such state arise.

    Jerk is not limited. The servos' lag of 0.1 s smooths the beginning of the brake anyway: limiting jerk lowers
    neither the acceleration nor the torque of the simulated arms, and only lets them go further
    (``benchmarks/bench_braking.py``).

    Args:
        position, velocity: (..., 14) commanded. limits: ``JointLimits``. start: s.
    """

    def __init__(self, position, velocity, limits, start):
        self.start = start
        self._position, self._velocity = position, velocity
        room = np.where(velocity > 0, limits.upper - position, position - limits.lower)
        distance = np.abs(braking_distance(velocity, limits.acceleration))
        with np.errstate(divide='ignore'):  # no room is no time to brake, and no way to brake over
            stretch = np.maximum(0.0, np.divide(room, distance, out=np.ones_like(room), where=distance > room))
            self._deceleration = limits.acceleration / stretch
        self._duration = np.abs(velocity) / self._deceleration

    @property
    def duration(self):
        """s from ``start`` until all joints are at rest."""
        return float(self._duration.max())

    def at(self, now):
        """Position and velocity at time ``now``; at rest at the end of the brake for every later time.

        Both have the shape of the commanded ones; for one pose, ``now`` may be (n, 1), and they are (n, 14).
        """
        t = np.clip(now - self.start, 0.0, self._duration)
        sign = np.sign(self._velocity)
        speed = np.abs(self._velocity)
        # Travelled distance as mean speed times time, which stays finite for an infinite deceleration.
        left = speed * (1 - np.divide(t, self._duration, out=np.ones_like(t), where=self._duration > 0))
        return self._position + sign * (speed + left) / 2 * t, sign * left
