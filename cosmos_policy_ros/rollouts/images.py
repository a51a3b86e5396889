"""Raw camera messages to JPEG messages and back, as CDR bytes and as arrays."""
from io import BytesIO

import numpy as np
from PIL import Image

from .topics import COMPRESSED_IMAGE, IMAGE

CHANNELS = {'rgb8': 3, 'bgr8': 3, 'mono8': 1}
"""Encodings of sensor_msgs/Image that can be compressed, with bytes per pixel."""


def pixels(message):
    """(height, width, 3) or, for mono8, (height, width) uint8 view of a ``sensor_msgs/Image``, RGB order.

    Raises:
        ValueError: another encoding, or data that do not fit height and step.
    """
    channels = CHANNELS.get(message.encoding)
    if channels is None:
        raise ValueError(f'image encoding {message.encoding!r} cannot be compressed, only {", ".join(CHANNELS)}; '
                         'set the camera driver to rgb8')
    data = np.frombuffer(message.data, np.uint8)
    if message.step < message.width * channels or data.size != message.height * message.step:
        raise ValueError(f'image of {message.width}x{message.height} {message.encoding} with step {message.step} '
                         f'has {data.size} bytes')
    rows = data.reshape(message.height, message.step)[:, :message.width * channels]
    if channels == 1:
        return rows
    image = rows.reshape(message.height, message.width, channels)
    return image[..., ::-1] if message.encoding == 'bgr8' else image


def encode_jpeg(image, quality):
    """JPEG bytes of an (H, W, 3) or (H, W) uint8 array; 4:2:0 chroma, quality 1 to 95."""
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, 'JPEG', quality=quality)
    return buffer.getvalue()


def decode_jpeg(data):
    """(H, W, 3) uint8 RGB, read-only, of encoded image bytes."""
    image = Image.open(BytesIO(data))
    return np.asarray(image if image.mode == 'RGB' else image.convert('RGB'))


def compress(raw, types, quality):
    """CDR of the ``CompressedImage`` for the CDR of an ``Image``; the header is kept.

    Args:
        raw: bytes of a serialised sensor_msgs/Image. types: a rosbags type store. quality: 1 to 95.

    Raises:
        ValueError: see :func:`pixels`.
    """
    message = types.deserialize_cdr(raw, IMAGE)
    jpeg = np.frombuffer(encode_jpeg(pixels(message), quality), np.uint8)
    kind = 'mono8' if message.encoding == 'mono8' else 'bgr8'  # image_transport names the decoder's output
    compressed = types.types[COMPRESSED_IMAGE](message.header, f'{message.encoding}; jpeg compressed {kind}', jpeg)
    return types.serialize_cdr(compressed, COMPRESSED_IMAGE)


def decompress(message):
    """(H, W, 3) uint8 RGB, read-only, of a ``CompressedImage`` message."""
    return decode_jpeg(bytes(message.data))
