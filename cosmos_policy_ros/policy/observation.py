"""What the policy sees at one instant."""
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..embodiment.joints import ACTION_DIM, JOINT_NAMES
from .errors import ObservationError


@dataclass(frozen=True)
class Observation:
    """Pictures and the robot's state.

    stamp: s, capture time in the caller's clock. images: camera name -> (H, W, 3) uint8 RGB; sizes may differ.
    proprio: (P,) float64; on ALOHA the 14 follower joints in the order of ``JOINT_NAMES`` (rad, grippers normalised).
    Raises ``ObservationError`` when a part is of a wrong shape or type, or not finite.
    """

    stamp: float
    images: Mapping
    proprio: np.ndarray

    def __post_init__(self):
        if not np.isfinite(self.stamp):
            raise ObservationError(f'observation.stamp: expected a finite time in s, got {self.stamp}')
        if not isinstance(self.images, Mapping):
            raise ObservationError(f'observation.images: expected camera name -> picture, got {_describe(self.images)}')
        for name, image in self.images.items():
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 \
                    or 0 in image.shape:
                raise ObservationError(f'observation.images[{name}]: expected a (H, W, 3) uint8 array (RGB), got '
                                       f'{_describe(image)}; convert the picture before it is handed over')
        proprio = np.asarray(self.proprio)
        if proprio.ndim != 1 or proprio.dtype.kind != 'f':
            raise ObservationError(f'observation.proprio: expected a vector of floats, got {_describe(self.proprio)}')
        bad = np.flatnonzero(~np.isfinite(proprio))
        if bad.size:
            names = JOINT_NAMES if len(proprio) == ACTION_DIM else range(len(proprio))
            raise ObservationError(f'observation.proprio: not finite: {", ".join(str(names[i]) for i in bad)}; '
                                   f'check the arm driver')
        proprio = proprio.astype(np.float64)
        proprio.setflags(write=False)
        object.__setattr__(self, 'proprio', proprio)

    def require(self, cameras, proprio_dim):
        """Raises ``ObservationError`` unless there is a picture of each of ``cameras`` and (proprio_dim,) proprio."""
        if set(self.images) != set(cameras):
            raise ObservationError(f'observation.images: expected exactly {", ".join(cameras)}, got '
                                   f'{", ".join(sorted(map(str, self.images))) or "none"}; connect these cameras or '
                                   f'use a checkpoint of this robot')
        if len(self.proprio) != proprio_dim:
            raise ObservationError(f'observation.proprio: expected ({proprio_dim},) floats, got {self.proprio.shape}; '
                                   f'use a checkpoint of this robot')


def _describe(value):
    if isinstance(value, np.ndarray):
        return f'{value.shape} {value.dtype}'
    return type(value).__name__
