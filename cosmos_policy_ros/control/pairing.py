"""Pairing of camera images and joint states by their stamps into one observation."""
from collections import deque
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, SIDES


class NoObservation(Exception):
    """No observation can be made now; the message says which input is missing, old or skewed, and by how much."""


@dataclass(frozen=True)
class PairedObservation:
    """Images (H, W, 3) uint8 by camera and joint positions (14,), all of about the time ``stamp`` (s)."""

    stamp: float
    images: dict
    positions: np.ndarray
    skew: float


class Pairing:
    """Keeps the last samples of every stream and picks the newest set that belongs together.

    Args:
        cameras: names of the cameras that must contribute.
        max_skew: s, largest difference of the images' stamps.
        max_age: s, oldest acceptable observation.
        max_joint_gap: s, largest difference between the images and the nearest joint state of an arm.
    """

    def __init__(self, cameras, max_skew=0.040, max_age=0.150, max_joint_gap=0.040):
        self._max_skew, self._max_age, self._max_joint_gap = max_skew, max_age, max_joint_gap
        self._images = {name: deque(maxlen=6) for name in cameras}
        self._joints = {side: deque(maxlen=64) for side in SIDES}

    def clear(self):
        """Forget everything, for instance when the simulation was reset."""
        for stream in (*self._images.values(), *self._joints.values()):
            stream.clear()

    def add_image(self, name, stamp, image):
        """Keep an image (H, W, 3) uint8 taken at ``stamp`` s; images out of order are dropped."""
        stream = self._images[name]
        if not stream or stamp > stream[-1][0]:
            stream.append((stamp, image))

    def add_joints(self, side, stamp, positions):
        """Keep one arm's positions (7,), six rad and the normalised gripper, measured at ``stamp`` s."""
        stream = self._joints[side]
        if not stream or stamp > stream[-1][0]:
            stream.append((stamp, np.asarray(positions, dtype=float)))

    def observe(self, now):
        """The newest ``PairedObservation``.

        Raises:
            NoObservation: a stream is silent, too old, or too far from the others.
        """
        silent = [name for name, stream in self._images.items() if not stream]
        silent += [f'{side.value} arm' for side, stream in self._joints.items() if not stream]
        if silent:
            raise NoObservation(f'nothing received from {", ".join(silent)}')
        reference = min(stream[-1][0] for stream in self._images.values())
        slowest = min(self._images, key=lambda name: self._images[name][-1][0])
        if now - reference > self._max_age:
            raise NoObservation(f'{slowest}: newest image is {now - reference:.3f} s old, limit {self._max_age:.3f} s')
        chosen = {name: _nearest(stream, reference) for name, stream in self._images.items()}
        stamps = [stamp for stamp, _ in chosen.values()]
        skew = max(stamps) - min(stamps)
        if skew > self._max_skew:
            raise NoObservation(f'images are {skew:.3f} s apart, limit {self._max_skew:.3f} s')
        positions = np.empty(ACTION_DIM)
        for index, side in enumerate(SIDES):
            stamp, values = _nearest(self._joints[side], reference)
            if abs(stamp - reference) > self._max_joint_gap:
                raise NoObservation(f'{side.value} arm: nearest joint state is {abs(stamp - reference):.3f} s from the '
                                    f'images, limit {self._max_joint_gap:.3f} s')
            positions[7 * index:7 * index + 7] = values
        return PairedObservation(reference, {name: image for name, (_, image) in chosen.items()}, positions, skew)


def _nearest(stream, moment):
    """The (stamp, value) of a stream closest to ``moment``."""
    return min(stream, key=lambda item: abs(item[0] - moment))
