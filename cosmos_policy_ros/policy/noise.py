"""Start noise that means the same for a seed on every machine."""
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
