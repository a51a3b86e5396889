"""What a checkpoint file or folder is, told from names and shapes; weights stay on the disk."""
from dataclasses import dataclass

import torch

from .checkpoint_folder import GOLDEN, STATISTICS, TEXT, VAE, VAE_WEIGHTS, WEIGHTS, is_own, load_config, missing_files
from .config import NetworkConfig
from .errors import CheckpointError
from .hub import local_path
from .presets import COSMOS_2B, published_presets
from .published_checkpoint import find_released_files, released_config
from .published_names import network_part, transformer_names
from .statistics import DatasetStatistics
from .text_embeddings import stored_values
from .weight_files import PICKLED, read_tensors


@dataclass(frozen=True)
class Inspection:
    """kind: what it is, for people. facts: name -> JSON-ready value or such a dictionary. missing: parts it lacks to
    be run."""

    kind: str
    facts: dict
    missing: tuple = ()


def inspect_checkpoint(source):
    """An ``Inspection`` of a file, a folder or a hub id.

    Raises:
        CheckpointError: no such thing, or a damaged file in it.
    """
    path = local_path(source)
    if path.is_file():
        return _file(path)
    return _own(path) if is_own(path) else _released(path)


def network_sizes(weights):
    """The ``NetworkConfig`` of weights (our name -> tensor), None when they are no such network.

    Rotary scales leave no trace in the weights; the released network's are assumed.
    """
    try:
        width, head = len(weights['patch_embed.proj.weight']), len(weights['transformer_blocks.0.attn1.norm_q.weight'])
        return NetworkConfig(
            width // head, head, _blocks(weights, 'transformer_blocks'),
            len(weights['transformer_blocks.0.ff.net.0.proj.weight']) / width,
            weights['transformer_blocks.0.attn2.to_k.weight'].shape[1], len(weights['norm_out.linear_1.weight']),
            COSMOS_2B.rope_scale, 'position' in weights)
    except KeyError:
        return None


def _own(folder):
    config, missing = load_config(folder), missing_files(folder)
    facts = {'preset': config.preset, 'robot': config.robot, 'frames': ' '.join(config.layout.frames),
             'tokenizer': config.tokenizer, 'recorded answers': (folder / GOLDEN).is_file()}
    for part in (WEIGHTS, STATISTICS, TEXT, f'{VAE}/{VAE_WEIGHTS}'):
        if (folder / part).is_file():
            facts[part] = _file(folder / part).facts
    return Inspection('checkpoint folder', facts, tuple(missing))


def _released(folder):
    files = find_released_files(folder)
    try:
        facts = {'preset': released_config(files).preset}
    except CheckpointError:
        facts = {'preset': 'not told by the file names'}
    for path in filter(None, vars(files).values()):
        facts[str(path.relative_to(folder))] = _file(path / VAE_WEIGHTS if path.is_dir() else path).facts
    return Inspection('released files', facts, tuple(part for part, path in vars(files).items() if path is None))


def _file(path):
    size = {'size': f'{path.stat().st_size / 1e6:,.1f} MB'}
    if path.suffix == '.json':
        return Inspection('dataset statistics', size | _statistics(path), ('weights',))
    if path.suffix == '.pkl' or path.name == TEXT:
        return Inspection('text embeddings', size | {'instructions': sorted(stored_values(path))}, ('weights',))
    if path.suffix not in (*PICKLED, '.safetensors'):
        raise CheckpointError(f'{path}: no file of a checkpoint; expected .pt, .pth, .safetensors, .json or .pkl')
    values = read_tensors(path)
    facts = size | {'tensors': _count(values.values())}
    if values.keys() & {'encoder.conv1.weight', 'encoder.conv_in.weight'}:
        return Inspection('Wan video autoencoder', facts, ('weights',))
    if 'patch_embed.proj.weight' in values:
        return Inspection('network weights of a checkpoint folder', facts | _sizes(values), ('config.json',))
    parts, dropped = network_part(values)
    names = transformer_names(_blocks(parts, 'blocks'))
    if not parts.keys() & names.keys():
        return Inspection('tensors of no known kind', facts | {'names': sorted(values)[:10]}, ('weights',))
    facts |= _sizes({names[name]: value for name, value in parts.items() if name in names})
    facts |= {'left out': list(dropped), 'weights missing': sorted(names.keys() - parts.keys()),
              'weights unknown': sorted(parts.keys() - names.keys())}
    return Inspection('released network weights', facts, ('statistics', 'text_embeddings', 'vae'))


def _blocks(names, prefix):
    return 1 + max((int(name.split('.')[1]) for name in names if name.startswith(prefix + '.')), default=-1)


def _sizes(weights):
    sizes = network_sizes(weights)
    if sizes is None:
        return {'network': 'incomplete'}
    return {'blocks': sizes.num_layers, 'width': sizes.num_attention_heads * sizes.attention_head_dim,
            'heads': sizes.num_attention_heads,
            'fits presets': [name for name, config in published_presets().items() if config.network == sizes]}


def _count(values):
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    types = sorted({str(value.dtype).removeprefix('torch.') for value in tensors})
    return f'{len(tensors)} with {sum(value.numel() for value in tensors):,} numbers of type {", ".join(types)}'


def _statistics(path):
    statistics, facts = DatasetStatistics.load(path), {}
    for kind in ('actions', 'proprio'):
        low, high = getattr(statistics, f'{kind}_min'), getattr(statistics, f'{kind}_max')
        constant = (low == high).nonzero()[0].tolist()
        facts[kind] = (f'{len(low)} numbers in {low.min():.3f} to {high.max():.3f}'
                       + (f', constant: {constant}' if constant else ''))
    return facts
