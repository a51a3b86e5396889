"""Pictures on their way to the network: sizes, order, and what a robot's preset does to them in between."""
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.compatibility import Quirks
from cosmos_policy_ros.policy.config import NetworkConfig, PolicyConfig
from cosmos_policy_ros.policy.golden_vectors import pattern
from cosmos_policy_ros.policy.images import centre_crop, network_images
from cosmos_policy_ros.policy.layout import LIBERO_LAYOUT
from cosmos_policy_ros.policy.resizing import box, published_resize

BOX = PolicyConfig('test', 80, NetworkConfig())
PUBLISHED = dataclasses.replace(BOX, image_size=224, image_pipeline='published', layout=LIBERO_LAYOUT)


def test_a_camera_picture_goes_through_the_recorded_size_first():
    camera = np.tile(pattern(), (2, 3, 1))[:480, :640]
    recorded = np.asarray(Image.fromarray(camera).resize((256, 256), Image.BICUBIC))
    assert np.array_equal(published_resize(camera), published_resize(recorded))
    assert published_resize(camera).shape == (224, 224, 3)


def test_a_picture_of_the_models_size_is_not_resized():
    picture = pattern()[:224, :224]
    assert published_resize(picture) is picture


def test_box_averages_areas_exactly():
    image = np.zeros((192, 192, 3), np.uint8)
    image[:3, :3] = 90
    image[0, 0] = 9
    out = box(image, 64)
    assert out.shape == (64, 64, 3) and out[0, 0].tolist() == [81] * 3 and not out[1:].any()
    assert box(np.full((480, 640, 3), 77, np.uint8), 80).tolist() == np.full((80, 80, 3), 77).tolist()


def test_cameras_come_in_the_order_of_the_layout_whatever_their_sizes():
    images = {name: np.full((48 * (k + 1), 64, 3), 10 * k, np.uint8) for k, name in enumerate(CAMERAS)}
    out = network_images(dict(reversed(images.items())), BOX)
    assert out.shape == (3, 80, 80, 3) and out[:, 0, 0, 0].tolist() == [0, 10, 20]


def test_the_published_pipeline_resizes_and_crops():
    images = {'primary': pattern(), 'wrist': pattern()[::-1]}
    out = network_images(images, PUBLISHED)
    assert np.array_equal(out[0], centre_crop(published_resize(images['wrist'])))
    assert np.array_equal(out[1], centre_crop(published_resize(images['primary'])))


def test_the_crop_of_training_is_one_pixel_wider():
    picture = pattern()[:224, :224]
    # Rows 6..217 and 6..218: the last row shows the first difference.
    assert not np.array_equal(centre_crop(picture), centre_crop(picture, rounded_down=False))
    ramp = np.repeat(np.arange(224, dtype=np.uint8)[:, None, None], 224, 1).repeat(3, 2)
    for rounded_down, last in ((True, 217), (False, 218)):
        assert centre_crop(ramp, rounded_down)[[0, -1], 0, 0].tolist() == [6, last]
    images = {'primary': pattern(), 'wrist': pattern()}
    wide = dataclasses.replace(PUBLISHED, quirks=Quirks(crop_rounded_down=False))
    assert np.array_equal(network_images(images, wide)[0],
                          centre_crop(published_resize(pattern()), rounded_down=False))


def test_a_preset_turns_pictures_over_first_and_then_stores_them_as_jpeg():
    upside_down = pattern()
    stored = io.BytesIO()
    Image.fromarray(upside_down[::-1]).save(stored, 'JPEG', quality=95)
    expected = centre_crop(published_resize(np.asarray(Image.open(stored))))
    config = dataclasses.replace(PUBLISHED, jpeg_quality=95, flip_images=True)
    out = network_images({'primary': upside_down, 'wrist': upside_down}, config)
    assert np.array_equal(out[0], expected) and np.array_equal(out[1], expected)


def test_jpeg_reaches_a_picture_that_needs_no_resizing():
    ramp = np.arange(224, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], ramp[:, None] // 2 + ramp // 2), axis=-1)
    out = published_resize(picture, jpeg_quality=95)
    assert out.shape == picture.shape and 0 < np.abs(out.astype(int) - picture).mean() < 2


@pytest.mark.parametrize('change', [{'jpeg_quality': 0}, {'jpeg_quality': 96},
                                    {'image_pipeline': 'box', 'jpeg_quality': 95}])
def test_a_jpeg_quality_that_nothing_uses_is_refused(change):
    with pytest.raises(ValueError, match='jpeg_quality: expected 1 to 95'):
        dataclasses.replace(PUBLISHED, **change)
