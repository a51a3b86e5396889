"""The two meanings that a network's output may have."""
from enum import Enum


class Prediction(Enum):
    """What the network's output is; the value is its name in ``config.json``.

    VELOCITY: noise minus data, as published. CLEAN: the clean latent itself.
    """

    VELOCITY = 'velocity'
    CLEAN = 'clean'
