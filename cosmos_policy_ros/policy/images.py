"""Camera pictures to the network's pictures: the published pipeline, and a plain box average."""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ..embodiment.cameras import CAMERAS

RECORDED = 256
"""Pixels; the published data were resized to this square first, so a live picture must be, too."""

CROP_AREA = 0.9
"""Share of the picture's area that the published model sees: it was trained on random crops of this size."""


def published(image, size=224, crop=True):
    """The picture as the published checkpoints were trained on it.

    Bicubic to 256, bicubic to ``size``, then with ``crop`` the centre square of floor(size*sqrt(0.9)) pixels enlarged
    again (bilinear in float32, rounded half to even). Aspect ratio is not kept.

    Args:
        image: (H, W, 3) uint8. One that already has ``size`` is only cropped.

    Returns:
        (size, size, 3) uint8.
    """
    if image.shape[:2] != (size, size):
        picture = Image.fromarray(image).resize((RECORDED, RECORDED), Image.BICUBIC)
        image = np.asarray(picture.resize((size, size), Image.BICUBIC))
    if not crop:
        return image
    side = int(size * CROP_AREA ** 0.5)
    start = round((size - side) / 2)
    part = torch.from_numpy(image[start:start + side, start:start + side].astype(np.float32)).permute(2, 0, 1)[None]
    # Enlarging needs no antialiasing, but this is the kernel whose last bits decide the rounding of ties as published.
    part = F.interpolate(part, (size, size), mode='bilinear', antialias=True)[0]
    return part.round().permute(1, 2, 0).to(torch.uint8).numpy()


def box(image, size):
    """(H, W, 3) uint8 -> (size, size, 3) uint8: each pixel the mean of the area it covers. Aspect ratio is not kept."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.BOX))


def network_images(images, pipeline, size):
    """All cameras through one pipeline.

    Args:
        images: camera name -> (H, W, 3) uint8. pipeline: 'published' or 'box'.

    Returns:
        (3, size, size, 3) uint8 in the order of ``CAMERAS``.
    """
    convert = {'published': published, 'box': box}[pipeline]
    return np.stack([convert(images[name], size) for name in CAMERAS])
