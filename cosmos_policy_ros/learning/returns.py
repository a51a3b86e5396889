"""The value that the model learns: a discounted, sparse, terminal reward."""
import numpy as np

PUBLISHED_DISCOUNT = 0.998


def value_targets(length, score, discount=PUBLISHED_DISCOUNT):
    """(length,) float64 in -1..1: 2*discount**(length-1-t) - 1 for an episode with a positive score, else -1.

    As published, a partial score gives the targets of a full one: the score cancels in the scaling.
    """
    if score <= 0:
        return np.full(length, -1.0)
    return 2 * discount ** np.arange(length - 1, -1, -1, dtype=np.float64) - 1
