"""One block of the diffusion transformer as a function of tensors, so that one compilation serves every block."""
from typing import NamedTuple

import torch
import torch.nn.functional as F

NORM_EPS = 1e-6
"""Epsilon of every norm in the published network; diffusers' default for queries and keys is 1e-5."""


class BlockWeights(NamedTuple):
    """Matrices (out, in) and norm weights (head_dim,) of a block. ``qkv`` holds query, key and value, one above the
    other.

    A matrix may be of another kind that brings its own ``product``: an ``Fp8Matrix``, or one with an adapter.
    """

    qkv: torch.Tensor
    query_norm: torch.Tensor
    key_norm: torch.Tensor
    attention_out: torch.Tensor
    text_query: torch.Tensor
    text_query_norm: torch.Tensor
    text_out: torch.Tensor
    up: torch.Tensor
    down: torch.Tensor


class BlockText(NamedTuple):
    """What a block attends to, for batch M = 1 or B.

    keys, values: (M, heads, rows, head_dim); or, made ready for few rows, keys (M, width, heads*rows) block-diagonal by
    heads, with the query norm's weight and the logits' 1/sqrt(head_dim) in them, and values (M, heads*rows, width) that
    went through ``text_out``. bias: (rows,) added to the logits, or None.
    """

    keys: torch.Tensor
    values: torch.Tensor
    bias: torch.Tensor


def transformer_block(x, weights, modulation, rotation, text):
    """Self-attention, attention to the instruction and MLP, each on modulated tokens and added through a gate.

    Args:
        x: (B, T, tokens, width). weights: ``BlockWeights``. modulation: (1 or B, T, 9*width), shift, scale and gate of
            the three parts in order. rotation: (cos, sin), each (T*tokens, head_dim) float32, the sine's first half
            negated.
        text: ``BlockText``.

    Returns:
        (B, T, tokens, width).
    """
    shift, scale, gate, *rest = modulation[:, :, None].chunk(9, dim=-1)
    x = torch.addcmul(x, gate, _self_attention(modulate(x, shift, scale), weights, rotation))
    shift, scale, gate, *rest = rest
    x = torch.addcmul(x, gate, _text_attention(modulate(x, shift, scale), weights, text))
    shift, scale, gate = rest
    y = F.gelu(product(modulate(x, shift, scale), weights.up))
    return torch.addcmul(x, gate, product(y, weights.down))


def modulate(x, shift, scale):
    """LayerNorm without weights, then scale and shift."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=NORM_EPS), 1 + scale)


def product(x, matrix):
    """x @ matrix.T; a matrix in another number format brings its own product."""
    return F.linear(x, matrix) if isinstance(matrix, torch.Tensor) else matrix.product(x)


def rms_norm(x, weight):
    """float32 (..., head_dim) of unit mean square, times ``weight``."""
    return F.rms_norm(x.float(), weight.shape, weight.float(), NORM_EPS)


def text_heads(rows, key_matrix, value_matrix, key_norm):
    """Keys and values (M, heads, rows, head_dim) of instructions (M, rows, text_width); keys are float32."""
    key, value = (product(rows, matrix).unflatten(-1, (-1, key_norm.shape[0])).transpose(1, 2)
                  for matrix in (key_matrix, value_matrix))
    return rms_norm(key, key_norm), value


def _self_attention(y, weights, rotation):
    frames, heads_by_dim = y.shape[1], (-1, weights.query_norm.shape[0])
    query, key, value = (part.unflatten(-1, heads_by_dim)
                         for part in product(y.flatten(1, 2), weights.qkv).chunk(3, dim=-1))
    query = _rotate(rms_norm(query, weights.query_norm), rotation).to(value.dtype)
    key = _rotate(rms_norm(key, weights.key_norm), rotation).to(value.dtype)
    out = F.scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2))
    return product(out.transpose(1, 2).flatten(2), weights.attention_out).unflatten(1, (frames, -1))


def _rotate(x, rotation):
    cos, sin = rotation
    half = x.shape[-1] // 2
    swapped = torch.cat([x[..., half:], x[..., :half]], dim=-1)
    return x * cos[:, None] + swapped * sin[:, None]


def _text_attention(y, weights, text):
    query = product(y.flatten(1, 2), weights.text_query)
    attend = _attend_ready if text.keys.ndim == 3 else _attend
    return attend(query, weights, text).unflatten(1, (y.shape[1], -1))


def _attend(query, weights, text):
    heads = query.unflatten(-1, (-1, weights.text_query_norm.shape[0])).transpose(1, 2)
    heads = rms_norm(heads, weights.text_query_norm).to(query.dtype)
    key, value = (part.to(query.dtype).expand(heads.shape[0], -1, -1, -1) for part in (text.keys, text.values))
    bias = None if text.bias is None else text.bias.to(query.dtype).expand(heads.shape[0], 1, heads.shape[2], -1)
    out = F.scaled_dot_product_attention(heads, key, value, attn_mask=bias)
    return product(out.transpose(1, 2).flatten(2), weights.text_out)


def _attend_ready(query, weights, text):
    """The same for few rows: two products with what the instruction left of the keys and values."""
    heads = query.unflatten(-1, (-1, weights.text_query_norm.shape[0]))
    size = (heads.float().square().mean(-1, keepdim=True) + NORM_EPS).rsqrt()
    logits = _product_of_each(query, text.keys).float().unflatten(-1, (heads.shape[2], -1)) * size
    share = (logits if text.bias is None else logits + text.bias).softmax(-1)
    return _product_of_each(share.flatten(2).to(query.dtype), text.values)


def _product_of_each(x, matrices):
    """x (B, n, in) @ matrices (1 or B, in, out); one matrix for the whole batch is one large product."""
    return x @ (matrices[0] if len(matrices) == 1 else matrices).to(x.dtype)
