"""Pictures to latent frames and back."""
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

from .config import FACTOR


class Tokenizer(Protocol):
    """Encodes a sequence with one picture for each latent frame, from frame 0 on.

    ``causal``: a frame's latent and picture depend on the frames before it.
    """

    causal: bool

    def encode(self, images, black=0):
        """(B, F, 3, S, S) uint8 pictures of frames 0..F-1 -> (B, 16, F, S/8, S/8) float32.

        ``black``: how many frames at the start are known to be black, at most F.
        """

    def decode(self, latent, frames):
        """(B, 16, T, h, w) latent -> (B, len(frames), 3, S, S) uint8 pictures of the frames with these numbers."""


class LinearTokenizer:
    """Whitened principal components of 8x8x3 pixel blocks; each picture on its own.

    mean: (192,), basis: (192, components) orthonormal, scale: (components,) standard deviations; float32, pixels in
    -1..1, a block flattened channel, row, column.
    """

    causal = False

    def __init__(self, mean, basis, scale):
        self.mean, self.basis, self.scale = (torch.as_tensor(value, dtype=torch.float32).contiguous()
                                             for value in (mean, basis, scale))
        block = 3 * FACTOR * FACTOR
        if self.mean.shape != (block,) or self.basis.shape != (block, len(self.scale)):
            raise ValueError(f'linear tokenizer: expected mean ({block},), basis ({block}, n), scale (n,), got '
                             f'{tuple(self.mean.shape)}, {tuple(self.basis.shape)}, {tuple(self.scale.shape)}')

    @classmethod
    def fit(cls, images, components=16):
        """The tokenizer of these pictures and the share of their variance it keeps.

        Args:
            images: (N, 3, S, S) uint8, a sample of the data.

        Returns:
            (LinearTokenizer, float in 0..1).
        """
        blocks = _blocks(images).reshape(-1, 3 * FACTOR * FACTOR)
        total = torch.zeros(blocks.shape[1], dtype=torch.float64, device=blocks.device)
        square = torch.zeros(blocks.shape[1], blocks.shape[1], dtype=torch.float64, device=blocks.device)
        for part in blocks.split(1 << 16):
            part = (part.double() / 127.5) - 1
            total += part.sum(0)
            square += part.T @ part
        mean = total / len(blocks)
        variance, basis = torch.linalg.eigh((square / len(blocks) - torch.outer(mean, mean)).cpu())
        variance, basis = variance.flip(0)[:components].clamp_min(1e-8), basis.flip(1)[:, :components]
        spread = (square.diagonal() / len(blocks) - mean ** 2).sum().item()
        return cls(mean.cpu(), basis, variance.sqrt()), variance.sum().item() / max(spread, 1e-12)

    def to(self, device):
        """The same tokenizer on another device."""
        return LinearTokenizer(self.mean.to(device), self.basis.to(device), self.scale.to(device))

    def encode(self, images, black=0):
        """(B, F, 3, S, S) uint8 or float in 0..255 -> (B, 16, F, S/8, S/8) float32."""
        batch, count = images.shape[:2]
        # Pixels up to 255 lose their last digits in bfloat16, so a caller's autocast must not reach these products.
        with torch.autocast(images.device.type, enabled=False):
            kernel = ((self.basis / self.scale).T / 127.5).reshape(-1, 3, FACTOR, FACTOR)
            offset = ((1 + self.mean) @ self.basis) / self.scale
            latent = F.conv2d(images.flatten(0, 1).float(), kernel, -offset, stride=FACTOR)
        return latent.unflatten(0, (batch, count)).transpose(1, 2)

    def decode(self, latent, frames):
        """(B, len(frames), 3, S, S) uint8; values are cut to 0..255 and truncated, as the published decoder does."""
        flat = latent[:, :, list(frames)].transpose(1, 2).flatten(0, 1).float()
        kernel = (self.basis * self.scale).T.reshape(-1, 3, FACTOR, FACTOR)
        pixels = F.conv_transpose2d(flat, kernel, stride=FACTOR)
        mean = self.mean.reshape(3, FACTOR, FACTOR).repeat(1, pixels.shape[2] // FACTOR, pixels.shape[3] // FACTOR)
        pixels = ((pixels + mean + 1) * 127.5).clamp(0, 255).to(torch.uint8)
        return pixels.unflatten(0, (latent.shape[0], len(frames)))

    def tensors(self):
        """Name -> tensor, for ``tokenizer.safetensors``."""
        return {name: getattr(self, name).cpu() for name in ('mean', 'basis', 'scale')}


def _blocks(images):
    if images.dtype != torch.uint8:
        raise ValueError(f'tokenizer: expected uint8 pictures, got {images.dtype}')
    grid = images.unflatten(3, (-1, FACTOR)).unflatten(2, (-1, FACTOR))
    return grid.permute(0, 2, 4, 1, 3, 5)


def to_planes(images):
    """(..., H, W, 3) uint8 array -> (..., 3, H, W) uint8 tensor."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, -3)))
