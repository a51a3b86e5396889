"""The published family in miniature, as a checkpoint to fine-tune: its layout, autoencoder and forward, few weights."""
from dataclasses import replace

import torch
from diffusers import AutoencoderKLWan
from synthetic_episodes import DUCK, make_episode

from cosmos_policy_ros.learning.dataset import statistics_of
from cosmos_policy_ros.learning.optimisation import FineTuningConfig
from cosmos_policy_ros.policy.checkpoint import Checkpoint
from cosmos_policy_ros.policy.config import NetworkConfig
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer

CONFIG = replace(published_presets()['cosmos-policy-aloha-2b'], preset='small', image_size=64, text_tokens=16,
                 weights_dtype='float32',
                 network=NetworkConfig(2, 24, 2, text_embed_dim=16, adaln_lora_dim=8, rope_scale=(1.0, 3.0, 3.0),
                                       position_table=False))

SETTINGS = FineTuningConfig(steps=3, batch=2, part=1, warm_up=1, learning_rate=1e-3, held_out=0.25, log_every=1,
                            evaluate_every=10 ** 9, save_every=10 ** 9)


def small_episodes(count=4):
    return [make_episode(seed, 12) for seed in range(count)]


def small_start(seed=0):
    torch.manual_seed(seed)
    vae = AutoencoderKLWan(base_dim=8, num_res_blocks=1)
    network = build_network(CONFIG)
    with torch.no_grad():
        for module in (vae, network):
            for parameter in module.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    text = torch.zeros(CONFIG.text_tokens, CONFIG.network.text_embed_dim)
    text[:4] = torch.randn(4, CONFIG.network.text_embed_dim)
    return Checkpoint(CONFIG, network.eval().requires_grad_(False), WanTokenizer(vae), statistics_of(small_episodes()),
                      {DUCK: text}, '')
