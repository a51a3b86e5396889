"""Start noise that means the same for a seed on every machine."""
import math
from functools import lru_cache

import numpy as np
import torch

KEPT = 2 ** 23
"""Numbers of noise that are kept for another call, 32 MiB: 60 draws of the published model, 476 of a tiny one."""


def start_noise(seeds, shape):
    """Unit Gaussian noise, one independent draw a seed.

    Args:
        seeds: B integers in 0..2**32-1. shape: (C, T, h, w).

    Returns:
        (B, C, T, h, w) float32 on the CPU, from NumPy's legacy generator, whose stream is frozen.
    """
    draws = [np.random.RandomState(seed).standard_normal(shape).astype(np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(draws))


class StartNoise:
    """Start noise on a device. The latest draws are kept: a plan's members share them, and one takes milliseconds."""

    def __init__(self, shape, device, kept=KEPT):
        """shape: (C, T, h, w). kept: numbers to keep, whole draws of which at least one."""
        self._draw = lru_cache(max(kept // math.prod(shape), 1))(lambda seed: start_noise([seed], shape).to(device))

    def batch(self, seeds):
        """(B, C, T, h, w) float32, see ``start_noise``."""
        return torch.cat([self._draw(seed) for seed in seeds])
