"""The published family in miniature: its presets, layouts and autoencoder with small random weights."""
import dataclasses

import numpy as np
import torch
from diffusers import AutoencoderKLWan

from cosmos_policy_ros.policy.checkpoint import Checkpoint
from cosmos_policy_ros.policy.config import NetworkConfig
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.statistics import DatasetStatistics
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer

TASK = 'fold shirt'
SIZE = 64
"""Pixels; the smallest picture whose latent frame holds a chunk of 50 x 14."""


def small_config(robot):
    """The published preset of ``robot`` with a network of two narrow blocks."""
    network = NetworkConfig(2, 40, 2, text_embed_dim=32, adaln_lora_dim=8, rope_scale=(1.0, 3.0, 3.0),
                            position_table=False)
    return dataclasses.replace(published_presets()[f'cosmos-policy-{robot}-2b'], image_size=SIZE, network=network,
                               text_tokens=16)


def random_weights(module, spread):
    """The module with every parameter moved off its initial value."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return module.eval()


def small_checkpoint(config):
    torch.manual_seed(0)
    vae = random_weights(AutoencoderKLWan(base_dim=8, num_res_blocks=1), 0.02)
    random = np.random.RandomState(0)
    text = torch.zeros(config.text_tokens, config.network.text_embed_dim)
    text[:4] = torch.randn(4, config.network.text_embed_dim)
    return Checkpoint(config, random_weights(build_network(config), 0.1),
                      WanTokenizer(vae, config.quirks.bf16_pixels),
                      DatasetStatistics.of(random.uniform(-1, 1, (50, config.action_dim)),
                                           random.uniform(-1, 1, (50, config.proprio_dim))),
                      {TASK: text}, '')


def small_policy(robot='aloha', **changes):
    torch.set_num_threads(1)
    return CosmosPolicy(small_checkpoint(dataclasses.replace(small_config(robot), **changes)))


def observation(config, seed=0, size=(48, 64)):
    random = np.random.RandomState(seed)
    images = {name: random.randint(0, 256, (*size, 3)).astype(np.uint8) for name in config.layout.cameras}
    return Observation(0.0, images, random.uniform(-1, 1, config.proprio_dim))
