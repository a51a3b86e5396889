"""Pixels of a raw camera picture as the robot's drivers send them: any of the 8-bit encodings to RGB."""
import numpy as np

CHANNELS = {'rgb8': (0, 1, 2), 'bgr8': (2, 1, 0), 'rgba8': (0, 1, 2), 'bgra8': (2, 1, 0), 'mono8': (0, 0, 0)}
"""Places of red, green and blue within a pixel, by the encoding's name in ``sensor_msgs``."""

PIXEL_BYTES = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1}


class PictureError(ValueError):
    """A picture that cannot be used; the message says what it is and what to set."""


def pixel_rows(data, width, height, step, encoding):
    """(height, width, bytes of a pixel) uint8 view of a raw picture; rows may be padded.

    Args:
        data: its bytes. width, height: pixels. step: bytes of a row with its padding.

    Raises:
        PictureError: an unknown encoding, or data that do not fit the size.
    """
    size = PIXEL_BYTES.get(encoding)
    if size is None:
        raise PictureError(f'encoding {encoding!r}; set the camera to rgb8 (known: {", ".join(PIXEL_BYTES)})')
    data = np.frombuffer(data, np.uint8)
    if not width or not height or step < width * size or data.size != height * step:
        raise PictureError(f'{data.size} bytes for {width}x{height} {encoding}, step {step}: the picture is cut or its '
                           'size is wrong; restart the camera, then look at its cable and at the network')
    return data.reshape(height, step)[:, :width * size].reshape(height, width, size)


def raw_to_rgb(data, width, height, step, encoding):
    """(height, width, 3) uint8 RGB of a raw picture, a view where the encoding allows it. Raises as ``pixel_rows``."""
    rows = pixel_rows(data, width, height, step, encoding)
    if encoding == 'mono8':
        return np.repeat(rows, 3, axis=2)
    return rows[..., :3] if CHANNELS[encoding] == (0, 1, 2) else rows[..., 2::-1]
