"""Vectors and values in latent frames: tiled in, averaged out (Cosmos Policy's injection, no extra heads)."""
import torch


def tile(vector, frame_shape):
    """A vector repeated until it fills a frame.

    Args:
        vector: (B, n), n at most C*h*w. frame_shape: (C, h, w).

    Returns:
        (B, C, h, w); the last copy is cut where the frame ends.
    """
    volume = frame_shape[0] * frame_shape[1] * frame_shape[2]
    n = vector.shape[1]
    if n > volume:
        raise ValueError(f'a vector of {n} numbers does not fit a latent frame of {volume}; use larger images')
    copies = -(-volume // n)
    return vector.repeat(1, copies)[:, :volume].reshape(-1, *frame_shape)


def write_vector(latent, frame, vector):
    """Overwrites frame ``frame`` of ``latent`` (B, C, T, h, w), in place, with ``vector`` (B, n)."""
    latent[:, :, frame] = tile(vector.to(latent.dtype), (latent.shape[1], *latent.shape[3:]))


def read_vector(latent, frame, n):
    """(B, n) float32: the mean over the whole copies of an n-vector in a frame of ``latent`` (B, C, T, h, w)."""
    flat = latent[:, :, frame].flatten(1).float()
    copies = flat.shape[1] // n
    return flat[:, :copies * n].reshape(-1, copies, n).mean(1)


def write_value(latent, frame, value):
    """Fills frame ``frame`` of ``latent``, in place, with ``value`` (B,) in -1..1."""
    latent[:, :, frame] = value.to(latent.dtype)[:, None, None, None]


def read_value(latent, frame):
    """(B,) float32 in 0..1: the frame's mean, moved from -1..1 and clamped."""
    return ((latent[:, :, frame].flatten(1).float().mean(1) + 1) / 2).clamp(0, 1)
