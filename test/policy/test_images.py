"""Both image pipelines against golden values."""
import hashlib

import numpy as np
import pytest

from cosmos_policy_ros.policy.images import box, network_images, published
from cosmos_policy_ros.embodiment.cameras import CAMERAS


@pytest.fixture
def pattern():
    i, j, c = np.ogrid[:256, :256, :3]
    return ((3 * i + 5 * j + 7 * c + i * j // 16) % 256).astype(np.uint8)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_published_pipeline_with_crop_gives_the_golden_bytes(pattern):
    out = np.stack([published(image) for image in (pattern, pattern[::-1], pattern[:, ::-1])])
    assert out[0, 0, :3].tolist() == [[59, 66, 73], [64, 71, 78], [69, 76, 83]]
    assert out[0, 112, 112].tolist() == [23, 28, 11]
    assert digest(out) == 'b2afeca54def214f'


def test_published_pipeline_without_crop_gives_the_golden_bytes(pattern):
    out = published(pattern, crop=False)
    assert out[0, :3].tolist() == [[0, 7, 14], [6, 13, 20], [12, 19, 26]]
    assert digest(out[None]) == '221de05d1829cf41'


def test_a_camera_picture_goes_through_the_recorded_size_first(pattern):
    from PIL import Image

    camera = np.tile(pattern, (2, 3, 1))[:480, :640]
    recorded = np.asarray(Image.fromarray(camera).resize((256, 256), Image.BICUBIC))
    assert np.array_equal(published(camera), published(recorded))


def test_box_averages_areas_exactly():
    image = np.zeros((192, 192, 3), np.uint8)
    image[:3, :3] = 90
    image[0, 0] = 9
    out = box(image, 64)
    assert out.shape == (64, 64, 3) and out[0, 0].tolist() == [81] * 3 and not out[1:].any()
    assert box(np.full((480, 640, 3), 77, np.uint8), 80).tolist() == np.full((80, 80, 3), 77).tolist()


def test_cameras_come_in_the_order_of_the_model_whatever_their_sizes():
    images = {name: np.full((48 * (k + 1), 64, 3), 10 * k, np.uint8) for k, name in enumerate(CAMERAS)}
    out = network_images(dict(reversed(images.items())), 'box', 32)
    assert out.shape == (3, 32, 32, 3) and out[:, 0, 0, 0].tolist() == [0, 10, 20]
