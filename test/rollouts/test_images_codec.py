"""Raw images to JPEG messages and back."""
import numpy as np
import pytest
from synthetic_episode import START, cdr, header, image

from cosmos_policy_ros.rollouts.images import compress, decompress, pixels
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.topics import COMPRESSED_IMAGE, IMAGE


def round_trip(raw, quality=95):
    types = message_types()
    return types.deserialize_cdr(compress(raw, types, quality), COMPRESSED_IMAGE)


def test_header_survives_and_the_format_is_image_transports():
    message = round_trip(image(START))
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (START // 10 ** 9, START % 10 ** 9)
    assert message.header.frame_id == 'cam'
    assert message.format == 'rgb8; jpeg compressed bgr8'
    assert bytes(message.data[:3]) == b'\xff\xd8\xff'


def test_pixels_come_back_in_rgb_order():
    raw = image(START, shade=40)
    original = pixels(message_types().deserialize_cdr(raw, IMAGE))
    assert original[0, -1].tolist() == [255, 0, 40]
    assert np.abs(decompress(round_trip(raw)).astype(int) - original).max() < 24


def test_bgr_images_are_stored_with_true_colours():
    raw = image(START, shade=40, encoding='bgr8')
    assert decompress(round_trip(raw))[0, -1].tolist() == pytest.approx([40, 0, 255], abs=24)


def test_padded_rows_are_cut():
    data = np.zeros((4, 10), np.uint8)
    data[:, :6] = 200
    raw = cdr(IMAGE, header(START), 4, 2, 'rgb8', 0, 10, data.reshape(-1))
    assert decompress(round_trip(raw)).min() > 190


def test_mono_images_stay_grey():
    raw = cdr(IMAGE, header(START), 2, 2, 'mono8', 0, 2, np.array([0, 255, 255, 0], np.uint8))
    message = round_trip(raw)
    assert message.format == 'mono8; jpeg compressed mono8'
    assert decompress(message).shape == (2, 2, 3)


@pytest.mark.parametrize('encoding, step, size', [('16UC1', 4, 8), ('rgb8', 5, 10), ('rgb8', 6, 11)])
def test_other_encodings_and_inconsistent_sizes_are_refused(encoding, step, size):
    raw = cdr(IMAGE, header(START), 2, 2, encoding, 0, step, np.zeros(size, np.uint8))
    with pytest.raises(ValueError, match=encoding):
        compress(raw, message_types(), 95)


def test_lower_quality_is_smaller():
    assert len(round_trip(image(START, width=320, height=240), 50).data) < len(
        round_trip(image(START, width=320, height=240), 95).data)
