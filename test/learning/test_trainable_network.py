"""The network as it is trained computes what it computes in use, recomputed or not, with adapters or merged."""
import copy
from dataclasses import replace

import pytest
import torch
from fine_tuning_rig import CONFIG, small_start
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from cosmos_policy_ros.learning.adapters import adapted_layers, add_adapters, merged_weights
from cosmos_policy_ros.learning.presets import TINY
from cosmos_policy_ros.learning.trainable_network import InstructionRows, TrainableNetwork
from cosmos_policy_ros.learning.training_flops import network_work
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.presets import published_presets


@pytest.fixture(scope='module')
def start():
    torch.set_num_threads(1)
    start = small_start()
    start.network.requires_grad_(True)
    return start


@pytest.fixture
def given(start):
    """(latent, time, mask, text rows) of two samples with different questions."""
    torch.manual_seed(1)
    masks = [torch.from_numpy(CONFIG.layout.mask(stage)) for stage in (Stage.POLICY, Stage.FUTURE_VALUE)]
    rows = torch.stack([*start.text_embeddings.values()] * 2)
    return torch.randn(2, *CONFIG.latent_shape), torch.tensor([0.3, 0.9]), torch.stack(masks), rows


def trained(network, given, **options):
    latent, time, mask, rows = given
    return TrainableNetwork(network, **options)(latent, time, mask, InstructionRows.of(rows))


def test_it_is_the_network_that_acts(start, given):
    latent, time, mask, rows = given
    expected = start.network(latent, time, mask, start.network.encode_text(rows, fold_zeros=False))
    assert (trained(start.network, given) - expected).abs().max() < 1e-5


def test_recomputed_blocks_give_the_same_gradients(start, given):
    gradients = []
    for recomputed in (0, 1, None):
        start.network.zero_grad(set_to_none=True)
        trained(start.network, given, recomputed=recomputed).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in start.network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(gradients[0], gradients[1]))
    assert all(torch.equal(one, other) for one, other in zip(gradients[0], gradients[2]))


def test_merged_adapters_are_the_adapted_network(start, given):
    adapted = copy.deepcopy(start.network)
    learning = add_adapters(adapted, 3)
    assert torch.allclose(trained(adapted, given), trained(start.network, given), atol=1e-6)
    with torch.no_grad():
        for layer in adapted_layers(adapted).values():
            layer.lora_B['default'].weight.normal_(std=0.1)
    merged = build_network(CONFIG)
    merged.load_state_dict(dict(merged_weights(adapted, lambda tensor: tensor)))
    answer = trained(adapted, given)
    assert (answer - trained(merged, given)).abs().max() < 1e-4
    assert (answer - trained(start.network, given)).abs().max() > 1e-2
    answer.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in learning)
    assert {id(p) for p in adapted.parameters() if p.requires_grad} == {id(p) for p in learning}


def test_a_network_with_a_position_table_is_refused():
    with torch.device('meta'):
        network = build_network(TINY)
    with pytest.raises(ValueError, match='position table'):
        TrainableNetwork(network)


def test_counted_operations_are_those_that_run(start, given):
    latent, time, mask, rows = given
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        trained(start.network, [part[:1] for part in given], recomputed=0)
    text = InstructionRows.of(rows[:1])
    assert counter.get_total_flops() == network_work(CONFIG, text.rows.shape[1]).forward


def test_the_full_size_costs_what_is_known_of_it():
    """8.53 TFLOP a call without the modulation, with all 512 rows of the text."""
    full = published_presets()['cosmos-policy-aloha-2b']
    work = network_work(full, 512)
    assert work.forward / 1e12 == pytest.approx(8.53, rel=0.002)
    assert work.step() == 3 * work.forward and work.step(adapters=True) == 2 * work.products + 3 * work.scores
    assert network_work(replace(full, image_size=112), 512).forward < work.forward / 4
