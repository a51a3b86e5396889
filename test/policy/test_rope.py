"""Rotary angles: diffusers' own without the published rounding, and its known effect with it."""
import pytest
import torch
from diffusers.models.transformers.transformer_cosmos import CosmosRotaryPosEmbed

from cosmos_policy_ros.policy.rope import rotary_angles

SCALE = (1.0, 3.0, 3.0)


@pytest.mark.parametrize('grid, head_dim, scale', [((11, 14, 14), 128, SCALE), ((9, 4, 6), 24, (1.0, 1.0, 1.0))])
def test_exact_angles_are_those_of_diffusers_bit_for_bit(grid, head_dim, scale):
    cos, sin = CosmosRotaryPosEmbed(head_dim, rope_scale=scale)(torch.empty(1, 1, grid[0], 2 * grid[1], 2 * grid[2]))
    angles = rotary_angles(grid, head_dim, scale)
    assert torch.equal(angles.cos(), cos[:, :head_dim // 2]) and torch.equal(angles.sin(), sin[:, :head_dim // 2])


def test_published_rounding_moves_an_angle_by_at_most_the_known_amount():
    grid = (11, 14, 14)
    moved = (rotary_angles(grid, 128, SCALE, bf16_exponents=True) - rotary_angles(grid, 128, SCALE)).abs().max()
    assert moved.item() == pytest.approx(0.0093, abs=1e-4)
