"""Pictures of the cameras, raw or compressed, as RGB arrays: through cv_bridge where it is installed, else through numpy
and Pillow. Both give the same pixels; a compressed picture may differ by what two JPEG decoders differ in.
"""
from io import BytesIO

import numpy as np
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from sensor_msgs.msg import CompressedImage, Image

from cosmos_policy_ros.embodiment.pictures import PictureError, pixel_rows, raw_to_rgb

try:
    from cv_bridge import CvBridge
except (ImportError, AttributeError):  # the latter: built against another numpy than the one that is installed
    CvBridge = None

MESSAGES = {'raw': Image, 'compressed': CompressedImage}
"""Message type by transport."""

GREY_MODES = ('1', 'L', 'LA')


def subscribe(node, robot, camera, callback, qos, raw=False):
    """Subscribe to a camera's pictures by the transport that ``robot`` (``CameraParameters``) names."""
    return node.create_subscription(MESSAGES[robot.camera_transport], robot.picture_topic(camera), callback, qos, raw=raw)


class PictureReader:
    """Turns messages of cameras into RGB arrays.

    Args:
        width, height: pixels that every picture has to have; None takes any. encodings: what is taken; a compressed
        picture counts as rgb8, or as mono8 when it is grey. bridge: a ``CvBridge``, None for numpy and Pillow.
    """

    def __init__(self, width=None, height=None, encodings=('rgb8', 'bgr8', 'rgba8', 'bgra8'),
                 bridge=CvBridge and CvBridge()):
        self._size, self._encodings, self._bridge = (width, height), encodings, bridge

    def __call__(self, message):
        """(height, width, 3) uint8 RGB of an ``Image`` or a ``CompressedImage``; read-only where it is a view.

        Raises:
            PictureError: another size or encoding, or data that are cut or damaged.
        """
        return self._raw(message) if isinstance(message, Image) else self._compressed(message)

    def _raw(self, message):
        self._check_encoding(message.encoding)
        self._check_size(message.width, message.height)
        layout = message.data, message.width, message.height, message.step, message.encoding
        if self._bridge is None:
            return raw_to_rgb(*layout)
        pixel_rows(*layout)  # so that the errors are the same with and without it
        return self._bridge.imgmsg_to_cv2(message, 'rgb8')

    def _compressed(self, message):
        try:
            picture = PillowImage.open(BytesIO(message.data), formats=('JPEG', 'PNG'))
        except (UnidentifiedImageError, PillowImage.DecompressionBombError, OSError) as error:
            raise PictureError(f'{len(message.data)} bytes of format {message.format!r} are no JPEG or PNG; set the '
                               'transport of the camera to jpeg or png') from error
        grey = picture.mode in GREY_MODES
        if not grey and picture.mode not in ('RGB', 'RGBA', 'P'):
            raise PictureError(f'a compressed picture of mode {picture.mode}: no 8-bit colours; set the camera to rgb8')
        self._check_encoding('mono8' if grey else 'rgb8')
        self._check_size(*picture.size)
        try:
            picture.load()  # complete, before any decoder may show half of it
        except (OSError, SyntaxError) as error:
            raise PictureError(f'a compressed picture is cut or damaged ({error}); restart the camera, then look at its '
                               'cable and at the network') from error
        if self._bridge is None or grey:  # cv_bridge does not turn grey into colours here
            return np.asarray(picture.convert('RGB'))
        return self._bridge.compressed_imgmsg_to_cv2(message, 'rgb8')

    def _check_size(self, width, height):
        if self._size != (None, None) and (width, height) != self._size:
            raise PictureError(f'images of {width}x{height}, expected {self._size[0]}x{self._size[1]}; set the camera, or '
                               'image_width and image_height')

    def _check_encoding(self, encoding):
        if encoding not in self._encodings:
            raise PictureError(f'encoding {encoding!r}; set the camera to rgb8, or add it to camera_encodings '
                               f'({", ".join(self._encodings)})')


def reader(robot):
    """The ``PictureReader`` for the cameras of ``CameraParameters``."""
    return PictureReader(robot.image_width, robot.image_height, tuple(robot.camera_encodings))
