"""Sources of bad rows for many arms at once, how limits and brake answer them, and a judge of what was emitted.

A lane is one robot: its last command, how fast that was, and a source that misbehaves in one way.
"""
import numpy as np

from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.limits import clamp

PERIOD, TICK = 0.04, 0.01
TOLERANCE = 1e-9


class Sources:
    """Rows (n, 14) for n lanes; lane i misbehaves in the way i modulo the number of ways."""

    def __init__(self, lanes, limits, seed):
        self._rng, self._limits, self._lanes = np.random.default_rng(seed), limits, lanes
        self._ways = [self._anywhere, self._bang_bang, self._towards_limits, self._salted, self._jitter, self._replay,
                      self._alternating, self._edge_of_acceleration, self._huge, self._good]
        self._lane = np.arange(lanes) % len(self._ways)
        self._sign = np.ones((lanes, 14))
        self._past = self._rng.uniform(limits.lower, limits.upper, (lanes, 14))
        self._time = 0

    def rows(self, position, velocity):
        """The next row of every lane, given its last command (n, 14) and that one's velocity (n, 14)."""
        rows, self._time = np.empty_like(position), self._time + 1
        for way, make in enumerate(self._ways):
            lane = self._lane == way
            rows[lane] = make(position[lane], velocity[lane], lane)
        return rows

    def _anywhere(self, position, velocity, lane):
        limits, beyond = self._limits, 0.2 * (self._limits.upper - self._limits.lower)
        return self._rng.uniform(limits.lower - beyond, limits.upper + beyond, position.shape)

    def _bang_bang(self, position, velocity, lane):
        """The speed limit and a little more, changing sides now and then."""
        self._sign[lane] *= np.where(self._rng.random(position.shape) < 0.1, -1, 1)
        share = self._rng.choice([1.0, 1.2, 1.49], (len(position), 1))
        return position + PERIOD * share * self._sign[lane] * self._limits.speed

    def _towards_limits(self, position, velocity, lane):
        """At full speed to one end of every joint and a little beyond, then to the other."""
        way = np.where(np.arange(14) % 2, 1, -1) * (-1 if self._time // 60 % 2 else 1)
        limits = self._limits
        return np.clip(position + PERIOD * limits.speed * way, limits.lower - 0.05, limits.upper + 0.05)

    def _salted(self, position, velocity, lane):
        rows = position + PERIOD * velocity + self._rng.normal(0, 0.01, position.shape)
        salt = self._rng.random(position.shape) < 0.02
        rows[salt] = self._rng.choice([np.nan, np.inf, -np.inf], salt.sum())
        return rows

    def _jitter(self, position, velocity, lane):
        """Denormal numbers, the smallest steps of a float, and steps of the size of rounding."""
        step = self._rng.choice([5e-324, -5e-324, 1e-310, 1e-17, 1e-9, -1e-9, 4e-11, -4e-11, 0.0], position.shape)
        return np.where(self._rng.random(position.shape) < 0.5, position + step, np.nextafter(position, np.inf))

    def _replay(self, position, velocity, lane):
        """A row of some time ago, again."""
        if self._time % 7 == 0:
            self._past[lane] = position
        return self._past[lane]

    def _alternating(self, position, velocity, lane):
        """Two sources that take turns, each with a plan of its own."""
        phase = 0.1 * self._time + np.arange(14) + np.pi * (self._time % 2)
        return position + PERIOD * self._limits.speed * np.sin(phase)

    def _edge_of_acceleration(self, position, velocity, lane):
        share = self._rng.choice([-1.1, -1.0, -0.999999, 0.0, 0.999999, 1.0, 1.1], position.shape)
        return position + PERIOD * velocity + PERIOD ** 2 * share * self._limits.acceleration

    def _huge(self, position, velocity, lane):
        return position + self._rng.choice([0.0, 0.0, 0.0, 1e-3, 1e3, 1e308, -1e308], (len(position), 1))

    def _good(self, position, velocity, lane):
        """Well inside: such rows must pass bit for bit."""
        middle, room = (self._limits.upper + self._limits.lower) / 2, (self._limits.upper - self._limits.lower) / 2
        share = np.sin(0.02 * self._time + np.arange(14))
        return middle + 0.3 * np.minimum(room, 1.0) * share


class Judge:
    """Counts violations in what was emitted, from the definitions of the limits and the emitted samples alone."""

    def __init__(self, limits):
        self._limits = limits
        self.rows = self.violations = self.changed_bits = self.clamped = self.stops = 0

    def _count(self, wrong):
        self.violations += int(np.count_nonzero(wrong))

    def sample(self, before, speed_before, now, passed):
        """``now`` (n, 14) was emitted ``passed`` s after ``before``, which had come at ``speed_before``."""
        limits, speed = self._limits, (now - before) / passed
        self._count(~np.isfinite(now))
        self._count((now > limits.upper + TOLERANCE) | (now < limits.lower - TOLERANCE))
        self._count(np.abs(speed) > limits.speed * (1 + TOLERANCE))
        self._count(np.abs(speed - speed_before) > limits.acceleration * PERIOD * (1 + TOLERANCE) + TOLERANCE)
        # Work done by the brake over the way to the limit is the motion energy that it can still take.
        way = np.where(speed > 0, limits.upper - now, now - limits.lower)
        self._count(speed ** 2 > 2 * limits.acceleration * (way + TOLERANCE))
        return speed

    def stop(self, position, speed, commands):
        """``commands`` (ticks, n, 14), 10 ms apart, of a stop that began at ``position`` with ``speed`` (n, 14)."""
        limits, self.stops = self._limits, self.stops + len(position)
        for tick, command in enumerate(commands, 1):
            left = np.maximum(np.abs(speed) - limits.acceleration * tick * TICK, 0.0)
            expected = position + np.sign(speed) * (speed ** 2 - left ** 2) / (2 * limits.acceleration)
            self._count(np.abs(command - expected) > TOLERANCE)
            self._count((command > limits.upper + TOLERANCE) | (command < limits.lower - TOLERANCE))
        self._count(left)  # at rest with the last one


def admissible(rows, position, velocity, limits):
    """(n,) lanes whose row is inside every limit, by the definitions, with a margin that exceeds all rounding."""
    with np.errstate(over='ignore'):
        speed = (rows - position) / PERIOD
        way = np.where(speed > 0, limits.upper - rows, rows - limits.lower)
        inside = ((np.abs(speed) <= 0.999 * limits.speed)
                  & (np.abs(speed - velocity) <= 0.999 * limits.acceleration * PERIOD)
                  & (speed ** 2 <= 2 * 0.999 * limits.acceleration * way))
    return inside.all(axis=1)


def torture(lanes, steps, limits, far_factor, clamped_limit, seed=0, judge=None):
    """Play ``lanes * steps`` bad rows through limits and brake as the supervisor does; returns the ``Judge``."""
    judge = judge or Judge(limits)
    sources = Sources(lanes, limits, seed)
    rng = np.random.default_rng(seed + 1)
    position = rng.uniform(limits.lower, limits.upper, (lanes, 14))
    velocity, in_a_row = np.zeros((lanes, 14)), np.zeros(lanes, dtype=int)
    seen = velocity.copy()  # the judge's own idea of the speed
    for _ in range(steps):
        rows = sources.rows(position, velocity)
        finite = np.isfinite(rows).all(axis=1)
        asked = np.where(finite[:, None], rows, position)
        allowed, speed, inside, far = clamp(asked, position, velocity, limits, PERIOD, far_factor)
        clamped = ~inside.all(axis=1)
        in_a_row = np.where(clamped, in_a_row + 1, 0)
        refused = ~finite | far.any(axis=1) | (in_a_row >= clamped_limit)
        good = admissible(asked, position, velocity, limits) & finite
        judge.changed_bits += int(np.count_nonzero((allowed != asked)[good]) + np.count_nonzero(refused & good))
        judge.rows, judge.clamped = judge.rows + lanes, judge.clamped + int(clamped.sum())
        passed = ~refused
        seen[passed] = judge.sample(position[passed], seen[passed], allowed[passed], PERIOD)
        # A stop also comes at random, as from a button.
        stopped = refused | (rng.random(lanes) < 0.02)
        position, velocity = np.where(passed[:, None], allowed, position), np.where(passed[:, None], speed, velocity)
        if stopped.any():
            brake = Brake(position[stopped], velocity[stopped], limits, 0.0)
            commands = [brake.at(tick * TICK)[0] for tick in range(1, 12)]
            judge.stop(position[stopped], seen[stopped], commands)
            position[stopped], velocity[stopped], seen[stopped], in_a_row[stopped] = commands[-1], 0.0, 0.0, 0
    return judge
