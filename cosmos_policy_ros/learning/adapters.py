"""Low-rank adapters (LoRA) on the products of every block: made by peft, computed in the block's own products."""
from typing import NamedTuple

import torch
import torch.nn.functional as F

TARGETS = r'transformer_blocks\.\d+\.(attn[12]\.to_(q|k|v|out\.0)|ff\.net\.(0\.proj|2))'
"""Names of the layers that carry an adapter: all of a block but its norms and their modulation."""

ADAPTER = 'default'
"""peft's own name for the first adapter of a network."""


class AdaptedMatrix(NamedTuple):
    """A matrix (out, in) that stays as it is, plus up (out, r) @ down (r, in), which learn."""

    matrix: torch.Tensor
    down: torch.Tensor
    up: torch.Tensor

    def product(self, x):
        """x (..., in) @ (matrix + up @ down).T in x's number type."""
        return F.linear(x, self.matrix) + F.linear(F.linear(x, self.down), self.up)


def add_adapters(network, rank):
    """Puts an adapter beside every layer of ``TARGETS``, without effect so far, and freezes everything else.

    As usual, up starts at zero and is scaled by one (alpha = rank).

    Returns:
        The adapters' parameters, float32.
    """
    from peft import LoraConfig, inject_adapter_in_model
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS), network, ADAPTER)
    network.requires_grad_(False)
    parameters = []
    for layer in adapted_layers(network).values():
        for part in (layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]):
            part.weight.data = part.weight.data.float()
            parameters.append(part.weight.requires_grad_(True))
    return parameters


def adapted_layers(network):
    """Name -> peft layer for every layer of ``network`` with an adapter."""
    from peft.tuners.lora import LoraLayer
    return {name: module for name, module in network.named_modules() if isinstance(module, LoraLayer)}


def matrix_of(layer):
    """A layer's weight (out, in), or an ``AdaptedMatrix`` when it carries an adapter."""
    if not hasattr(layer, 'lora_A'):
        return layer.weight
    up = layer.lora_B[ADAPTER].weight * layer.scaling[ADAPTER]
    return AdaptedMatrix(layer.base_layer.weight, layer.lora_A[ADAPTER].weight, up)


def stacked(matrices):
    """One matrix with the rows of all ``matrices``, which are all plain or all adapted."""
    if isinstance(matrices[0], torch.Tensor):
        return torch.cat(matrices)
    plain, down, up = zip(*matrices)
    return AdaptedMatrix(torch.cat(plain), torch.cat(down), torch.block_diag(*up))


def merged_weights(network, whole):
    """(name, float32 tensor) of every weight of the network without adapters, theirs added to the weights they adapt.

    whole: makes a plain tensor of a parameter that may be a shard.
    """
    layers = adapted_layers(network)
    for name, value in network.state_dict().items():
        if '.lora_' in name:
            continue
        owner = name.removesuffix('.base_layer.weight')
        value = whole(value).float()
        if owner != name:
            layer = layers[owner]
            up, down = (whole(getattr(layer, part)[ADAPTER].weight).float() for part in ('lora_B', 'lora_A'))
            name, value = f'{owner}.weight', value + layer.scaling[ADAPTER] * up @ down
        yield name, value
