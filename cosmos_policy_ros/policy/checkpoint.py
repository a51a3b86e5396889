"""A checkpoint is a folder; this reads and writes it."""
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .config import PolicyConfig
from .errors import CheckpointError
from .statistics import DatasetStatistics
from .tokenizer import LinearTokenizer

CONFIG, STATISTICS, TOKENIZER, TEXT, CARD = ('config.json', 'dataset_statistics.json', 'tokenizer.safetensors',
                                             'text_embeddings.safetensors', 'README.md')
WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors'


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds, in memory. text_embeddings: instruction -> (tokens, width) float32. card: Markdown."""

    config: PolicyConfig
    network: torch.nn.Module
    tokenizer: LinearTokenizer
    statistics: DatasetStatistics
    text_embeddings: dict
    card: str


def save_checkpoint(folder, checkpoint):
    """Writes the folder so that readers see the old one or the whole new one, never a part."""
    folder = Path(folder)
    partial, old = (folder.with_name(folder.name + suffix) for suffix in ('.partial', '.old'))
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    config, network = checkpoint.config, checkpoint.network
    (partial / CONFIG).write_text(json.dumps(config.to_dict(), indent=2))
    checkpoint.statistics.save(partial / STATISTICS)
    save_file(checkpoint.tokenizer.tensors(), partial / TOKENIZER)
    save_file({name: rows.contiguous() for name, rows in checkpoint.text_embeddings.items()}, partial / TEXT)
    (partial / CARD).write_text(checkpoint.card)
    weights = {name: value.detach().cpu().to(getattr(torch, config.weights_dtype)).contiguous()
               for name, value in network.state_dict().items()}
    network.save_config(partial / 'transformer')
    save_file(weights, partial / WEIGHTS, metadata={'format': 'pt'})
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder, preset=None):
    """Reads a folder strictly, on the CPU, weights as float32.

    Args:
        preset: when given, the preset that the folder must hold.

    Raises:
        CheckpointError: folder or file missing, damaged file, wrong keys or shapes, another preset.
    """
    from .network import build_network

    folder = Path(folder)
    config = load_config(folder, preset)
    if config.tokenizer != 'linear':
        raise CheckpointError(f'{folder / CONFIG}: tokenizer {config.tokenizer!r} cannot be run by this version; '
                              f'use a checkpoint with the linear tokenizer')
    network = build_network(config)
    _load_strictly(network, folder / WEIGHTS)
    tensors = _tensors(folder / TOKENIZER)
    try:
        tokenizer = LinearTokenizer(**tensors)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f'{folder / TOKENIZER}: {error}; copy or save the checkpoint again') from error
    embeddings = {name: rows.float() for name, rows in _tensors(folder / TEXT).items()}
    shape = (config.text_tokens, config.network.text_embed_dim)
    for instruction, rows in embeddings.items():
        if rows.shape != shape:
            raise CheckpointError(f'{folder / TEXT}: {instruction!r} has shape {tuple(rows.shape)}, the network reads '
                                  f'{shape}; embed the instruction again for this preset')
    card = _existing(folder / CARD).read_text()
    statistics = DatasetStatistics.load(_existing(folder / STATISTICS))
    return Checkpoint(config, network.eval().requires_grad_(False), tokenizer, statistics, embeddings, card)


def load_config(folder, preset=None):
    """The ``PolicyConfig`` of a folder, without its weights; raises as :func:`load_checkpoint` does."""
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f'{folder}: no such checkpoint folder; give the folder that holds {CONFIG}')
    path = _existing(folder / CONFIG)
    try:
        config = PolicyConfig.from_dict(json.loads(path.read_text()))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f'{path}: {error}; use the program version that wrote this checkpoint, or save it '
                              f'again') from error
    if preset is not None and config.preset != preset:
        raise CheckpointError(f'{folder}: holds preset {config.preset!r}, but {preset!r} was asked for; '
                              f'give another folder or drop the preset')
    return config


def checkpoint_digest(folder):
    """SHA-256 over names and contents of a checkpoint's files but its card and pictures, to say later which one ran."""
    folder, digest = Path(folder), hashlib.sha256()
    for path in sorted(folder.rglob('*')):
        if path.suffix in ('.json', '.safetensors'):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _existing(path):
    if not path.is_file():
        raise CheckpointError(f'{path}: missing; the checkpoint is incomplete, copy or save it again')
    return path


def _tensors(path):
    try:
        return load_file(_existing(path))
    except SafetensorError as error:
        raise CheckpointError(f'{path}: damaged ({error}); copy or save the checkpoint again') from error


def _load_strictly(network, path):
    weights, expected = _tensors(path), network.state_dict()
    missing, unknown = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or unknown:
        raise CheckpointError(f'{path}: {len(missing)} weights missing {missing[:3]}, {len(unknown)} unknown '
                              f'{unknown[:3]}; the weights belong to another preset than {CONFIG} says')
    for name, value in weights.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(f'{path}: {name} has shape {tuple(value.shape)}, {CONFIG} asks for '
                                  f'{tuple(expected[name].shape)}; the weights belong to another preset')
    network.load_state_dict(weights)
