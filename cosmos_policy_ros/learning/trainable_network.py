"""The transformer as training runs it: block by block, so that blocks can be compiled, recomputed and sharded."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..policy.network import fold_zero_rows, frames_of
from ..policy.transformer_block import BlockText, BlockWeights, text_heads, transformer_block
from .adapters import matrix_of, stacked


class InstructionRows(NamedTuple):
    """What the blocks make text keys and values of. rows: (M or B, R, text_width). bias: (R,) of the logits, or None."""

    rows: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def of(cls, rows):
        """Of stored instructions (M, L, text_width), zero rows after the last token."""
        return cls(*fold_zero_rows(rows))

    def select(self, index):
        """Those of a batch: one of the M instructions for each entry of ``index`` (B,) int64."""
        return InstructionRows(self.rows[index], self.bias)


class LearningBlock(NamedTuple):
    """Everything that learns in a block. weights: ``BlockWeights`` with the three matrices of ``qkv`` side by side.

    modulations: (first, second) matrix of each of the block's three modulations.
    """

    weights: BlockWeights
    text_key: torch.Tensor
    text_value: torch.Tensor
    text_key_norm: torch.Tensor
    modulations: tuple

    @classmethod
    def of(cls, block):
        """Of a block of ``CosmosPolicyTransformer``."""
        own, text, up, down = block.attn1, block.attn2, block.ff.net[0].proj, block.ff.net[2]
        weights = BlockWeights(
            tuple(matrix_of(layer) for layer in (own.to_q, own.to_k, own.to_v)), own.norm_q.weight, own.norm_k.weight,
            matrix_of(own.to_out[0]), matrix_of(text.to_q), text.norm_q.weight, matrix_of(text.to_out[0]),
            matrix_of(up), matrix_of(down))
        modulations = tuple((norm.linear_1.weight, norm.linear_2.weight)
                            for norm in (block.norm1, block.norm2, block.norm3))
        return cls(weights, matrix_of(text.to_k), matrix_of(text.to_v), text.norm_k.weight, modulations)


def learning_block(x, learning, embedded, shared, mask, rotation, text):
    """``transformer_block`` from weights alone, as a function of tensors: one compilation serves every block.

    Args:
        x: (B, T, tokens, width). learning: ``LearningBlock``. embedded, shared: of ``embed_time``. mask: (B, T) bool.
        rotation: (cos, sin). text: ``InstructionRows`` of the batch.
    """
    parts = [F.linear(F.linear(embedded, first), second) + shared for first, second in learning.modulations]
    key, value = text_heads(text.rows.to(x.dtype), learning.text_key, learning.text_value, learning.text_key_norm)
    weights = learning.weights._replace(qkv=stacked(learning.weights.qkv))
    return transformer_block(x, weights, frames_of(torch.cat(parts, -1), mask), rotation,
                             BlockText(key.to(x.dtype), value, text.bias))


class TrainableBlock(nn.Module):
    """A block that can be sharded: whoever calls it finds its weights whole. ``recomputed`` may change between steps."""

    def __init__(self, block, function, recomputed):
        super().__init__()
        self.block, self.recomputed, self._function = block, recomputed, function

    def forward(self, x, *others):
        """See :func:`learning_block`; the arguments but ``learning``."""
        arguments = (x, LearningBlock.of(self.block), *others)
        if not (self.recomputed and torch.is_grad_enabled()):
            return self._function(*arguments)
        return checkpoint(self._function, *arguments, use_reentrant=False, preserve_rng_state=False)


class TrainableNetwork(nn.Module):
    """``CosmosPolicyTransformer.forward`` for training, with the same weights.

    Activations of the first ``recomputed`` blocks are dropped in the forward pass and computed again in the backward
    pass (activation checkpointing): of the 2B network 9 MB a block and sample stay in place of 220 MB, for a
    third more work.
    """

    def __init__(self, network, recomputed=None, compiled=False):
        """recomputed: number of blocks, None for all. compiled: compile the blocks."""
        super().__init__()
        if network.position is not None:
            raise ValueError('a network with a position table is none of the published ones; train it with "train"')
        # Not a child: every weight has one place below this module, which is where sharding replaces it.
        self.__dict__['network'] = network
        self.ends = nn.ModuleList([network.patch_embed, network.time_embed, network.norm_out, network.proj_out])
        function = torch.compile(learning_block, fullgraph=True, dynamic=False) if compiled else learning_block
        count = len(network.transformer_blocks)
        self.blocks = nn.ModuleList(TrainableBlock(block, function, i < (count if recomputed is None else recomputed))
                                    for i, block in enumerate(network.transformer_blocks))

    def forward(self, latent, time, mask, text):
        """See ``CosmosPolicyTransformer.forward``; ``mask`` (B, T), ``text`` the batch's ``InstructionRows``."""
        network = self.network
        embedded, shared = network.embed_time(time)
        x = network.embed_patches(latent, mask)
        for block in self.blocks:
            x = block(x, embedded, shared, mask, (network.rope_cos, network.rope_sin), text)
        # No view: sharding hooks its output.
        return network.read_out(x, frames_of(network.final_modulation(embedded, shared), mask)).clone()
