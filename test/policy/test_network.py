"""The own forward is diffusers' forward, with random values in every parameter."""
import pytest
import torch
from diffusers import CosmosTransformer3DModel

from cosmos_policy_ros.policy.network import CosmosPolicyTransformer

SIZES = {'num_attention_heads': 3, 'attention_head_dim': 24, 'num_layers': 3, 'text_embed_dim': 40, 'adaln_lora_dim': 8}
GRID = (11, 8, 12)


@pytest.fixture(scope='module')
def networks():
    torch.manual_seed(0)
    own = CosmosPolicyTransformer(GRID, **SIZES).eval()
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.copy_(0.15 * torch.randn_like(parameter) + (parameter.ndim == 1))
        # Small queries and keys make the epsilon of their norms show.
        own.transformer_blocks[1].attn1.to_q.weight.mul_(1e-3)
        own.transformer_blocks[1].attn2.to_k.weight.mul_(1e-3)
    oracle = CosmosTransformer3DModel(in_channels=18, out_channels=16, rope_scale=(1.0, 3.0, 3.0),
                                      concat_padding_mask=False, extra_pos_embed_type=None, **SIZES).eval()
    oracle.load_state_dict(own.state_dict())
    for block in oracle.transformer_blocks:
        for attention in (block.attn1, block.attn2):
            attention.norm_q.eps = attention.norm_k.eps = 1e-6
    return own, oracle


@pytest.fixture(scope='module')
def inputs():
    torch.manual_seed(1)
    latent, text = torch.randn(2, 16, *GRID), torch.zeros(2, 64, 40)
    text[0, :5], text[1, :9] = torch.randn(5, 40), torch.randn(9, 40)
    mask = torch.zeros(2, 11, dtype=torch.bool)
    mask[0, :5] = mask[1, 0] = mask[1, 6:10] = True
    return latent, torch.tensor([0.8, 0.93]), mask, text


def relative(a, b):
    return ((a - b).norm() / b.norm()).item()


@torch.no_grad()
def reference(oracle, latent, time, mask, text):
    batch = len(latent)
    channel = mask[:, None, :, None, None].expand(batch, 1, *latent.shape[2:]).float()
    times = (time[:, None] * ~mask).view(batch, 1, -1, 1, 1)
    return oracle(torch.cat([latent, channel, torch.zeros_like(channel)], 1), times, text).sample


@pytest.mark.parametrize('fold_zeros', [True, False])
def test_forward_equals_the_untouched_class(networks, inputs, fold_zeros):
    own, oracle = networks
    latent, time, mask, text = inputs
    with torch.no_grad():
        result = own(latent, time, mask, own.encode_text(text, fold_zeros))
    assert relative(result, reference(oracle, *inputs)) < 1e-6


def test_a_shared_time_mask_and_instruction_serve_a_whole_batch(networks, inputs):
    own, oracle = networks
    latent, time, mask, text = inputs
    with torch.no_grad():
        result = own(latent, time[:1], mask[:1], own.encode_text(text[:1]))
    expected = reference(oracle, latent, time[:1].expand(2), mask[:1].expand(2, -1), text[:1].expand(2, -1, -1))
    assert relative(result, expected) < 1e-6


def test_selected_instructions_equal_their_own_encoding(networks, inputs):
    own, oracle = networks
    latent, time, mask, text = inputs
    with torch.no_grad():
        result = own(latent, time, mask, own.encode_text(text).select(torch.tensor([1, 0])))
    assert relative(result, reference(oracle, latent, time, mask, text.flip(0))) < 1e-6


def test_position_table_starts_from_the_plain_network_and_then_counts(networks, inputs):
    own, _ = networks
    latent, time, mask, text = inputs
    table = CosmosPolicyTransformer(GRID, position_table=True, **SIZES).eval()
    assert table.load_state_dict(own.state_dict(), strict=False).missing_keys == ['position']
    with torch.no_grad():
        plain = own(latent, time, mask, own.encode_text(text))
        assert torch.equal(table(latent, time, mask, table.encode_text(text)), plain)
        table.position.normal_()
        assert relative(table(latent, time, mask, table.encode_text(text)), plain) > 0.01


def test_initialisation_is_reproducible_and_starts_silent(inputs):
    latent, time, mask, text = inputs
    first, second = (CosmosPolicyTransformer(GRID, position_table=True, **SIZES) for _ in range(2))
    first.initialise(3)
    second.initialise(3)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    with torch.no_grad():
        assert not first(latent, time, mask, first.encode_text(text)).any()
