"""The published policy with random weights, made on the device that is measured, and the stock network beside it."""
import dataclasses

import numpy as np
import torch
from diffusers import AutoencoderKLWan, CosmosTransformer3DModel

from cosmos_policy_ros.policy.checkpoint import Checkpoint
from cosmos_policy_ros.policy.config import NetworkConfig
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.statistics import DatasetStatistics
from cosmos_policy_ros.policy.transformer_block import NORM_EPS
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer

TASK, TOKENS = 'put brown chicken wing on plate', 9
"""The longest published sentence and a generous count of its tokens."""


def preset(small):
    """The published ALOHA preset; ``small`` has two narrow blocks and 64-pixel pictures."""
    full = published_presets()['cosmos-policy-aloha-2b']
    if not small:
        return full
    network = NetworkConfig(2, 40, 2, text_embed_dim=32, adaln_lora_dim=8, rope_scale=(1.0, 3.0, 3.0),
                            position_table=False)
    return dataclasses.replace(full, image_size=64, network=network, text_tokens=16)


def random_network(config, device, seed):
    """A ``CosmosPolicyTransformer`` in float32 whose modulations are as alive as a trained one's."""
    with torch.device(device):
        network = torch.nn.Module.to(build_network(config), device).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(generator=generator)
            if parameter.ndim == 1:
                parameter.mul_(0.1).add_(1)
            else:
                parameter.mul_(parameter.shape[1] ** -0.5)
    return network


def random_checkpoint(config, device, seed, dtype):
    vae = AutoencoderKLWan(**({'base_dim': 8, 'num_res_blocks': 1} if config.image_size < 224 else {}))
    random = np.random.RandomState(seed)
    text = torch.zeros(config.text_tokens, config.network.text_embed_dim)
    text[:TOKENS] = torch.from_numpy(random.standard_normal((TOKENS, config.network.text_embed_dim)).astype(np.float32))
    # Back to where checkpoints are read to, so that the policy moves it as it would move a loaded one.
    network = torch.nn.Module.to(random_network(config, device, seed), 'cpu', dtype)
    statistics = DatasetStatistics.of(random.uniform(-1, 1, (50, config.action_dim)),
                                      random.uniform(-1, 1, (50, config.proprio_dim)))
    return Checkpoint(config, network, WanTokenizer(vae, config.quirks.bf16_pixels), statistics, {TASK: text}, '')


def random_observation(config, seed):
    random = np.random.RandomState(seed)
    images = {name: random.randint(0, 256, (480, 640, 3)).astype(np.uint8) for name in config.layout.cameras}
    return Observation(0.0, images, random.uniform(-1, 1, config.proprio_dim))


def stock_network(own, dtype):
    """diffusers' class as it is, with the weights of ``own`` and the published epsilon."""
    sizes = ('in_channels', 'out_channels', 'num_attention_heads', 'attention_head_dim', 'num_layers', 'mlp_ratio',
             'text_embed_dim', 'adaln_lora_dim', 'max_size', 'patch_size', 'rope_scale', 'concat_padding_mask',
             'extra_pos_embed_type')
    with torch.device('meta'):
        stock = CosmosTransformer3DModel(**{name: own.config[name] for name in sizes})
    stock.load_state_dict({name: value.to(dtype) for name, value in own.state_dict().items()}, assign=True)
    for block in stock.transformer_blocks:
        for attention in (block.attn1, block.attn2):
            attention.norm_q.eps = attention.norm_k.eps = NORM_EPS
    return stock.eval().requires_grad_(False)


def stock_call(stock, latent, time, mask, rows):
    """What the own network computes from latent (B, C, T, h, w), time (1,), mask (1, T) and text (1, L, W)."""
    batch, dtype = len(latent), stock.proj_out.weight.dtype
    channel = mask[:, None, :, None, None].expand(batch, 1, *latent.shape[2:]).to(latent.dtype)
    times = (time[:, None] * ~mask).view(1, 1, -1, 1, 1).expand(batch, -1, -1, -1, -1)
    return stock(torch.cat([latent, channel, torch.zeros_like(channel)], 1).to(dtype), times,
                 rows.to(dtype).expand(batch, -1, -1)).sample
