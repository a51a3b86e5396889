"""The four tasks: what lies on the table, where it may start, what counts as success and as progress.

Success and progress read physics state only: poses and body contacts. Predicates take a ``World``.
"""
from dataclasses import dataclass

import numpy as np

from ..embodiment.joints import Side
from . import objects

AT_REST = 0.05
"""m/s below which an object counts as lying still."""


@dataclass(frozen=True)
class SimTask:
    """A task in the simulated cell.

    ``objects``: MJCF bodies. ``start(rng)``: {body: (x, y, z, yaw)} in m and rad. ``success(world)``: bool, true only
    while the goal state holds. ``progress(world)``: (score, stage) with score 0..1 and the stage being worked on:
    reach, grasp, lift, the stages of the task's own, done.
    """

    name: str
    instruction: str
    objects: str
    start: callable
    success: callable
    progress: callable


def _upright(pose):
    return pose[2, 2] > 0.9


def _free(world, body):
    return not any(world.touch(body, side).any() for side in Side)


def _staged(world, body, side, last_stage, remaining):
    """Score and stage of bringing ``body`` with the hand of ``side`` to a goal ``remaining`` in 0 (there)..1 away."""
    position = world.pose(body)[:3, 3]
    reach = np.linalg.norm(world.grasp_point(side) - position)
    if not world.holds(body, side):
        return (0.3, 'grasp') if reach < 0.03 else (0.3 * max(0.0, 1 - reach / 0.4), 'reach')
    lifted = np.clip((position[2] - 0.02) / 0.05, 0, 1)
    if lifted < 1 and remaining > 0.25:
        return 0.4 + 0.15 * lifted, 'lift'
    return 0.55 + 0.4 * (1 - np.clip(remaining, 0, 1)), last_stage


def _apart(rng, sample_one, sample_other, distance):
    """Two starts at least ``distance`` m apart, drawn until they are."""
    while True:
        one, other = sample_one(rng), sample_other(rng)
        if np.hypot(one[0] - other[0], one[1] - other[1]) >= distance:
            return one, other


def _within(x, y, z, yaw):
    """Sampler of (x, y, z, yaw) uniform in the ranges ``x``, ``y`` (m) and +-``yaw`` rad."""
    return lambda rng: (rng.uniform(*x), rng.uniform(*y), z, rng.uniform(-yaw, yaw))


def _start_plate(rng):
    duck, plate = _apart(rng, _within((0.08, 0.26), (-0.10, 0.16), objects.DUCK_HALF[2], np.pi),
                         _within((-0.08, 0.04), (0.06, 0.20), 0.0, 0.0), 0.14)
    return {'duck': duck, 'plate': plate}


def _on_plate(world):
    duck, plate = world.pose('duck'), world.pose('plate')
    return (np.linalg.norm(duck[:2, 3] - plate[:2, 3]) < 0.075 and _upright(duck) and _upright(plate)
            and world.in_contact('duck', 'plate') and _free(world, 'duck') and world.speed('duck') < AT_REST)


def _plate_progress(world):
    if _on_plate(world):
        return 1.0, 'done'
    away = np.linalg.norm(world.pose('duck')[:2, 3] - world.pose('plate')[:2, 3])
    return _staged(world, 'duck', Side.RIGHT, 'place', away / 0.35)


def _start_candy(rng):
    candy, bowl = _apart(rng, _within((0.08, 0.26), (-0.10, 0.16), objects.CANDY_RADIUS, np.pi),
                         _within((-0.05, 0.05), (0.05, 0.20), 0.0, 0.0), 0.12)
    return {'candy': candy, 'bowl': bowl}


def _in_bowl(world):
    candy, bowl = world.pose('candy'), world.pose('bowl')
    height = candy[2, 3] - bowl[2, 3]
    return (np.linalg.norm(candy[:2, 3] - bowl[:2, 3]) < 0.04 and 0.004 < height < 0.045 and _upright(bowl)
            and _free(world, 'candy') and world.speed('candy') < AT_REST)


def _candy_progress(world):
    if _in_bowl(world):
        return 1.0, 'done'
    away = np.linalg.norm(world.pose('candy')[:2, 3] - world.pose('bowl')[:2, 3])
    return _staged(world, 'candy', Side.RIGHT, 'place', away / 0.35)


def _start_transfer(rng):
    return {'cube': _within((0.06, 0.24), (-0.06, 0.18), objects.CUBE_HALF, 0.5)(rng)}


def _handed_over(world):
    return (world.pose('cube')[2, 3] > 0.10 and world.holds('cube', Side.LEFT)
            and not world.touch('cube', Side.RIGHT).any())


def _transfer_progress(world):
    if _handed_over(world):
        return 1.0, 'done'
    if world.holds('cube', Side.LEFT):
        return 0.9, 'release'
    cube = world.pose('cube')[:3, 3]
    away = np.linalg.norm(world.grasp_point(Side.LEFT) - cube)
    score, stage = _staged(world, 'cube', Side.RIGHT, 'hand over', away / 0.4)
    return min(score, 0.85), stage


def _start_insertion(rng):
    return {'peg': _within((0.10, 0.22), (-0.08, 0.14), objects.PEG_HALF[2], 0.4)(rng),
            'socket': _within((-0.22, -0.10), (-0.08, 0.14), objects.SOCKET_HALF_WIDTH, 0.4)(rng)}


def _peg_in_socket(world):
    """(3,) m: the peg's centre in the socket's frame."""
    peg, socket = world.pose('peg'), world.pose('socket')
    return socket[:3, :3].T @ (peg[:3, 3] - socket[:3, 3])


def _inserted(world):
    along, aside, above = _peg_in_socket(world)
    lifted = min(world.pose('peg')[2, 3], world.pose('socket')[2, 3]) > 0.04
    return lifted and abs(aside) < 0.008 and abs(above) < 0.008 and abs(along) < 0.085


def _insertion_progress(world):
    if _inserted(world):
        return 1.0, 'done'
    separation = max(0.0, np.linalg.norm(_peg_in_socket(world)) - 0.085)
    (peg, stage), (socket, other) = (_staged(world, body, side, 'insert', separation / 0.3)
                                     for body, side in (('peg', Side.RIGHT), ('socket', Side.LEFT)))
    return (peg + socket) / 2, stage if peg <= socket else other


TASKS = {task.name: task for task in (
    SimTask('plate', 'put the duck on the plate', objects.duck() + objects.plate(), _start_plate, _on_plate,
            _plate_progress),
    SimTask('transfer', 'hand the cube over to the left arm', objects.cube(), _start_transfer, _handed_over,
            _transfer_progress),
    SimTask('candy', 'put the candy in the bowl', objects.candy() + objects.bowl(), _start_candy, _in_bowl,
            _candy_progress),
    SimTask('insertion', 'insert the peg into the socket', objects.peg() + objects.socket(), _start_insertion,
            _inserted, _insertion_progress),
)}
