"""Camera pictures to the network's pictures: the published pipeline, and a plain box average."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F

from .resizing import box, published_resize

CROP_AREA = 0.9
"""Share of the picture's area that the published model sees: it was trained on random crops of this size."""


def crop_side(size, rounded_down=True):
    """Pixels along a side of the square that is kept."""
    side = size * CROP_AREA ** 0.5
    return int(side) if rounded_down else round(side)


def centre_crop(image, rounded_down=True):
    """(S, S, 3) uint8 -> the same shape: the centre square of ``CROP_AREA`` enlarged again.

    Bilinear in float32, rounded half to even. ``rounded_down``: see ``compatibility.Quirks.crop_rounded_down``.
    """
    size = len(image)
    side = crop_side(size, rounded_down)
    start = round((size - side) / 2)
    part = torch.from_numpy(image[start:start + side, start:start + side].astype(np.float32)).permute(2, 0, 1)[None]
    # Enlarging needs no antialiasing, but this is the kernel whose last bits decide the rounding of ties as published.
    part = F.interpolate(part, (size, size), mode='bilinear', antialias=True)[0]
    return part.round().permute(1, 2, 0).to(torch.uint8).numpy()


def network_images(images, config):
    """All cameras of a ``PolicyConfig`` through its pipeline.

    Args:
        images: camera name -> (H, W, 3) uint8.

    Returns:
        (cameras, S, S, 3) uint8 in the order of the layout.
    """
    pictures = [images[name] for name in config.layout.cameras]
    # Resizing lets go of the interpreter's lock, so cameras do not wait for each other.
    with ThreadPoolExecutor(len(pictures)) as pool:
        return np.stack(list(pool.map(lambda picture: _network_image(picture, config), pictures)))


def _network_image(image, config):
    if config.flip_images:
        image = image[::-1]
    if config.image_pipeline == 'box':
        return box(image, config.image_size)
    image = published_resize(image, config.image_size, config.jpeg_quality)
    return centre_crop(image, config.quirks.crop_rounded_down)
