"""Start noise that means the same for a seed on every machine."""
from functools import lru_cache

import numpy as np
import torch


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

    def __init__(self, shape, device, kept=32):
        """shape: (C, T, h, w). kept: number of draws."""
        self._draw = lru_cache(kept)(lambda seed: start_noise([seed], shape).to(device))

    def batch(self, seeds):
        """(B, C, T, h, w) float32, see ``start_noise``."""
        return torch.cat([self._draw(seed) for seed in seeds])
