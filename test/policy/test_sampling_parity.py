"""A whole sampling run is the published one: the untouched diffusers class, upstream's update rule, every stage."""
import math
from dataclasses import replace

import pytest
import torch
from diffusers import CosmosTransformer3DModel

from published_rig import TASK, small_checkpoint, small_config

from cosmos_policy_ros.policy.compatibility import PUBLISHED
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.noise import start_noise


@pytest.fixture(scope='module')
def checkpoint():
    # The stock class has exact rotary frequencies; their rounding has its own test.
    return small_checkpoint(replace(small_config('aloha'), quirks=replace(PUBLISHED, rope_bf16_exponents=False)))


@pytest.fixture(scope='module')
def policy(checkpoint):
    return CosmosPolicy(checkpoint)


@pytest.fixture(scope='module')
def oracle(policy):
    config = policy.config.network
    stock = CosmosTransformer3DModel(
        in_channels=18, out_channels=16, num_attention_heads=config.num_attention_heads, num_layers=config.num_layers,
        attention_head_dim=config.attention_head_dim, text_embed_dim=config.text_embed_dim, mlp_ratio=config.mlp_ratio,
        adaln_lora_dim=config.adaln_lora_dim, rope_scale=config.rope_scale, concat_padding_mask=False,
        extra_pos_embed_type=None).eval()
    stock.load_state_dict(policy.network.state_dict())
    for block in stock.transformer_blocks:
        for attention in (block.attn1, block.attn2):
            attention.norm_q.eps = attention.norm_k.eps = 1e-6
    return stock


def published_estimate(oracle, x, sigma, clean, mask, text):
    """Clean estimate (B, C, T, h, w): padding channel, per-frame times and frame replacement written out."""
    t = sigma / (1 + sigma)
    frames = mask[None, None, :, None, None].float()
    z = clean * frames + x / (1 + sigma) * (1 - frames)
    channel = frames.expand(len(x), 1, *x.shape[2:])
    tau = (torch.tensor(t).bfloat16().float() * ~mask).view(1, 1, -1, 1, 1).expand(len(x), -1, -1, -1, -1)
    out = oracle(torch.cat([z, channel, torch.zeros_like(channel)], dim=1), tau, text.expand(len(x), -1, -1)).sample
    return clean * frames + ((1 - t) * x - t * out) * (1 - frames)


def published_sample(estimate, noise, steps):
    intervals = max(steps - 1, 1)
    sigmas = [(80 ** (1 / 7) + i / intervals * (4 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(intervals + 1)]
    x = noise.double() * 80
    if steps <= 2:
        return estimate(x.float(), 80.0)
    seen = []
    for k in range(intervals):
        seen.append(estimate(x.float(), sigmas[k]).double())
        h = math.log(sigmas[k] / sigmas[k + 1])
        if k == 0:
            x = math.exp(-h) * x + (1 - math.exp(-h)) * seen[0]
        else:
            c2 = -math.log(sigmas[k - 1] / sigmas[k]) / h
            phi1 = (1 - math.exp(-h)) / h
            phi2 = (1 - phi1) / h
            x = math.exp(-h) * x + h * ((phi1 - phi2 / c2) * seen[k] + phi2 / c2 * seen[k - 1])
    return estimate(x.float(), sigmas[-1])


@pytest.mark.parametrize('stage, steps', [(Stage.POLICY, 1), (Stage.POLICY, 2), (Stage.POLICY, 10),
                                          (Stage.WORLD_MODEL, 5), (Stage.VALUE, 3), (Stage.FUTURE_VALUE, 5),
                                          (Stage.ACTION_VALUE, 3)])
def test_a_sample_is_the_stock_class_under_the_published_sampler(checkpoint, policy, oracle, stage, steps):
    clean = torch.randn(2, *policy.config.latent_shape, generator=torch.Generator().manual_seed(1))
    mask = torch.from_numpy(policy.config.layout.mask(stage))
    text = checkpoint.text_embeddings[TASK][None]
    with torch.no_grad():
        expected = published_sample(lambda x, sigma: published_estimate(oracle, x, sigma, clean, mask, text),
                                    start_noise([8, 9], policy.config.latent_shape), steps)
    got = policy.sample(stage, clean, TASK, [8, 9], steps)
    assert ((got - expected)[:, :, ~mask].norm() / expected[:, :, ~mask].norm()).item() < 1e-6
