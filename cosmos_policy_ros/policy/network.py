"""The diffusion transformer: diffusers' Cosmos weights with a forward that computes each thing once.

Equal to ``CosmosTransformer3DModel.forward`` with per-frame times, but modulation is computed per noise level in place
of per token, instruction keys and values are computed once, and rows of zeros in the text are folded into one.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import CosmosTransformer3DModel
from diffusers.configuration_utils import register_to_config
from torch import nn

from .config import LATENT_CHANNELS, PATCH

QK_EPS = 1e-6
"""Epsilon of the query and key norms in the published network; diffusers' default is 1e-5."""


@dataclass(frozen=True)
class TextContext:
    """Keys and values of instructions for every block: each (M, heads, rows, head_dim).

    ``bias``, (rows,) or None, is added to the attention logits.
    """

    keys: tuple
    values: tuple
    bias: torch.Tensor = None

    def select(self, index):
        """The context of a batch: one of the M instructions for each of the B entries of ``index`` (B,) int64."""
        return TextContext(tuple(k[index] for k in self.keys), tuple(v[index] for v in self.values), self.bias)


class CosmosPolicyTransformer(CosmosTransformer3DModel):
    """Weights under diffusers' names for a fixed latent grid.

    ``grid``: (frames, rows, columns) of the latent sequence. ``position_table``: adds a learned vector for every frame
    and token after the patch embedding. Input channels are 16 latent, 1 condition mask and 1 padding mask (here zero).
    """

    @register_to_config
    def __init__(self, grid, num_attention_heads=16, attention_head_dim=128, num_layers=28, mlp_ratio=4.0,
                 text_embed_dim=1024, adaln_lora_dim=256, rope_scale=(1.0, 3.0, 3.0), position_table=False,
                 in_channels=LATENT_CHANNELS + 2, out_channels=LATENT_CHANNELS, max_size=(128, 240, 240),
                 patch_size=(1, PATCH, PATCH), concat_padding_mask=False, extra_pos_embed_type=None):
        super().__init__(
            in_channels=in_channels, out_channels=out_channels, num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim, num_layers=num_layers, mlp_ratio=mlp_ratio,
            text_embed_dim=text_embed_dim, adaln_lora_dim=adaln_lora_dim, max_size=max_size, patch_size=patch_size,
            rope_scale=rope_scale, concat_padding_mask=concat_padding_mask, extra_pos_embed_type=extra_pos_embed_type)
        self.width = num_attention_heads * attention_head_dim
        self.token_grid = (grid[0], grid[1] // PATCH, grid[2] // PATCH)
        for block in self.transformer_blocks:
            for attention in (block.attn1, block.attn2):
                attention.norm_q.eps = attention.norm_k.eps = QK_EPS
        cos, sin = self.rope(torch.empty(1, 1, *grid))
        self.register_buffer('rope_cos', cos, persistent=False)
        # The sign of the rotation's first half is stored with the sine.
        half = attention_head_dim // 2
        self.register_buffer('rope_sin', torch.cat([-sin[:, :half], sin[:, half:]], dim=1), persistent=False)
        rate = torch.exp(-math.log(10000) * torch.arange(self.width // 2, dtype=torch.float32) / (self.width // 2))
        self.register_buffer('time_rate', rate, persistent=False)
        shape = (self.token_grid[0], self.token_grid[1] * self.token_grid[2], self.width)
        self.position = nn.Parameter(torch.zeros(shape)) if position_table else None

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

    def encode_text(self, rows, fold_zeros=True):
        """Keys and values of instructions.

        Args:
            rows: (M, L, text_embed_dim), zero rows after the last token. They stay part of the attention.
            fold_zeros: replace the rows that are zero in all M by one with a logit bias of ln(count); same function.
        """
        bias = None
        if fold_zeros:
            length = rows.shape[1]
            used = int(rows.abs().amax((0, 2)).gt(0).nonzero().max()) + 1
            if length > used:
                rows = rows[:, :used + 1]
                bias = torch.zeros(used + 1, dtype=rows.dtype, device=rows.device)
                bias[used] = math.log(length - used)
        keys, values = [], []
        for block in self.transformer_blocks:
            attention = block.attn2
            keys.append(_normed(attention.norm_k, self._heads(attention.to_k(rows))).transpose(1, 2))
            values.append(self._heads(attention.to_v(rows)).transpose(1, 2))
        return TextContext(tuple(keys), tuple(values), bias)

    def forward(self, latent, time, mask, text):
        """One evaluation.

        Args:
            latent: (B, 16, T, h, w), noisy frames already scaled. time: (1,) or (B,) in 0..1, of the frames that are
            not conditioned on; the others are at 0. mask: (1, T) or (B, T) bool, True on conditioning frames.
            text: a ``TextContext`` of batch 1 or B.

        Returns:
            (B, 16, T, h, w) in the network's number type.
        """
        dtype = self.proj_out.weight.dtype
        frames = mask[:, :, None]
        shared, embedded = self._embed_time(time.to(dtype).float(), dtype)

        def modulation(norm, parts):
            levels = norm.linear_2(norm.linear_1(embedded)) + shared[..., :parts * self.width]
            return torch.where(frames, levels[:, :1], levels[:, 1:])[:, :, None].chunk(parts, dim=-1)

        x = self._embed_patches(latent.to(dtype), mask)
        for i, block in enumerate(self.transformer_blocks):
            shift, scale, gate = modulation(block.norm1, 3)
            x = torch.addcmul(x, gate, self._self_attention(block.attn1, self._modulate(x, shift, scale)))
            shift, scale, gate = modulation(block.norm2, 3)
            y = self._modulate(x, shift, scale)
            x = torch.addcmul(x, gate, self._cross_attention(block.attn2, y, text.keys[i], text.values[i], text.bias))
            shift, scale, gate = modulation(block.norm3, 3)
            y = F.gelu(block.ff.net[0].proj(self._modulate(x, shift, scale)))
            x = torch.addcmul(x, gate, block.ff.net[2](y))
        shift, scale = modulation(self.norm_out, 2)
        return self._unpatch(self.proj_out(self._modulate(x, shift, scale)))

    def _embed_time(self, time, dtype):
        """Shared modulation (n, 2, 3*width) and embedding (n, 2, width) of the levels 0 and ``time``."""
        angle = torch.stack([torch.zeros_like(time), time], dim=1)[..., None] * self.time_rate.float()
        wave = torch.cat([angle.cos(), angle.sin()], dim=-1).to(dtype)
        embedder = self.time_embed.t_embedder
        return embedder.linear_2(F.silu(embedder.linear_1(wave))), F.silu(self.time_embed.norm(wave))

    def _embed_patches(self, latent, mask):
        """(B, T, tokens, width). The mask is constant inside a frame and padding is zero, so neither is tiled."""
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

    def _unpatch(self, tokens):
        frames, rows, columns = self.token_grid
        tokens = tokens.reshape(tokens.shape[0], frames, rows, columns, PATCH, PATCH, LATENT_CHANNELS)
        return tokens.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)

    def _modulate(self, x, shift, scale):
        return torch.addcmul(shift, F.layer_norm(x, (self.width,), eps=1e-6), 1 + scale)

    def _heads(self, x):
        return x.unflatten(-1, (-1, self.config.attention_head_dim))

    def _rotate(self, x):
        half = x.shape[-1] // 2
        swapped = torch.cat([x[..., half:], x[..., :half]], dim=-1)
        return (x.float() * self.rope_cos[:, None] + swapped.float() * self.rope_sin[:, None]).to(x.dtype)

    def _self_attention(self, attention, y):
        y = y.flatten(1, 2)
        value = self._heads(attention.to_v(y))
        query = self._rotate(_normed(attention.norm_q, self._heads(attention.to_q(y)))).to(value.dtype)
        key = self._rotate(_normed(attention.norm_k, self._heads(attention.to_k(y)))).to(value.dtype)
        out = F.scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2))
        return attention.to_out[0](out.transpose(1, 2).flatten(2)).unflatten(1, (self.token_grid[0], -1))

    def _cross_attention(self, attention, y, key, value, bias):
        query = _normed(attention.norm_q, self._heads(attention.to_q(y.flatten(1, 2)))).to(value.dtype).transpose(1, 2)
        key, value = (part.to(query.dtype).expand(query.shape[0], -1, -1, -1) for part in (key, value))
        bias = None if bias is None else bias.to(query.dtype).expand(query.shape[0], 1, query.shape[2], -1)
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return attention.to_out[0](out.transpose(1, 2).flatten(2)).unflatten(1, (self.token_grid[0], -1))


def _normed(norm, x):
    return F.rms_norm(x.float(), norm.weight.shape, norm.weight.float(), norm.eps).to(norm.weight.dtype)


def build_network(config):
    """An uninitialised ``CosmosPolicyTransformer`` for a ``PolicyConfig``."""
    network = config.network
    return CosmosPolicyTransformer(
        config.latent_shape[1:], num_attention_heads=network.num_attention_heads,
        attention_head_dim=network.attention_head_dim, num_layers=network.num_layers, mlp_ratio=network.mlp_ratio,
        text_embed_dim=network.text_embed_dim, adaln_lora_dim=network.adaln_lora_dim,
        rope_scale=network.rope_scale, position_table=network.position_table)
