"""The published ALOHA model's changes of its training pictures, on the training device.

Upstream, datasets/dataset_utils.py, the stronger set, in this order and with the same random numbers for all pictures of
a sample. Upstream cuts to whole grey levels after every change, here it is done once at the end.
"""
import math

import torch
import torch.nn.functional as F

from ..policy.images import crop_side
from .augmentation import GREY

ROTATION = math.radians(5)
BRIGHTNESS, CONTRAST, SATURATION = 0.3, 0.4, 0.5
"""Largest relative changes."""

HUE = 0.05
"""Largest change, of the full circle."""


def published_augmentation(pictures):
    """Random crop of 90 % of the area, rotation, brightness, contrast, saturation and hue.

    Args:
        pictures: (B, F, 3, S, S) uint8. Numbers are drawn from torch's generator of their device.

    Returns:
        The same shape and type.
    """
    batch, count, _, size, _ = pictures.shape
    draw = torch.rand(7, batch, device=pictures.device)
    x = _crop(pictures.float().flatten(0, 1), draw[:2].repeat_interleave(count, 1), size)
    x = _rotate(x, ROTATION * (2 * draw[2] - 1).repeat_interleave(count))
    brightness, contrast, saturation = (
        (1 + width * (2 * d - 1)).repeat_interleave(count).view(-1, 1, 1, 1)
        for width, d in zip((BRIGHTNESS, CONTRAST, SATURATION), draw[3:6]))
    x = (x * brightness).clamp(0, 255)
    x = torch.lerp(_grey(x).mean((2, 3), keepdim=True), x, contrast).clamp(0, 255)
    x = torch.lerp(_grey(x), x, saturation).clamp(0, 255)
    x = _turn_hue(x, HUE * (2 * draw[6] - 1).repeat_interleave(count))
    return x.clamp(0, 255).to(torch.uint8).unflatten(0, (batch, count))


def _crop(x, place, size):
    """A square of ``crop_side`` pixels at ``place`` (2, n) in 0..1 of what is free, enlarged bilinearly to ``size``."""
    side = crop_side(size, rounded_down=False)
    first = (place * (size - side + 1)).floor().clamp_max(size - side)
    steps = (torch.arange(size, device=x.device) + 0.5) * side / size - 0.5
    # Nothing from outside the crop: its border pixels repeat, as when it is cut out before it is enlarged.
    pixels = first[..., None] + steps.clamp(0, side - 1)
    rows, columns = (2 * pixels + 1) / size - 1
    grid = torch.stack([columns[:, None, :].expand(-1, size, -1), rows[:, :, None].expand(-1, -1, size)], dim=-1)
    return F.grid_sample(x, grid, mode='bilinear', align_corners=False)


def _rotate(x, angle):
    """About the centre by ``angle`` (n,) rad; nearest pixel, black from outside."""
    cos, sin = angle.cos(), angle.sin()
    zero = torch.zeros_like(cos)
    pose = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    return F.grid_sample(x, F.affine_grid(pose, list(x.shape), align_corners=False), mode='nearest',
                         align_corners=False)


def _grey(x):
    return (x * torch.tensor(GREY, device=x.device).view(3, 1, 1)).sum(1, keepdim=True)


def _turn_hue(x, turn):
    """Hue of the HSV cone turned by ``turn`` (n,) of the full circle; value and saturation stay."""
    high, low = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    red, green, blue = x.split(1, 1)
    span = (high - low).clamp_min(1e-6)
    hue = torch.where(high == red, (green - blue) / span,
                      torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span))
    hue = hue + 6 * turn.view(-1, 1, 1, 1)
    # The corners of the hue hexagon: 5, 3 and 1 sixths away lie the peaks of red, green and blue.
    away = (torch.tensor([5.0, 3.0, 1.0], device=x.device).view(3, 1, 1) + hue) % 6
    return high - (high - low) * torch.minimum(away, 4 - away).clamp(0, 1)
