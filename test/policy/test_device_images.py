"""Pictures made on the GPU's device are those of the published CPU pipeline, byte for byte."""
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from cosmos_policy_ros.policy.device_images import DevicePictures, bicubic_weights
from cosmos_policy_ros.policy.images import network_images
from cosmos_policy_ros.policy.presets import published_presets

CONFIG = published_presets()['cosmos-policy-aloha-2b']


def pictures(height, width):
    """Noise, a smooth ramp (rich in rounding ties) and hard edges."""
    random = np.random.RandomState(height)
    ramp = (np.add.outer(np.arange(height), np.arange(width))[..., None] // 3 + np.arange(3) * 40) % 256
    kinds = random.randint(0, 256, (height, width, 3)), ramp, 255 * (random.rand(height, width, 3) > 0.5)
    return dict(zip(CONFIG.layout.cameras, (kind.astype(np.uint8) for kind in kinds)))


@pytest.mark.parametrize('shape', [(480, 640), (720, 1280), (100, 90), (256, 300), (224, 224)])
def test_device_pictures_equal_the_cpu_pipeline(shape):
    images = pictures(*shape)
    planes = DevicePictures(CONFIG, torch.device('cpu')).planes(images)
    assert np.array_equal(planes.permute(0, 2, 3, 1).numpy(), network_images(images, CONFIG))


def test_crop_of_the_training_size_is_followed():
    config = dataclasses.replace(CONFIG, quirks=dataclasses.replace(CONFIG.quirks, crop_rounded_down=False))
    images = pictures(480, 640)
    planes = DevicePictures(config, torch.device('cpu')).planes(images)
    assert np.array_equal(planes.permute(0, 2, 3, 1).numpy(), network_images(images, config))


@pytest.mark.parametrize('size, target', [(640, 256), (256, 224), (90, 256)])
def test_weights_are_pillows(size, target):
    row = np.random.RandomState(size).randint(0, 256, (1, size)).astype(np.uint8)
    sums = bicubic_weights(size, target) @ torch.from_numpy(row[0]).double()
    own = (sums / 2 ** 22 + 0.5).floor().clamp(0, 255).to(torch.uint8).numpy()
    assert np.array_equal(own, np.asarray(Image.fromarray(row).resize((target, 1), Image.BICUBIC))[0])


def test_only_pipelines_without_steps_of_their_own_are_taken():
    presets = published_presets()
    assert DevicePictures.can(CONFIG)
    assert not DevicePictures.can(presets['cosmos-policy-libero-2b'])
    assert not DevicePictures.can(dataclasses.replace(CONFIG, image_pipeline='box'))
