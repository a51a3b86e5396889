"""The steps a prediction and a plan are made of, against the published procedure written out."""
import dataclasses

import numpy as np
import pytest
import torch

from published_rig import SIZE, TASK, observation, small_checkpoint, small_policy

from cosmos_policy_ros.policy.compatibility import PUBLISHED
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.errors import NonFinitePrediction
from cosmos_policy_ros.policy.images import network_images
from cosmos_policy_ros.policy.latent_frame import read_vector, tile
from cosmos_policy_ros.policy.layout import Stage


@pytest.fixture(scope='module')
def policy():
    return small_policy()


@pytest.fixture(scope='module')
def seen(policy):
    return observation(policy.config)


@pytest.fixture(scope='module')
def scene(policy, seen):
    return policy.observe(seen)


@torch.no_grad()
def published_clip(policy, seen):
    """Latents of the whole video that upstream encodes: future pictures are copies of the present ones."""
    pictures = torch.from_numpy(network_images(seen.images, policy.config)).permute(0, 3, 1, 2)
    video = torch.zeros(1, 41, 3, SIZE, SIZE, dtype=torch.uint8)
    for k, picture in enumerate(pictures):
        for frame in (2 + k, 7 + k):
            video[:, 4 * frame - 3:4 * frame + 1] = picture
    pixels = (video.bfloat16() / 127.5 - 1).float().transpose(1, 2)
    vae = policy.tokenizer.vae
    mode = vae.encode(pixels).latent_dist.mode()
    return (mode - constant(vae.config.latents_mean)) / constant(vae.config.latents_std)


def constant(values):
    return torch.tensor(values)[:, None, None, None]


def test_a_scene_is_the_encoded_observation_with_the_state_written_into_it(policy, seen, scene):
    clip = published_clip(policy, seen)
    assert scene.clean.shape == (1, *policy.config.latent_shape) and scene.clean.dtype == torch.float32
    for frame in (0, 2, 3, 4):
        assert ((scene.clean - clip)[:, :, frame].norm() / clip[:, :, frame].norm()).item() < 1e-5
    scaled = torch.from_numpy(policy.statistics.scale_proprio(seen.proprio)).bfloat16().float()[None]
    assert torch.equal(scene.proprio, scaled) and torch.equal(scene.clean[:, :, 1], tile(scaled, (16, 8, 8)))
    assert not scene.clean[:, :, 5:].any()


def test_original_latents_reach_up_to_the_future_state(policy, seen, scene):
    assert scene.original.shape == (1, 16, 7, 8, 8)
    clip = published_clip(policy, seen)[:, :, :7]
    assert ((scene.original - clip).norm() / clip.norm()).item() < 1e-5


@pytest.mark.parametrize('stage', Stage)
def test_conditioned_frames_of_a_sample_are_the_clean_ones_and_the_rest_depends_on_the_seed(policy, stage):
    clean = torch.randn(2, *policy.config.latent_shape)
    latent = policy.sample(stage, clean, TASK, [4, 5], 3)
    mask = torch.from_numpy(policy.config.layout.mask(stage))
    assert torch.equal(latent[:, :, mask], clean[:, :, mask])
    again = policy.sample(stage, clean[1:], TASK, [5], 3)
    assert (again[0] - latent[1]).abs().max() < 1e-4
    other = policy.sample(stage, clean[1:], TASK, [6], 3)
    assert (other[0] - latent[1]).abs().amax((0, 2, 3))[~mask].min() > 1e-3


def test_one_scene_serves_a_batch_of_seeds(policy, scene):
    batch = policy.sample(Stage.POLICY, scene.clean, TASK, [4, 5], 1)
    alone = policy.sample(Stage.POLICY, scene.clean, TASK, [5], 1)
    assert (batch[1] - alone[0]).abs().max() < 1e-4
    assert policy.actions(batch).shape == (2, 50, 14) and policy.actions(batch).dtype == np.float64
    assert policy.values(batch).shape == (2,) and policy.values(batch).dtype == np.float64


def test_direct_prediction_is_its_steps(policy, seen, scene):
    whole = policy.predict(seen, TASK, seed=7, steps=3, futures=True)
    latent = policy.sample(Stage.POLICY, scene.clean, TASK, [7], 3)
    assert torch.equal(latent[0], whole.latent) and np.array_equal(policy.actions(latent)[0], whole.actions)
    images = policy.future_images(latent, scene)[0]
    assert all(np.array_equal(images[name], whole.future_images[name]) for name in images)


def test_future_images_are_those_of_the_whole_decoded_video(policy, seen, scene):
    latent = policy.sample(Stage.POLICY, scene.clean, TASK, [1, 2], 1)
    kept = latent.clone()
    vae, whole = policy.tokenizer.vae, latent.clone()
    for frame in (0, 1, 5, 6):
        whole[:, :, frame] = published_clip(policy, seen)[:, :, frame]
    with torch.no_grad():
        video = vae.decode(whole * constant(vae.config.latents_std) + constant(vae.config.latents_mean)).sample
    video = ((video + 1) * 127.5).clamp(0, 255)
    for k, images in enumerate(policy.future_images(latent, scene)):
        assert list(images) == ['cam_left_wrist', 'cam_right_wrist', 'cam_high']
        for name, raw in zip(images, (25, 29, 33)):
            expected = video[k, :, raw].permute(1, 2, 0).numpy()
            assert images[name].shape == (SIZE, SIZE, 3) and images[name].dtype == np.uint8
            assert -0.01 < (expected - images[name]).min() and (expected - images[name]).max() < 1.01
    assert torch.equal(latent, kept)


def test_looking_ahead_makes_the_imagined_future_the_present(policy, scene):
    latent = torch.randn(2, *policy.config.latent_shape)
    ahead = policy.look_ahead(latent, scene)
    assert torch.equal(ahead[:, :, 1:5], latent[:, :, 6:10]) and torch.equal(ahead[:, :, 0], latent[:, :, 0])
    stale = policy.look_ahead(latent, scene, stale_proprio=True)
    assert torch.equal(stale[:, :, 2:], ahead[:, :, 2:])
    assert torch.equal(stale[:, :, 1], scene.clean[:, :, 1].expand(2, -1, -1, -1))


def test_look_ahead_follows_a_shorter_layout():
    policy = small_policy('libero')
    latent = torch.randn(1, *policy.config.latent_shape)
    ahead = policy.look_ahead(latent, policy.observe(observation(policy.config)))
    assert torch.equal(ahead[:, :, 1:4], latent[:, :, 5:8])


@pytest.mark.parametrize('quirk', ['bf16_pixels', 'bf16_time', 'rope_bf16_exponents', 'bf16_proprio',
                                   'crop_rounded_down', 'two_steps_make_one'])
def test_each_quirk_can_be_switched_off_and_changes_the_answer_a_little(policy, seen, quirk):
    plain = small_policy(quirks=dataclasses.replace(PUBLISHED, **{quirk: False}))
    base, other = (p.predict(seen, TASK, seed=1, steps=2).latent for p in (policy, plain))
    assert 0 < (base - other).norm() / base.norm() < (1 if quirk == 'two_steps_make_one' else 0.1)


def test_a_network_in_bfloat16_stays_near(policy, seen):
    half = CosmosPolicy(small_checkpoint(policy.config), dtype=torch.bfloat16)
    base, other = (p.predict(seen, TASK, seed=1, steps=3).latent for p in (policy, half))
    assert 0 < (base - other).norm() / base.norm() < 0.03
    assert half.network.rope_cos.dtype == half.network.time_rate.dtype == torch.float32


def test_a_network_that_answers_nan_is_refused():
    policy = small_policy()
    with torch.no_grad():
        policy.network.proj_out.weight[0, 0] = float('nan')
    with pytest.raises(NonFinitePrediction, match='answered NaN'):
        policy.sample(Stage.POLICY, torch.zeros(1, *policy.config.latent_shape), TASK, [0], 1)
