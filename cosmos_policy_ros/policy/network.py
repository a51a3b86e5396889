"""The diffusion transformer: diffusers' Cosmos weights with a forward that computes each thing once.

Equal to ``CosmosTransformer3DModel.forward`` with per-frame times, but modulation is computed once per noise level in
place of per token, instruction keys and values are computed once, and rows of zeros in the text are folded into one.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import CosmosTransformer3DModel
from diffusers.configuration_utils import register_to_config
from torch import nn

from .config import LATENT_CHANNELS, PATCH
from .rope import rotary_angles
from .transformer_block import NORM_EPS, BlockText, BlockWeights, modulate, text_heads, transformer_block

ROW_MULTIPLE = 8
"""Folded instructions are filled up to a multiple of this many rows, so that most of them share one shape."""


@dataclass(frozen=True)
class TextContext:
    """What the blocks attend to for M instructions: the parts of ``BlockText`` with an axis of blocks in front."""

    keys: torch.Tensor
    values: torch.Tensor
    bias: torch.Tensor = None

    def select(self, index):
        """The context of a batch: one of the M instructions for each of the B entries of ``index`` (B,) int64."""
        return TextContext(self.keys[:, index], self.values[:, index], self.bias)

    def block(self, i):
        """The part of block ``i``."""
        return BlockText(self.keys[i], self.values[i], self.bias)


class CosmosPolicyTransformer(CosmosTransformer3DModel):
    """Weights under diffusers' names for a fixed latent grid.

    ``grid``: (frames, rows, columns) of the latent sequence. ``position_table``: adds a learned vector for every frame
    and token after the patch embedding. ``rope_bf16_exponents``, ``bf16_time``: see ``compatibility.Quirks``. Input
    channels are 16 latent, 1 condition mask and 1 padding mask (here zero). ``modulation_on_host``: the tenth of the
    weights that only :meth:`modulation` reads stays in host memory when the network moves to a GPU.
    """

    @register_to_config
    def __init__(self, grid, num_attention_heads=16, attention_head_dim=128, num_layers=28, mlp_ratio=4.0,
                 text_embed_dim=1024, adaln_lora_dim=256, rope_scale=(1.0, 3.0, 3.0), position_table=False,
                 rope_bf16_exponents=False, bf16_time=False, in_channels=LATENT_CHANNELS + 2,
                 out_channels=LATENT_CHANNELS, max_size=(128, 240, 240), patch_size=(1, PATCH, PATCH),
                 concat_padding_mask=False, extra_pos_embed_type=None):
        super().__init__(
            in_channels=in_channels, out_channels=out_channels, num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim, num_layers=num_layers, mlp_ratio=mlp_ratio,
            text_embed_dim=text_embed_dim, adaln_lora_dim=adaln_lora_dim, max_size=max_size, patch_size=patch_size,
            rope_scale=rope_scale, concat_padding_mask=concat_padding_mask, extra_pos_embed_type=extra_pos_embed_type)
        self.width = num_attention_heads * attention_head_dim
        self.bf16_time = bf16_time
        self.modulation_on_host = False
        self._joined = None
        self.token_grid = (grid[0], grid[1] // PATCH, grid[2] // PATCH)
        for block in self.transformer_blocks:
            for attention in (block.attn1, block.attn2):
                attention.norm_q.eps = attention.norm_k.eps = NORM_EPS
        angle = rotary_angles(self.token_grid, attention_head_dim, rope_scale, rope_bf16_exponents)
        self.register_buffer('rope_cos', angle.cos().repeat(1, 2), persistent=False)
        # The sign of the rotation's first half is stored with the sine.
        self.register_buffer('rope_sin', torch.cat([-angle.sin(), angle.sin()], dim=1), persistent=False)
        rate = torch.exp(-math.log(10000) * torch.arange(self.width // 2, dtype=torch.float32, device='cpu') /
                         (self.width // 2))
        self.register_buffer('time_rate', rate, persistent=False)
        shape = (self.token_grid[0], self.token_grid[1] * self.token_grid[2], self.width)
        self.position = nn.Parameter(torch.zeros(shape)) if position_table else None

    def _apply(self, fn, recurse=True):
        # The tables follow the weights' device but not their number type: an angle in bfloat16 is another angle.
        tables = {name: getattr(self, name) for name in ('rope_cos', 'rope_sin', 'time_rate')}
        if self.modulation_on_host:
            fn = self._staying_on_host(fn)
        if self._joined is not None:
            # Before their parts, which then are where they belong already.
            self._joined = [fn(joined) for joined in self._joined]
            self._share_joined()
        super()._apply(fn, recurse)
        device = self.proj_out.weight.device
        for name, table in tables.items():
            setattr(self, name, table if device.type == 'meta' else table.to(device))
        return self

    def _staying_on_host(self, fn):
        layers = [self.time_embed, self.norm_out, *self._norms()]
        kept = {id(parameter) for layer in layers for parameter in layer.parameters()}
        return lambda tensor: fn(tensor).cpu() if id(tensor) in kept else fn(tensor)

    def _norms(self):
        return [norm for block in self.transformer_blocks for norm in (block.norm1, block.norm2, block.norm3)]

    @torch.no_grad()
    def initialise(self, seed):
        """Random weights for training from scratch; as upstream, every last modulation layer starts at zero."""
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith('linear_2.weight') and 't_embedder' not in name or name.startswith('proj_out'):
                parameter.zero_()
            elif name == 'position':
                # As large as the patch embedding: every token writes other numbers; a small table learns that late.
                parameter.normal_(0, 1, generator=generator)
            elif parameter.ndim == 2:
                nn.init.xavier_uniform_(parameter, generator=generator)

    def join_projections(self):
        """Makes each block's query, key and value weights parts of one matrix, also wherever the network moves to.

        Returns:
            The matrices (3*width, width), detached, for :meth:`block_weights`; they follow changes made in place.
        """
        if self._joined is None:
            self._joined = [torch.cat([layer.weight.detach() for layer in layers]) for layers in self._projections()]
            self._share_joined()
        return self._joined

    def _projections(self):
        return [(block.attn1.to_q, block.attn1.to_k, block.attn1.to_v) for block in self.transformer_blocks]

    def _share_joined(self):
        for joined, layers in zip(self._joined, self._projections()):
            for layer, part in zip(layers, joined.chunk(3)):
                layer.weight.data = part

    def block_weights(self, joined=None):
        """``BlockWeights`` of every block; ``joined`` as :meth:`join_projections` gives it, copies are made if None."""
        if joined is None:
            joined = [torch.cat([layer.weight for layer in layers]) for layers in self._projections()]
        return [BlockWeights(
            matrix, block.attn1.norm_q.weight, block.attn1.norm_k.weight, block.attn1.to_out[0].weight,
            block.attn2.to_q.weight, block.attn2.norm_q.weight, block.attn2.to_out[0].weight,
            block.ff.net[0].proj.weight, block.ff.net[2].weight)
            for matrix, block in zip(joined, self.transformer_blocks)]

    def encode_text(self, rows, fold_zeros=True):
        """Keys and values of instructions.

        Args:
            rows: (M, L, text_embed_dim), zero rows after the last token. They stay part of the attention.
            fold_zeros: see :func:`fold_zero_rows`; also make keys and values ready (see ``BlockText``) where that is less
                work for every call; same function.
        """
        rows, bias = fold_zero_rows(rows) if fold_zeros else (rows, None)
        ready = fold_zeros and self.config.num_attention_heads * rows.shape[1] <= self.width
        keys, values = [], []
        for attention in (block.attn2 for block in self.transformer_blocks):
            key, value = text_heads(rows, attention.to_k.weight, attention.to_v.weight, attention.norm_k.weight)
            if ready:
                key, value = self._ready(attention, key, value.float())
            keys.append(key.to(rows.dtype))
            values.append(value.to(rows.dtype))
        return TextContext(torch.stack(keys), torch.stack(values), bias)

    def _ready(self, attention, key, value):
        heads, dim = key.shape[1::2]
        key = key * attention.norm_q.weight.float() / math.sqrt(dim)
        key = torch.einsum('mhrd,hg->mhdgr', key, torch.eye(heads, dtype=key.dtype, device=key.device))
        out = attention.to_out[0].weight.float().unflatten(1, (heads, dim))
        return key.flatten(3).flatten(1, 2), torch.einsum('mhrd,ohd->mhro', value, out).flatten(1, 2)

    def modulation(self, time):
        """What a noise level does to the tokens, for all blocks: (n, 2, blocks*9*width + 2*width).

        Args:
            time: (n,) in 0..1. Row 0 of the second axis is for frames at time 0, row 1 for frames at ``time``.
        """
        embedded, shared = self.embed_time(time)
        parts = [_linear(_linear(embedded, layer.linear_1), layer.linear_2) + shared for layer in self._norms()]
        return torch.cat([*parts, self.final_modulation(embedded, shared)], dim=-1)

    def embed_time(self, time):
        """What every modulation is made of: the embedded times (n, 2, width) and a term (n, 2, 3*width) for each."""
        time = time.bfloat16().float() if self.bf16_time else time.float()
        angle = torch.stack([torch.zeros_like(time), time], dim=1)[..., None] * self.time_rate
        wave = torch.cat([angle.cos(), angle.sin()], dim=-1).to(self.proj_out.weight.dtype)
        embedder, norm = self.time_embed.t_embedder, self.time_embed.norm
        shared = _linear(F.silu(_linear(wave, embedder.linear_1)), embedder.linear_2)
        return F.silu(F.rms_norm(wave, wave.shape[-1:], norm.weight.to(wave.device), NORM_EPS)), shared

    def final_modulation(self, embedded, shared):
        """(n, 2, 2*width), shift and scale after the last block, of what :meth:`embed_time` gives."""
        final = _linear(_linear(embedded, self.norm_out.linear_1), self.norm_out.linear_2)
        return final + shared[..., :2 * self.width]

    def forward(self, latent, time, mask, text):
        """One evaluation.

        Args:
            latent: (B, 16, T, h, w), noisy frames already scaled. time: (1,) or (B,) in 0..1, of the frames that are
            not conditioned on; the others are at 0. mask: (1, T) or (B, T) bool, True on conditioning frames.
            text: a ``TextContext`` of batch 1 or B.

        Returns:
            (B, 16, T, h, w) in the network's number type.
        """
        return self.evaluate(latent, self.modulation(time), mask, text, self.block_weights())

    def evaluate(self, latent, modulation, mask, text, weights, block=transformer_block):
        """As :meth:`forward`, from what a caller keeps between calls.

        modulation: of the (1,) or (B,) times, see :meth:`modulation`. weights: see :meth:`block_weights`. block: the
        function of a block, for instance compiled.
        """
        x = self.embed_patches(latent, mask)
        *parts, final = frames_of(modulation, mask).split(9 * self.width, dim=-1)
        for i, (matrices, part) in enumerate(zip(weights, parts)):
            x = block(x, matrices, part, (self.rope_cos, self.rope_sin), text.block(i))
        return self.read_out(x, final)

    def embed_patches(self, latent, mask):
        """Tokens (B, T, tokens, width) of latents (B, 16, T, h, w) and their conditioning frames (1 or B, T).

        The mask is constant inside a frame and padding is zero, so neither is tiled.
        """
        latent = latent.to(self.proj_out.weight.dtype)
        batch = latent.shape[0]
        frames, rows, columns = self.token_grid
        patches = latent.reshape(batch, LATENT_CHANNELS, frames, rows, PATCH, columns, PATCH)
        patches = patches.permute(0, 2, 3, 5, 1, 4, 6).reshape(batch, frames, rows * columns, -1)
        weight = self.patch_embed.proj.weight
        cut = LATENT_CHANNELS * PATCH * PATCH
        conditioned = mask[:, :, None, None] * weight[:, cut:cut + PATCH * PATCH].sum(1)
        x = F.linear(patches, weight[:, :cut]) + conditioned
        # Under autocast products are bfloat16; the residual stream stays in the weights' type.
        return x.to(weight.dtype) if self.position is None else x + self.position

    def read_out(self, x, final):
        """(B, 16, T, h, w) of the last block's tokens; ``final``: (1 or B, T, 2*width), its modulation by frame."""
        shift, scale = final[:, :, None].chunk(2, dim=-1)
        tokens = self.proj_out(modulate(x, shift, scale))
        frames, rows, columns = self.token_grid
        tokens = tokens.reshape(tokens.shape[0], frames, rows, columns, PATCH, PATCH, LATENT_CHANNELS)
        return tokens.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)


def frames_of(modulation, mask):
    """(n, T, ...) of a modulation (n, 2, ...): that of time 0 on the conditioning frames, the other elsewhere."""
    return torch.where(mask[:, :, None], modulation[:, :1], modulation[:, 1:])


def _linear(x, layer):
    """A layer without bias, wherever its weight is kept."""
    return F.linear(x, layer.weight.to(x.device))


def fold_zero_rows(rows):
    """The rows that are zero at the end of all M instructions as one, with a logit bias of ln(count): same function.

    Args:
        rows: (M, L, width).

    Returns:
        (rows (M, R, width), bias (R,) float32 of their logits or None if none is needed).
    """
    length = rows.shape[1]
    used = int(rows.abs().amax((0, 2)).gt(0).nonzero().max()) + 1
    if length == used:
        return rows, None
    kept = -(-(used + 1) // ROW_MULTIPLE) * ROW_MULTIPLE
    bias = torch.full((kept,), -math.inf, dtype=torch.float32, device=rows.device)
    bias[:used] = 0
    bias[used] = math.log(length - used)
    return F.pad(rows[:, :used], (0, 0, 0, kept - used)), bias


def build_network(config):
    """An uninitialised ``CosmosPolicyTransformer`` for a ``PolicyConfig``."""
    network = config.network
    return CosmosPolicyTransformer(
        config.latent_shape[1:], num_attention_heads=network.num_attention_heads,
        attention_head_dim=network.attention_head_dim, num_layers=network.num_layers, mlp_ratio=network.mlp_ratio,
        text_embed_dim=network.text_embed_dim, adaln_lora_dim=network.adaln_lora_dim,
        rope_scale=network.rope_scale, position_table=network.position_table,
        rope_bf16_exponents=config.quirks.rope_bf16_exponents, bf16_time=config.quirks.bf16_time)
