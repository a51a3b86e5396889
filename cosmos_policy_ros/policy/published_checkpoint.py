"""The released files: found, checked and loaded as they are, and written again from our folder."""
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import torch

from .checkpoint import Checkpoint, default_type, read_statistics
from .checkpoint_folder import VAE_WEIGHTS, released_weights
from .errors import CheckpointError
from .hub import local_path
from .network import build_network
from .presets import published_presets
from .published_names import PREFIX, network_part, transformer_names
from .text_embeddings import read_embeddings
from .vae_files import VAE_ADVICE, load_vae
from .wan_tokenizer import WanTokenizer
from .weight_files import check_names, fill, read_tensors, without_storage, write_tensors

VAE_FILES = ('vae', 'tokenizer/tokenizer.pth', 'tokenizer.pth', 'Wan2.1_VAE.pth', 'Wan2.1_VAE.safetensors')


@dataclass(frozen=True)
class ReleasedFiles:
    """Paths of the parts of a released policy; None for a part that was not found."""

    weights: Path
    statistics: Path
    text_embeddings: Path
    vae: Path


def find_released_files(source, statistics=None, text_embeddings=None, vae=None):
    """The parts of a policy at ``source``, a weights file or a folder; parts of a file are looked for beside it.

    Args:
        statistics, text_embeddings, vae: paths or hub ids of parts that lie elsewhere; a folder is searched.

    Raises:
        CheckpointError: no or several weights files, or a part given that is not there.
    """
    source = Path(source)
    folder = source if source.is_dir() else source.parent
    weights = _weights_in(folder) if source.is_dir() else source

    def part(given, *patterns):
        return _part(folder if given is None else local_path(given), patterns, required=given is not None)

    return ReleasedFiles(weights, part(statistics, '*dataset_statistics.json'),
                         part(text_embeddings, '*t5_embeddings.pkl', 'text_embeddings.safetensors'),
                         part(vae, *((VAE_WEIGHTS,) if vae else ()), *VAE_FILES))


def released_config(files, preset=None):
    """The preset of released files: the one asked for, else the one whose robot their names tell.

    LIBERO and RoboCasa have weights and statistics of the same shapes, so nothing else could tell them apart.

    Raises:
        CheckpointError: unknown preset, no name tells the robot, or names of several robots.
    """
    presets = published_presets()
    if preset is not None:
        if preset not in presets:
            raise CheckpointError(f'{files.weights}: {preset!r} is no published preset; use one of '
                                  f'{", ".join(presets)}')
        return presets[preset]
    names = ' '.join(path.name.lower() for path in (files.weights, files.statistics, files.text_embeddings) if path)
    fitting = [config for config in presets.values() if config.robot in names]
    if len(fitting) != 1:
        raise CheckpointError(f'{files.weights}: the file names tell {len(fitting) or "no"} robots; give the preset, '
                              f'one of {", ".join(presets)}')
    return fitting[0]


def load_released(files, config, device='cpu', dtype=None):
    """A ``Checkpoint`` from released files; see ``checkpoint.load_checkpoint``.

    ``config``: the preset; its number type becomes the file's own.
    """
    for part, path in vars(files).items():
        if path is None:
            advice = VAE_ADVICE if part == 'vae' else 'give the file or folder that holds it'
            raise CheckpointError(f'{files.weights}: no {part.replace("_", " ")} beside it; {advice}')
    statistics = read_statistics(files.statistics, config)
    embeddings = read_embeddings(files.text_embeddings, config.text_tokens, config.network.text_embed_dim)
    if not embeddings:
        raise CheckpointError(f'{files.text_embeddings}: no instruction in it; take the file of this checkpoint')
    weights, _ = read_network(files.weights, config.network.num_layers)
    config = replace(config, weights_dtype=stored_type(weights.values()))
    with without_storage():
        network = build_network(config)
    fill(network, weights, files.weights, device, default_type(config) if dtype is None else dtype)
    tokenizer = WanTokenizer(load_vae(files.vae), config.quirks.bf16_pixels)
    return Checkpoint(config, network, tokenizer, statistics, embeddings, '')


def read_network(path, layers):
    """(our name -> tensor, names left out) of a released weights file of ``layers`` blocks.

    Raises:
        CheckpointError: unreadable, or other names than such a network's, which are counted and listed.
    """
    weights, dropped = network_part(read_tensors(path))
    names = transformer_names(layers)
    check_names(weights, names, path, f'no released network of {layers} blocks; "cosmos-policy-ros checkpoint inspect" '
                                      f'says what it is')
    odd = [name for name, value in weights.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise CheckpointError(f'{path}: {odd[0]} is a {type(weights[odd[0]]).__name__}, not a tensor; take the file '
                              f'from its publisher')
    return {names[name]: value for name, value in weights.items()}, dropped


def write_released(path, weights, layers):
    """Writes our network's ``weights`` under their released names; the inverse of :func:`read_network`.

    Upstream computes its buffers again and counts from zero, so those are not written.
    """
    names = transformer_names(layers)
    check_names(weights, names.values(), path, 'only networks of the published kind (without a position table) convert '
                                               'to the released format')
    write_tensors(path, {PREFIX + theirs: weights[ours] for theirs, ours in names.items()})


def stored_type(tensors):
    """Name of the narrowest number type that holds all ``tensors`` exactly."""
    return str(reduce(torch.promote_types, {value.dtype for value in tensors})).removeprefix('torch.')


def _weights_in(folder):
    candidates = [path for path in released_weights(folder) if path.name not in VAE_FILES]
    if len(candidates) == 1:
        return candidates[0]
    if any(folder.rglob('*.distcp')):
        raise CheckpointError(f'{folder}: a distributed training checkpoint; merge it into one file first: python -m '
                              f'torch.distributed.checkpoint.format_utils dcp_to_torch {folder} weights.pt')
    raise CheckpointError(f'{folder}: expected one file of network weights (.pt or .safetensors), found '
                          f'{", ".join(path.name for path in candidates) or "none"}; give the file itself')


def _part(place, patterns, required):
    """``place`` itself when it is a file, or the one path in it that fits the first pattern with any."""
    for pattern in patterns if place.is_dir() else ():
        fitting = sorted(place.glob(pattern))
        if len(fitting) > 1:
            raise CheckpointError(f'{place}: several files {pattern}: {", ".join(path.name for path in fitting)}; give '
                                  f'one of them')
        if fitting:
            return fitting[0]
    if required and place.is_dir():
        raise CheckpointError(f'{place}: no {" or ".join(patterns)} in it; give the file itself')
    return None if place.is_dir() else place
