"""A checkpoint is a folder; this reads and writes it, and opens released files the same way."""
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from .checkpoint_folder import (CARD, CONFIG, STATISTICS, TEXT, TOKENIZER, VAE, VAE_WEIGHTS, WEIGHTS, is_own,
                                load_config)
from .config import PolicyConfig
from .errors import CheckpointError
from .hub import local_path
from .network import build_network
from .statistics import DatasetStatistics
from .stored_files import existing
from .text_embeddings import read_embeddings
from .tokenizer import LinearTokenizer, Tokenizer
from .vae_files import load_vae, save_vae
from .wan_tokenizer import WanTokenizer
from .weight_files import fill, read_tensors, require_space, without_storage, write_tensors


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds, in memory. text_embeddings: instruction -> (tokens, width) as stored. card: Markdown."""

    config: PolicyConfig
    network: torch.nn.Module
    tokenizer: Tokenizer
    statistics: DatasetStatistics
    text_embeddings: dict
    card: str


def save_checkpoint(folder, checkpoint):
    """Writes the folder so that readers see the old one or the whole new one, never a part.

    Raises:
        CheckpointError: not enough space on the disk.
    """
    folder = Path(folder)
    partial, old = (folder.with_name(folder.name + suffix) for suffix in ('.partial', '.old'))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(partial, checkpoint)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(source, preset=None, device='cpu', dtype=None, **parts):
    """Reads a checkpoint strictly, its weights straight onto ``device``.

    Args:
        source: a folder of ours, released files (a folder with them or the weights file), or a model-hub id
        ``org/name[@revision]``. A path that exists is never taken for an id.
        preset: the preset that the folder must hold, or that released files are to be read as.
        dtype: torch number type of the network; None for bfloat16 where stored so, else float32.
        parts: ``statistics``, ``text_embeddings``, ``vae``: paths or hub ids of what does not lie beside released
        weights; folders are searched.

    Raises:
        CheckpointError: something missing, damaged, of another preset or robot, or the hub cannot help.
    """
    path = local_path(source)
    if not is_own(path):
        # That module builds on this one.
        from .published_checkpoint import find_released_files, load_released, released_config
        files = find_released_files(path, **parts)
        return load_released(files, released_config(files, preset), device, dtype)
    if parts:
        raise CheckpointError(f'{path}: has its own {" and ".join(parts)}; leave them out')
    config = load_config(path, preset)
    statistics = read_statistics(path / STATISTICS, config)
    embeddings = read_embeddings(existing(path / TEXT), config.text_tokens, config.network.text_embed_dim)
    card = existing(path / CARD).read_text()
    with without_storage():
        network = build_network(config)
    fill(network, read_tensors(existing(path / WEIGHTS)), path / WEIGHTS, device, dtype or default_type(config))
    return Checkpoint(config, network, _tokenizer(path, config), statistics, embeddings, card)


def read_statistics(path, config):
    """The ``DatasetStatistics`` at ``path``; ``CheckpointError`` when they are not of ``config``'s robot."""
    statistics = DatasetStatistics.load(existing(path))
    found, expected = (statistics.action_dim, statistics.proprio_dim), (config.action_dim, config.proprio_dim)
    if found != expected:
        raise CheckpointError(f'{path}: {found[0]} actions and {found[1]} proprio numbers, preset {config.preset!r} '
                              f'(robot {config.robot!r}) has {expected[0]} and {expected[1]}; these are the statistics '
                              f'of another robot')
    return statistics


def default_type(config):
    """Number type that weights are used in unless asked otherwise: bfloat16 where stored so, else float32."""
    return torch.bfloat16 if config.weights_dtype == 'bfloat16' else torch.float32


def _write(folder, checkpoint):
    config, network = checkpoint.config, checkpoint.network
    dtype = getattr(torch, config.weights_dtype)
    weights = network.state_dict()
    require_space(folder, sum(value.numel() for value in weights.values()) * dtype.itemsize)
    (folder / CONFIG).write_text(json.dumps(config.to_dict(), indent=2))
    checkpoint.statistics.save(folder / STATISTICS)
    if config.tokenizer == 'wan':
        save_vae(folder / VAE, checkpoint.tokenizer.vae)
    else:
        write_tensors(folder / TOKENIZER, checkpoint.tokenizer.tensors())
    write_tensors(folder / TEXT, checkpoint.text_embeddings)
    (folder / CARD).write_text(checkpoint.card)
    network.save_config(folder / 'transformer')
    write_tensors(folder / WEIGHTS, {name: value.to(dtype) for name, value in weights.items()})


def _tokenizer(folder, config):
    if config.tokenizer == 'wan':
        return WanTokenizer(load_vae(existing(folder / VAE / VAE_WEIGHTS)), config.quirks.bf16_pixels)
    path = existing(folder / TOKENIZER)
    try:
        return LinearTokenizer(**read_tensors(path))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f'{path}: {error}; copy or save the checkpoint again') from error
