"""Raw camera messages to JPEG messages and back, as CDR bytes and as arrays."""
from io import BytesIO

import numpy as np
from PIL import Image

from cosmos_policy_ros.embodiment.pictures import pixel_rows, raw_to_rgb

from .topics import COMPRESSED_IMAGE, IMAGE

def pixels(message):
    """(height, width, 3) or, for mono8, (height, width) uint8 view of a ``sensor_msgs/Image``, RGB order.

    Raises:
        PictureError: another encoding, or data that do not fit height and step.
    """
    layout = message.data, message.width, message.height, message.step, message.encoding
    return pixel_rows(*layout)[..., 0] if message.encoding == 'mono8' else raw_to_rgb(*layout)


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
