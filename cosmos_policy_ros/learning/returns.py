"""The value that the model learns: a discounted, sparse, terminal reward."""
from enum import Enum

import numpy as np

PUBLISHED_DISCOUNT = 0.998


class Reward(Enum):
    """What an episode that ended without success is worth to the value; the value is its name on the wire.

    SCORE: as published, any positive score is a full success, since the score cancels in the scaling. SUCCESS: nothing.
    """

    SCORE = 'score'
    SUCCESS = 'success'

    def of(self, episode):
        """The reward at the end of a ``Demonstration``, 0..1."""
        return episode.score if self is Reward.SCORE else float(episode.success)


def value_targets(length, score, discount=PUBLISHED_DISCOUNT):
    """(length,) float64 in -1..1: 2*discount**(length-1-t) - 1 for an episode with a positive score, else -1.

    As published, a partial score gives the targets of a full one: the score cancels in the scaling.
    """
    if score <= 0:
        return np.full(length, -1.0)
    return 2 * discount ** np.arange(length - 1, -1, -1, dtype=np.float64) - 1
