"""Candidates that differ more than the noise of their samples makes them. Not part of the published planning.

A policy that learned one way to do a task gives nearly the same chunk for every seed; then there is nothing to choose.
"""
import numpy as np

from ...embodiment.joints import ARM_INDICES

RISE = 25
"""Rows (1 s) until the displacement is complete."""


def displaced(chunk, seed, scale):
    """A chunk that ends elsewhere: every arm joint is displaced smoothly, grippers are left alone.

    Args:
        chunk: (rows, 14). seed: 0..2**32-1, draws the displacement. scale: rad, its standard deviation in each joint.

    Returns:
        (rows, 14); row 0 as it was, the displacement rises along a minimum-jerk profile.
    """
    goal = np.zeros(chunk.shape[1])
    arms = list(ARM_INDICES)
    goal[arms] = scale * np.random.RandomState(seed).standard_normal(len(arms))
    share = np.minimum(np.arange(len(chunk)) / RISE, 1.0)[:, None]
    return chunk + (10 * share ** 3 - 15 * share ** 4 + 6 * share ** 5) * goal
