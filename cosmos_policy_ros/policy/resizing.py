"""Pictures to another size. Runs without torch, so that a robot's client can send small pictures."""
import io

import numpy as np
from PIL import Image

RECORDED = 256
"""Pixels; the published data were resized to this square first, so a live picture must be, too."""


def published_resize(image, size=224, jpeg_quality=None):
    """The picture at the size of the published data: bicubic to 256, then bicubic to ``size``. Aspect is not kept.

    Args:
        image: (H, W, 3) uint8. One that already has ``size`` is not resized. jpeg_quality: encode and decode as JPEG
            between the two, as upstream does for robots whose data are stored so.

    Returns:
        (size, size, 3) uint8.
    """
    done = image.shape[:2] == (size, size)
    if done and jpeg_quality is None:
        return image
    picture = Image.fromarray(np.ascontiguousarray(image))
    if not done:
        picture = picture.resize((RECORDED, RECORDED), Image.BICUBIC)
    if jpeg_quality is not None:
        stored = io.BytesIO()
        picture.save(stored, 'JPEG', quality=jpeg_quality)
        picture = Image.open(stored)
    return np.asarray(picture if done else picture.resize((size, size), Image.BICUBIC))


def box(image, size):
    """(H, W, 3) uint8 -> (size, size, 3) uint8: each pixel the mean of the area it covers. Aspect ratio is not kept."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((size, size), Image.BOX))
