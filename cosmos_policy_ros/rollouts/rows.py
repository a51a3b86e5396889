"""A recorded episode as rows to learn from: what was seen and measured before each row, and the row itself."""
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .episode import EpisodeRecord
from .images import decompress
from .table import read_table


@dataclass(frozen=True, eq=False)
class EpisodeRows:
    """``state``, ``action``: (T, 14) float32. ``image_rows``: (K,) int32, ascending, the last row included. ``images``:
    (K, cameras, S, S, 3) uint8 RGB, whole views squashed. ``state_age``, ``image_age``: s, the largest."""

    record: EpisodeRecord
    state: np.ndarray
    action: np.ndarray
    image_rows: np.ndarray
    images: np.ndarray
    state_age: float
    image_age: float


def _squash(image, size):
    return np.asarray(Image.fromarray(image).resize((size, size), Image.BOX))


def read_episode_rows(folder, gripper, size, every, resize=_squash):
    """``EpisodeRows`` of a finished episode folder, paired by the stamps of the messages.

    Args:
        gripper: ``GripperMap`` of the arms. size: pixels. every: rows between two images. resize: makes (size, size, 3)
            uint8 of a picture (H, W, 3) and ``size``; averages by default.

    Raises:
        ValueError: see ``table.read_table``.
    """
    table = read_table(folder, gripper, every)
    images = [[resize(decompress(picture), size) for picture in pictures] for pictures in table.pictures]
    return EpisodeRows(table.record, table.state.astype(np.float32), table.action.astype(np.float32),
                       table.image_rows.astype(np.int32), np.array(images, np.uint8), table.state_age, table.image_age)
