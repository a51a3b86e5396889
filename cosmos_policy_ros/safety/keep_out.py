"""Boxes that the arms stay out of: posts of the frame, cameras, whatever stands in reach."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.capsules import RADII

NEAR = 0.1
"""m; gaps above it are lower bounds, which cost a tenth of the exact ones."""


@dataclass(frozen=True)
class KeepOut:
    """A box in the cell frame from ``lower`` to ``upper`` (3,) m, with the name that the operator gave it."""

    name: str
    lower: tuple
    upper: tuple


def box_gaps(segments, low, high, lower, upper):
    """(n, B, 2, 10) m between the surfaces of capsules and boxes; exact below ``NEAR``, else a lower bound above it.

    Args:
        segments: (n, 2, 10, 2, 3) m, axes of both arms. low, high: (n, 2, 10, 3) m, corners around each capsule.
        lower, upper: (B, 3) m, corners of the boxes.
    """
    lower, upper = lower[:, None, None], upper[:, None, None]
    apart = np.maximum(np.maximum(low[:, None] - upper, lower - high[:, None]), 0.0)
    gap = np.sqrt((apart * apart).sum(-1))
    n, box, side, capsule = np.nonzero(gap < NEAR)
    if len(n):
        axes = segment_to_box(segments[n, side, capsule], lower[box, 0, 0], upper[box, 0, 0])
        gap[n, box, side, capsule] = axes - RADII[capsule]
    return gap


def segment_to_box(ends, lower, upper):
    """(m,) m between segments ``ends`` (m, 2, 3) and boxes ``lower``..``upper`` (m, 3).

    Where a segment enters its box: minus the way out through the nearest face, so that deeper is less.
    """
    half = (upper - lower)[:, None] / 2
    ends = ends - (upper + lower)[:, None] / 2
    start, along = ends[:, :1], ends[:, 1:] - ends[:, :1]

    def outside(shares):
        point = start + shares * along
        return point - np.clip(point, -half, half)

    # The squared distance is convex along the segment and quadratic between the crossings of the six planes, so its
    # slope rises linearly from one of them to the next; the closest point is where it passes zero.
    shares = np.zeros((len(ends), 8, 1))
    shares[:, 1] = 1.0
    with np.errstate(divide='ignore', invalid='ignore'):
        crossings = np.concatenate([(half - start) / along, (-half - start) / along], axis=2)[:, 0]
    shares[:, 2:, 0] = np.clip(np.nan_to_num(crossings, nan=0.0), 0.0, 1.0)
    shares.sort(axis=1)
    slopes = (outside(shares) * along).sum(-1, keepdims=True)
    after = np.argmax((slopes >= 0) | (shares == 1.0), axis=1)[:, 0]
    before, every = np.maximum(after - 1, 0), np.arange(len(ends))
    falls, rises = slopes[every, before], slopes[every, after]
    part = np.clip(np.divide(-falls, rises - falls, out=np.ones_like(falls), where=rises > falls), 0.0, 1.0)
    closest = shares[every, before] + part * (shares[every, after] - shares[every, before])
    distance = np.linalg.norm(outside(closest[:, None])[:, 0], axis=-1)
    way_out = np.minimum(half[:, 0] - ends.min(axis=1), ends.max(axis=1) + half[:, 0]).min(axis=-1)
    return np.where(distance > 0, distance, -way_out)
