"""The published family as data: the values of upstream's files, and every robot of it runs."""
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from published_rig import SIZE, TASK, observation, small_checkpoint, small_config, small_policy

from cosmos_policy_ros.policy.compatibility import Quirks
from cosmos_policy_ros.policy.config import ADDED, NetworkConfig, PolicyConfig
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.errors import ObservationError, UnknownInstruction
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.presets import published_presets

ROBOTS = {  # chunk rows, action, proprio, steps, cameras
    'aloha': (50, 14, 14, 10, 3), 'libero': (16, 7, 9, 5, 2), 'robocasa': (32, 7, 9, 5, 3)}


@pytest.mark.parametrize('robot, sizes', ROBOTS.items())
def test_preset_has_the_published_sizes_and_returns_from_its_file(robot, sizes):
    preset = published_presets()[f'cosmos-policy-{robot}-2b']
    assert (preset.chunk_rows, preset.action_dim, preset.proprio_dim, preset.steps, len(preset.layout.cameras)) == sizes
    assert preset.robot == robot and preset.latent_shape == (16, 5 + 2 * sizes[-1], 28, 28)
    assert (preset.flip_images, preset.jpeg_quality) == ((False, None) if robot == 'aloha' else (True, 95))
    assert all(dataclasses.astuple(preset.quirks))
    assert PolicyConfig.from_dict(json.loads(json.dumps(preset.to_dict()))) == preset


def test_network_has_the_published_number_of_parameters():
    with torch.device('meta'):
        network = build_network(published_presets()['cosmos-policy-aloha-2b'])
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_956_413_440


@pytest.mark.parametrize('robot', ROBOTS)
def test_every_robot_of_the_family_answers_every_question(robot):
    policy = small_policy(robot)
    rows, actions, proprio, _, cameras = ROBOTS[robot]
    policy.warm_up()
    result = policy.predict(observation(policy.config), TASK, seed=3, steps=3, futures=True)
    assert result.actions.shape == (rows, actions) and result.future_proprio.shape == (proprio,)
    assert [image.shape for image in result.future_images.values()] == [(SIZE, SIZE, 3)] * cameras
    assert list(result.future_images) == list(policy.config.layout.cameras) and 0 <= result.value <= 1
    scene = policy.observe(observation(policy.config))
    for stage in Stage:
        assert policy.sample(stage, scene.clean, TASK, [1, 2], 1).shape == (2, *policy.config.latent_shape)


def test_another_robots_observation_and_an_unknown_sentence_are_refused():
    policy, aloha = small_policy('libero'), small_policy('aloha')
    with pytest.raises(ObservationError, match='expected exactly wrist, primary, got cam_high'):
        policy.predict(observation(aloha.config), TASK, seed=0)
    short = dataclasses.replace(observation(policy.config), proprio=np.zeros(14))
    with pytest.raises(ObservationError, match=r'expected \(9,\) floats'):
        policy.observe(short)
    with pytest.raises(UnknownInstruction, match="known: 'fold shirt'. Embed it offline"):
        aloha.predict(observation(aloha.config), 'Fold shirt.', seed=0)


def test_a_checkpoint_without_instructions_cannot_warm_up():
    silent = CosmosPolicy(dataclasses.replace(small_checkpoint(small_config('aloha')), text_embeddings={}))
    with pytest.raises(UnknownInstruction, match='stores no instruction; embed'):
        silent.warm_up()


@pytest.mark.parametrize('robot, change', [('aloha', {'action_dim': 21}), ('libero', {'chunk_rows': 0}),
                                           ('robocasa', {'proprio_dim': 20000})])
def test_numbers_that_do_not_fit_a_latent_frame_are_refused(robot, change):
    preset = published_presets()[f'cosmos-policy-{robot}-2b']
    with pytest.raises(ValueError, match='a latent frame of 1024 numbers does not hold'):
        dataclasses.replace(preset, image_size=64, **change)


def test_a_config_file_from_before_the_family_means_what_it_meant():
    path = Path(__file__).parents[2] / 'checkpoints' / 'tiny_aloha' / 'config.json'
    values = {key: value for key, value in json.loads(path.read_text()).items() if key not in ADDED}
    config = PolicyConfig.from_dict(values)
    assert (config.action_dim, config.proprio_dim, config.jpeg_quality, config.flip_images) == (14, 14, None, False)
    assert config.quirks == Quirks() and config.noise_levels(2) == (80.0,)
    assert config.to_dict().items() >= (values | {'network': config.to_dict()['network']}).items()


def test_unknown_quirks_and_unknown_keys_are_refused():
    values = PolicyConfig('test', 64, NetworkConfig()).to_dict()
    with pytest.raises(ValueError, match=r"Quirks: missing .*, unknown \['spin'\]"):
        PolicyConfig.from_dict(values | {'quirks': {'spin': True}})
    with pytest.raises(ValueError, match=r"unknown \['colour'\]"):
        PolicyConfig.from_dict(values | {'colour': 'red'})
