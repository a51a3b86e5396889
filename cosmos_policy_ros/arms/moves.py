"""The way of both arms to a pose: together if they stay apart, else one after the other."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ARM_SLICE, SIDES

from .driver import ArmError


class MoveRefused(ArmError):
    """No way was found, or the arms did not go it."""


def plan(start, goals, ramp, judge, lower, upper):
    """Rows (n, 14) from ``start`` through each of ``goals``, all (14,), on the first way that ``judge`` lets pass.

    Args:
        ramp: (start, goal) to rows (n, 14) that end at the goal. judge: (rows, start, first) to '' or an objection;
            rows before ``first`` lead back inside ``lower`` and ``upper`` (14,) and are left to the supervisor, which
            judges each again anyway.

    Raises:
        MoveRefused: every way meets an objection.
    """
    objections = []
    for name, points in ways(start, goals):
        rows = np.concatenate([ramp(a, b) for a, b in zip([start, *points], points)])
        objection = judge(rows, start, first_inside(rows, lower, upper))
        if not objection:
            return rows
        objections.append(f'{name}: {objection}')
    raise MoveRefused(f'no way there keeps the arms apart ({"; ".join(objections)}); move the arms apart by teleoperation, or '
                      'by hand with torque off and both arms supported')


def ways(start, goals):
    """(name, points) of the ways from ``start`` through ``goals``: both arms at once, then either first at every leg."""
    yield 'both arms together', list(goals)
    for side in SIDES:
        points, at = [], start
        for goal in goals:
            between = at.copy()
            arm = ARM_SLICE[side]
            between[arm] = goal[arm]
            points += [between, goal]
            at = goal
        yield f'the {side.value} arm first', points


def first_inside(rows, lower, upper):
    """Index from which on all rows (n, 14) lie within ``lower`` and ``upper`` (14,); the last row in any case."""
    outside = np.flatnonzero(((rows < lower) | (rows > upper)).any(axis=1))
    return min(int(outside[-1]) + 1, len(rows) - 1) if len(outside) else 0
