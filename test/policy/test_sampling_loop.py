"""The whole sampling run equals its definition in every form, and says what a device cannot do."""
import functools

import pytest
import torch
import torch.nn.functional as F

from cosmos_policy_ros.policy.denoiser import denoise
from cosmos_policy_ros.policy.prediction import Prediction
from cosmos_policy_ros.policy.fp8 import Fp8Matrix
from cosmos_policy_ros.policy.network import CosmosPolicyTransformer
from cosmos_policy_ros.policy.sampler import sample
from cosmos_policy_ros.policy.sampling_loop import Execution, SamplingLoop
from cosmos_policy_ros.policy.schedule import noise_levels

GRID = (11, 4, 6)
SIZES = {'num_attention_heads': 2, 'attention_head_dim': 24, 'num_layers': 3, 'text_embed_dim': 20, 'adaln_lora_dim': 8}
LEVELS = noise_levels(5)


def relative(a, b):
    return ((a - b).norm() / b.norm()).item()


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = CosmosPolicyTransformer(GRID, **SIZES).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.copy_(0.15 * torch.randn_like(parameter) + (parameter.ndim == 1))
    return network


@pytest.fixture
def inputs(network):
    torch.manual_seed(1)
    rows = torch.zeros(1, 32, 20)
    rows[:, :5] = torch.randn(1, 5, 20)
    mask = torch.zeros(1, 11, dtype=torch.bool)
    mask[:, :5] = True
    return torch.randn(2, 16, *GRID), torch.randn(1, 16, *GRID), mask, network.encode_text(rows)


def definition(network, noise, clean, mask, text, levels, prediction):
    def estimate(x, sigma):
        return denoise(network, x, torch.tensor([sigma]), clean, mask, text, prediction)

    return sample(estimate, noise, levels)


@pytest.mark.parametrize('prediction', Prediction)
@pytest.mark.parametrize('levels', [LEVELS, LEVELS[:1]])
def test_loop_equals_the_sampler_around_the_network(network, inputs, levels, prediction):
    expected = definition(network, *inputs, levels, prediction)
    result = SamplingLoop(network, prediction).run(*inputs, levels)
    assert relative(result, expected) < 1e-6
    clean, mask = inputs[1], inputs[2][0]
    assert torch.equal(result[:, :, mask], clean.expand_as(result)[:, :, mask])


def test_a_loop_leaves_the_network_as_it_was(network, inputs):
    names, before = network.state_dict(), definition(network, *inputs, LEVELS[:1], Prediction.VELOCITY)
    names = {name: value.clone() for name, value in names.items()}
    SamplingLoop(network, Prediction.VELOCITY).run(*inputs, LEVELS)
    after = network.state_dict()
    assert names.keys() == after.keys() and all(torch.equal(value, after[name]) for name, value in names.items())
    assert torch.equal(definition(network, *inputs, LEVELS[:1], Prediction.VELOCITY), before)


def test_joined_weights_take_no_memory_of_their_own(network):
    network.join_projections()
    moved = torch.nn.Module.to(network, torch.float64)
    for block, joined in zip(moved.transformer_blocks, moved.join_projections()):
        storages = {layer.weight.untyped_storage().data_ptr() for layer in (block.attn1.to_q, block.attn1.to_v)}
        assert storages == {joined.untyped_storage().data_ptr()} and joined.dtype == torch.float64
        assert torch.equal(joined, torch.cat([block.attn1.to_q.weight, block.attn1.to_k.weight, block.attn1.to_v.weight]))


def test_one_compilation_serves_every_block(network, inputs, monkeypatch):
    graphs = []

    def backend(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, 'compile', functools.partial(torch.compile, backend=backend))
    expected = SamplingLoop(network, Prediction.VELOCITY).run(*inputs, LEVELS)
    result = SamplingLoop(network, Prediction.VELOCITY, Execution.COMPILED).run(*inputs, LEVELS)
    assert len(graphs) == 1
    assert relative(result, expected) < 1e-6


@pytest.mark.parametrize('options', [{'execution': Execution.GRAPH}, {'fp8': True}])
def test_what_needs_a_gpu_says_so_on_a_cpu(network, options):
    with pytest.raises(ValueError, match='need.* a CUDA device, the network is on cpu; use execution .eager.'):
        SamplingLoop(network, Prediction.VELOCITY, **options)


@pytest.mark.skipif(not hasattr(F, 'scaled_mm'), reason='this torch has no public product of 8-bit matrices')
def test_eight_bit_product_is_near_the_exact_one():
    torch.manual_seed(0)
    # Rows and columns of very different sizes show a scale that went astray.
    x = (torch.randn(2, 16, 64) * torch.logspace(-3, 3, 16)[:, None]).bfloat16()
    matrix = (torch.randn(32, 64) * torch.logspace(-2, 2, 32)[:, None]).bfloat16()
    result, expected = Fp8Matrix.of(matrix).product(x), F.linear(x.double(), matrix.double())
    assert result.shape == (2, 16, 32) and result.dtype == torch.bfloat16
    size = x.double().norm(dim=-1, keepdim=True) * matrix.double().norm(dim=-1)
    assert ((result - expected) / size).abs().max() < 0.03
