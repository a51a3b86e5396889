"""Pictures of every driver become the same RGB arrays, with cv_bridge and without it, or are refused with a reason."""
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image as PillowImage
from sensor_msgs.msg import CompressedImage, Image

from cosmos_policy_ros.embodiment.pictures import PIXEL_BYTES, PictureError
from cosmos_policy_ros.nodes.pictures import PictureReader

SEED = 7
HEIGHT, WIDTH = 12, 16
ALL = tuple(PIXEL_BYTES)
RAW_MODES = {'rgb8': ('RGB', 'RGB'), 'bgr8': ('RGB', 'BGR'), 'rgba8': ('RGBA', 'RGBA'), 'bgra8': ('RGBA', 'BGRA'),
             'mono8': ('L', 'L')}


class FakeCvBridge:
    """A fake of cv_bridge: the two calls in use, on Pillow's raw decoder and on FFmpeg's picture decoders."""

    def imgmsg_to_cv2(self, message, encoding):
        assert encoding == 'rgb8'
        mode, raw = RAW_MODES[message.encoding]
        size = message.width, message.height
        return np.array(PillowImage.frombytes(mode, size, bytes(message.data), 'raw', raw, message.step).convert('RGB'))

    def compressed_imgmsg_to_cv2(self, message, encoding):
        assert encoding == 'rgb8'
        codec = av.CodecContext.create('mjpeg' if bytes(message.data[:2]) == b'\xff\xd8' else 'png', 'r')
        frame, = codec.decode(av.Packet(bytes(message.data)))
        return frame.to_ndarray(format='rgb24')


@pytest.fixture(params=[None, FakeCvBridge()], ids=['numpy', 'fake_cv_bridge'])
def read(request):
    return PictureReader(encodings=ALL, bridge=request.param)


def colours():
    return np.random.default_rng(SEED).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def smooth():
    """A picture that JPEG keeps well."""
    y, x = np.mgrid[:48, :64]
    return np.stack([2 * x + 40, 3 * y + 50, 200 - x], axis=2).astype(np.uint8)


def raw(picture, encoding, padding=0):
    height, width, _ = picture.shape
    alpha = np.full((height, width, 1), 77, np.uint8)
    pixels = {'rgb8': picture, 'bgr8': picture[..., ::-1], 'rgba8': np.concatenate([picture, alpha], 2),
              'bgra8': np.concatenate([picture[..., ::-1], alpha], 2), 'mono8': picture[..., :1]}[encoding]
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)), constant_values=99)
    return Image(height=height, width=width, encoding=encoding, step=rows.shape[1], data=rows.tobytes())


def packed(picture, kind, **options):
    buffer = BytesIO()
    PillowImage.fromarray(picture).save(buffer, kind, **options)
    return CompressedImage(format=f'rgb8; {kind.lower()} compressed bgr8', data=buffer.getvalue())


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', ALL)
def test_every_encoding_gives_the_same_colours(read, encoding, padding):
    picture = colours()
    expected = np.repeat(picture[..., :1], 3, 2) if encoding == 'mono8' else picture
    result = read(raw(picture, encoding, padding))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


def test_a_png_is_exact_and_a_jpeg_close(read):
    np.testing.assert_array_equal(read(packed(colours(), 'PNG')), colours())
    difference = np.abs(read(packed(smooth(), 'JPEG', quality=95, subsampling=0)).astype(int) - smooth())
    assert difference.max() <= 6


def test_both_decoders_agree_on_a_jpeg():
    message = packed(smooth(), 'JPEG', quality=90)
    ours, theirs = (PictureReader(bridge=bridge)(message).astype(int) for bridge in (None, FakeCvBridge()))
    assert np.abs(ours - theirs).max() <= 4


def test_a_grey_jpeg_counts_as_mono8(read):
    message = packed(smooth()[..., 0], 'JPEG')
    result = read(message)
    assert result.shape == (48, 64, 3) and (result[..., 0] == result[..., 2]).all()
    with pytest.raises(PictureError, match="encoding 'mono8'; set the camera to rgb8, or add it to camera_encodings"):
        PictureReader(encodings=('rgb8',))(message)


def broken(**changes):
    message = raw(colours(), 'rgb8')
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize('message, sentence', [
    (broken(encoding='yuv422_yuy2'), "encoding 'yuv422_yuy2'; set the camera to rgb8"),
    (broken(encoding='16UC1'), "encoding '16UC1'"),
    (broken(step=WIDTH * 3 - 1), f'{HEIGHT * WIDTH * 3} bytes for {WIDTH}x{HEIGHT} rgb8, step {WIDTH * 3 - 1}'),
    (broken(data=bytes(100)), f'100 bytes for {WIDTH}x{HEIGHT} rgb8'),
    (broken(data=b''), 'the picture is cut'),
    (broken(height=0, data=b''), 'the picture is cut'),
    (CompressedImage(format='16UC1; compressedDepth', data=b'\0' * 40), 'are no JPEG or PNG; set the transport'),
    (CompressedImage(format='jpeg', data=b''), 'are no JPEG or PNG'),
    (CompressedImage(format='jpeg', data=bytes(packed(smooth(), 'JPEG').data)[:-60]), 'cut or damaged'),
    (CompressedImage(format='png', data=bytes(packed(smooth(), 'PNG').data)[:80]), 'cut or damaged'),
])
def test_what_cannot_be_used_is_refused_with_what_to_set(read, message, sentence):
    with pytest.raises(PictureError, match=sentence.replace('(', r'\(')):
        read(message)


@pytest.mark.parametrize('message', [raw(colours(), 'rgb8'), packed(colours(), 'PNG')], ids=['raw', 'compressed'])
def test_another_size_is_refused_never_resized(message):
    with pytest.raises(PictureError, match=f'images of {WIDTH}x{HEIGHT}, expected 640x480; set the camera'):
        PictureReader(640, 480)(message)
    assert PictureReader(WIDTH, HEIGHT)(message).shape == (HEIGHT, WIDTH, 3)
