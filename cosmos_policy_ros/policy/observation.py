"""What the policy sees at one instant."""
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import ACTION_DIM, JOINT_NAMES
from .errors import ObservationError


@dataclass(frozen=True)
class Observation:
    """Three pictures and the joint state.

    stamp: s, capture time in the caller's clock. images: camera name -> (H, W, 3) uint8 RGB, one entry for each of
    ``CAMERAS``; sizes may differ. proprio: (14,) float64, follower joints in the order of ``JOINT_NAMES`` (rad,
    grippers normalised). Raises ``ObservationError`` when a part is missing, of a wrong shape or type, or not finite.
    """

    stamp: float
    images: Mapping
    proprio: np.ndarray

    def __post_init__(self):
        if not np.isfinite(self.stamp):
            raise ObservationError(f'observation.stamp: expected a finite time in s, got {self.stamp}')
        if set(self.images) != set(CAMERAS):
            raise ObservationError(f'observation.images: expected exactly {", ".join(CAMERAS)}, got '
                                   f'{", ".join(sorted(map(str, self.images))) or "none"}')
        for name in CAMERAS:
            image = self.images[name]
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 \
                    or 0 in image.shape:
                raise ObservationError(f'observation.images[{name}]: expected a (H, W, 3) uint8 array (RGB), got '
                                       f'{_describe(image)}')
        proprio = np.asarray(self.proprio)
        if proprio.shape != (ACTION_DIM,) or proprio.dtype.kind != 'f':
            raise ObservationError(f'observation.proprio: expected ({ACTION_DIM},) floats, got '
                                   f'{_describe(self.proprio)}')
        bad = [JOINT_NAMES[i] for i in np.flatnonzero(~np.isfinite(proprio))]
        if bad:
            raise ObservationError(f'observation.proprio: not finite: {", ".join(bad)}; check the arm driver')
        proprio = proprio.astype(np.float64)
        proprio.setflags(write=False)
        object.__setattr__(self, 'proprio', proprio)


def _describe(value):
    if isinstance(value, np.ndarray):
        return f'{value.shape} {value.dtype}'
    return type(value).__name__
