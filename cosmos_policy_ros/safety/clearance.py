"""Distance between the two arms."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.capsules import CAPSULES, NAMES, RADII

_KIND = {'gripper': 'gripper', 'camera': 'camera', 'left_finger': 'finger', 'right_finger': 'finger'}
KINDS = tuple(_KIND.get(name, 'link') for name in NAMES)
"""Class of each capsule: link (base to wrist), gripper, camera or finger."""

_SQUARED_LENGTHS = np.array([np.sum((np.subtract(c.b, c.a)) ** 2) for c in CAPSULES])
_PARALLEL = 1e-9
"""Squared sine of an angle below which two axes count as parallel; any closest pair of points then does."""


@dataclass(frozen=True)
class Margins:
    """m that each class of pairs, one capsule of each arm, has to keep between the surfaces.

    ``link``: two arm links. ``hand``: a link and a gripper, camera or finger. ``gripper``: grippers and cameras among
    themselves, and cameras and fingers. ``finger_gripper``, ``finger``: a finger and a gripper, two fingers; negative
    where capsules, wider than what they enclose, overlap in a legal hand-over.
    """

    link: float
    hand: float
    gripper: float
    finger_gripper: float
    finger: float

    def matrix(self):
        """(10, 10) m, [left, right] in the order of ``CAPSULES``."""
        return np.array([[self._of(frozenset((one, other))) for other in KINDS] for one in KINDS])

    def _of(self, pair):
        if 'link' in pair:
            return self.link if pair == {'link'} else self.hand
        return {frozenset(('finger',)): self.finger, frozenset(('finger', 'gripper')): self.finger_gripper}.get(
            pair, self.gripper)


def gaps(segments):
    """(n, 10, 10) m between the capsule surfaces, [left, right], of ``segments`` (n, 2, 10, 2, 3).

    The closest points of two segments after Ericson, Real-Time Collision Detection 5.1.9, from inner products alone:
    one matrix product a pose instead of 100 differences of vectors. Equals ``embodiment.capsules.segment_distance``
    to 1e-8 m.
    """
    start, along = segments[..., 0, :], segments[..., 1, :] - segments[..., 0, :]
    products = (np.concatenate([start[:, 0], along[:, 0]], axis=1)
                @ np.concatenate([start[:, 1], along[:, 1]], axis=1).transpose(0, 2, 1))
    own = (start * along).sum(-1)
    size = (start * start).sum(-1)
    n = len(NAMES)
    a, e = _SQUARED_LENGTHS[:, None], _SQUARED_LENGTHS
    between = size[:, 0, :, None] + size[:, 1, None, :] - 2 * products[:, :n, :n]
    b = products[:, n:, n:]
    c = own[:, 0, :, None] - products[:, n:, :n]
    f = products[:, :n, n:] - own[:, 1, None, :]
    denominator = a * e - b * b
    parallel = denominator <= _PARALLEL * a * e
    s = np.where(parallel, 0.0, np.clip((b * f - c * e) / np.where(parallel, 1.0, denominator), 0.0, 1.0))
    t = np.clip((b * s + f) / e, 0.0, 1.0)
    s = np.clip((b * t - c) / a, 0.0, 1.0)
    squared = between + s * (s * a + 2 * c) + t * (t * e - 2 * f) - 2 * s * t * b
    return np.sqrt(np.maximum(squared, 0.0)) - RADII[:, None] - RADII
