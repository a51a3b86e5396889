"""The published image pipeline as tensor arithmetic, byte for byte, for pictures that go to a GPU anyway."""
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from .images import crop_side
from .resizing import RECORDED

FRACTION_BITS = 22
"""Pillow resizes bytes with weights of so many fractional bits and rounds to bytes after each axis."""


def bicubic_weights(size, target):
    """(target, size) float64: Pillow's integer weights for resizing an axis of ``size`` pixels to ``target``.

    Cubic convolution with a = -1/2 (Keys 1981), stretched by the scale when shrinking.
    """
    scale = size / target
    stretch = max(scale, 1.0)
    weights = np.zeros((target, size))
    for row, weight in enumerate(weights):
        centre = (row + 0.5) * scale
        first = max(int(centre - 2 * stretch + 0.5), 0)
        last = min(int(centre + 2 * stretch + 0.5), size)
        x = np.abs((np.arange(first, last) - centre + 0.5) / stretch)
        near, far = (1.5 * x - 2.5) * x * x + 1, -0.5 * (((x - 5) * x + 8) * x - 4)
        share = np.where(x < 1, near, np.where(x < 2, far, 0.0))
        share = share / share.sum() * 2 ** FRACTION_BITS
        weight[first:last] = np.trunc(share + np.copysign(0.5, share))
    return torch.from_numpy(weights)


class DevicePictures:
    """Camera pictures to planes on one device, as ``images.network_images`` makes them on the CPU."""

    def __init__(self, config, device):
        self._config = config
        self._device = device
        self._bicubic = lru_cache(16)(lambda size, target: bicubic_weights(size, target).to(device))
        size = config.image_size
        self._side = crop_side(size, config.quirks.crop_rounded_down)
        self._taps = [part.to(device) for part in _bilinear_taps(self._side, size)]

    @staticmethod
    def can(config):
        """Whether this pipeline has no step that only the CPU does."""
        return config.image_pipeline == 'published' and config.jpeg_quality is None and not config.flip_images

    def planes(self, images):
        """camera name -> (H, W, 3) uint8 arrays -> (cameras, 3, S, S) uint8 in the order of the layout."""
        return torch.stack([self._one(images[name]) for name in self._config.layout.cameras])

    def _one(self, image):
        size = self._config.image_size
        planes = torch.from_numpy(np.array(image, order='C')).to(self._device).permute(2, 0, 1).double()
        if image.shape[:2] != (size, size):
            planes = self._resize(self._resize(planes, RECORDED), size)
        start = round((size - self._side) / 2)
        part = planes[:, start:start + self._side, start:start + self._side]
        return self._enlarge(self._enlarge(part).mT).mT.round().to(torch.uint8)

    def _resize(self, planes, target):
        for _ in range(2):  # columns, then rows
            if planes.shape[2] != target:
                # Sums of integers below 2**53 are exact in float64, in whatever order.
                planes = planes @ self._bicubic(planes.shape[2], target).T
                planes = (planes / 2 ** FRACTION_BITS + 0.5).floor().clamp(0, 255)
            planes = planes.mT
        return planes

    def _enlarge(self, planes):
        """Along the last axis, rounded to float32 where the CPU's kernel does: a product, then a fused multiply-add."""
        low, high, low_weight, high_weight = self._taps
        near = (planes[..., low] * low_weight).float().double()
        return (near + planes[..., high] * high_weight).float().double()


def _bilinear_taps(size, target):
    """Torch's own interpolation of ``size`` to more pixels: two indices (target,) and their float64 weights."""
    unit = torch.eye(size)[:, None, None]
    weights = F.interpolate(unit, (1, target), mode='bilinear', antialias=True)[:, 0, 0].T.double()
    low = (weights != 0).double().argmax(1)
    high = (low + 1).clamp(max=size - 1)
    rows = torch.arange(target)
    return low, high, weights[rows, low], weights[rows, high] * (high > low)
