"""Names of weights in the released files, and the names of the same weights in diffusers' classes.

The tables follow the public sources of both: upstream's ``minimal_v4_dit`` and ``wan2pt1`` modules, diffusers'
``CosmosTransformer3DModel`` and ``AutoencoderKLWan``.
"""
import re

PREFIX = 'net.'
"""What the released files put before the network's names; other prefixes (``net_ema.``) are copies that nobody runs."""

_OUTSIDE = {'x_embedder.proj.1': 'patch_embed.proj', 't_embedder.1.linear_1': 'time_embed.t_embedder.linear_1',
            't_embedder.1.linear_2': 'time_embed.t_embedder.linear_2', 't_embedding_norm': 'time_embed.norm',
            'final_layer.adaln_modulation.1': 'norm_out.linear_1',
            'final_layer.adaln_modulation.2': 'norm_out.linear_2', 'final_layer.linear': 'proj_out'}
_ATTENTION = {'q_proj': 'to_q', 'k_proj': 'to_k', 'v_proj': 'to_v', 'output_proj': 'to_out.0', 'q_norm': 'norm_q',
              'k_norm': 'norm_k'}
_BLOCK = {'mlp.layer1': 'ff.net.0.proj', 'mlp.layer2': 'ff.net.2',
          **{f'self_attn.{theirs}': f'attn1.{ours}' for theirs, ours in _ATTENTION.items()},
          **{f'cross_attn.{theirs}': f'attn2.{ours}' for theirs, ours in _ATTENTION.items()},
          **{f'adaln_modulation_{part}.{i}': f'norm{k}.linear_{i}'
             for k, part in enumerate(('self_attn', 'cross_attn', 'mlp'), 1) for i in (1, 2)}}


def transformer_names(layers):
    """Released name (without prefix) -> our name, of all weights of a network with ``layers`` blocks."""
    names = dict(_OUTSIDE)
    for i in range(layers):
        names |= {f'blocks.{i}.{theirs}': f'transformer_blocks.{i}.{ours}' for theirs, ours in _BLOCK.items()}
    return {f'{theirs}.weight': f'{ours}.weight' for theirs, ours in names.items()}


def is_recomputed(name):
    """Whether a released name is a training counter or a buffer that follows from the configuration."""
    return name.startswith(('accum_', 'pos_embedder.')) or name.endswith('_extra_state')


def network_part(values):
    """Splits the contents of a released file.

    Args:
        values: name -> value, as read.

    Returns:
        (released name without prefix -> value of the network's weights, names of what is left out).
    """
    prefix = PREFIX if any(name.startswith(PREFIX) for name in values) else ''
    weights = {name[len(prefix):]: value for name, value in values.items()
               if name.startswith(prefix) and not is_recomputed(name[len(prefix):])}
    return weights, tuple(name for name in values if name[len(prefix):] not in weights or not name.startswith(prefix))


_RESIDUAL = {'norm1': 'residual.0', 'conv1': 'residual.2', 'norm2': 'residual.3', 'conv2': 'residual.6',
             'conv_shortcut': 'shortcut'}
_VAE_RULES = (
    (r'(?<=\.)(norm1|conv1|norm2|conv2|conv_shortcut)(?=\.)', lambda m: _RESIDUAL[m[1]]),
    (r'^quant_conv\.', 'conv1.'), (r'^post_quant_conv\.', 'conv2.'),
    (r'\.conv_in\.', '.conv1.'), (r'\.norm_out\.', '.head.0.'), (r'\.conv_out\.', '.head.2.'),
    (r'\.mid_block\.attentions\.0\.', '.middle.1.'),
    (r'\.mid_block\.resnets\.(\d)\.', lambda m: f'.middle.{2 * int(m[1])}.'),
    (r'\.down_blocks\.', '.downsamples.'),
    # Upstream counts through: three residual blocks and one upsampler a level.
    (r'\.up_blocks\.(\d)\.resnets\.(\d)\.', lambda m: f'.upsamples.{4 * int(m[1]) + int(m[2])}.'),
    (r'\.up_blocks\.(\d)\.upsamplers\.0\.', lambda m: f'.upsamples.{4 * int(m[1]) + 3}.'))


def vae_names(names):
    """Released name -> our name, for ``names`` of an ``AutoencoderKLWan``."""
    table = {}
    for name in names:
        released = name
        for pattern, replacement in _VAE_RULES:
            released = re.sub(pattern, replacement, released)
        table[released] = name
    return table
