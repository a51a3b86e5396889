"""What the scripted experts command in the simulator, without pictures, and what the envelope says to it."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.demonstrations import HOLD_ROWS, NOISE_SCALE, TIME_LIMIT, VARIANTS
from cosmos_policy_ros.sim.disturbances import CommandNoise, displaced_pose
from cosmos_policy_ros.sim.experts import make_expert
from cosmos_policy_ros.sim.world import World


def expert_rows(task, seed, variant='clean'):
    """Rows (n, 14) that the expert of ``sim.demonstrations`` asks for, the pose before the first, and its success."""
    world, rng = World(task), np.random.default_rng([seed, VARIANTS.index(variant)])
    world.reset(seed, task, displaced_pose(rng, world) if 'displaced' in variant else START)
    noise = CommandNoise(rng, rng.uniform(*NOISE_SCALE[task])) if 'noisy' in variant else None
    expert, held, rows = make_expert(world), 0, [world.commanded()]
    while held < HOLD_ROWS and world.time < TIME_LIMIT:
        rows.append(expert.act())
        held += expert.done
        world.command(rows[-1] if noise is None else rows[-1] + noise.next())
        world.advance(CONTROL_PERIOD)
    return np.array(rows), world.success()


def interventions(envelope, rows):
    """Number of rows refused, clamped, and changed in any bit without having been named as clamped."""
    position, velocity, refused, clamped, changed = rows[0], np.zeros(14), 0, 0, 0
    for row in rows[1:]:
        admission = envelope.admit(row, position, velocity)
        refused += bool(admission.cause)
        clamped += bool(admission.limited.clamped)
        changed += not admission.limited.clamped and admission.limited.positions.tobytes() != row.tobytes()
        position, velocity = row, (row - position) / CONTROL_PERIOD
    return refused, clamped, changed
