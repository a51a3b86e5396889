"""Made-up episodes whose pictures show the joint state, in the form of a ``Demonstration``."""
import numpy as np

from cosmos_policy_ros.sim.demonstrations import Demonstration

DUCK = 'put the duck on the plate'


def make_episode(seed, length=90, size=64, success=True, instruction=DUCK, every=5):
    phase = np.random.RandomState(seed).uniform(0, 6, 14)
    time = np.arange(length)[:, None] / 25
    state, action = (0.5 * np.sin(1.5 * (time + lead) + phase).astype(np.float32) for lead in (0, 0.04))
    rows = np.unique(np.r_[np.arange(0, length, every), length - 1]).astype(np.int32)
    y, x = np.mgrid[:size, :size] / size
    images = np.empty((len(rows), 3, size, size, 3), np.uint8)
    for k, row in enumerate(rows):
        for camera in range(3):
            images[k, camera, ..., 0] = 127 + 120 * np.sin(6 * x * (camera + 1) + 4 * state[row, camera])
            images[k, camera, ..., 1] = 127 + 120 * np.cos(5 * y + 4 * state[row, camera + 3])
            images[k, camera, ..., 2] = 60 * camera + 40 + 40 * state[row, 0]
    return Demonstration('plate', instruction, seed, 'clean', state, action, rows, images, success, float(success))
