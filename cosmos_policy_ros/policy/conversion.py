"""Released files to our folder and back; every weight keeps its bits unless another number type is asked for."""
import hashlib
from dataclasses import replace

import torch

from .checkpoint import save_checkpoint
from .checkpoint_folder import WEIGHTS, is_own, load_config
from .errors import CheckpointError
from .hub import local_path
from .published_checkpoint import find_released_files, load_released, read_network, released_config, write_released
from .stored_files import existing, update_from_file
from .weight_files import read_tensors

LICENCE = ('The licence of the released files holds for this folder, too: reportedly the NVIDIA One-Way Noncommercial '
           'License (NSCLv1). Read it where you got the files.')


def to_folder(source, target, preset=None, dtype=None, **parts):
    """Writes released files as a checkpoint folder.

    Args:
        source, preset, parts: as for ``checkpoint.load_checkpoint``. target: new folder. dtype: name of the number type
        to store, None for the source's.

    Returns:
        Facts for people and JSON: preset, number type, and the names in the file that the network does not need.

    Raises:
        CheckpointError: as ``load_checkpoint``, or no space.
    """
    path = local_path(source)
    if is_own(path):
        raise CheckpointError(f'{path}: a checkpoint folder already; give a .pt or .safetensors file as target')
    files = find_released_files(path, **parts)
    config = released_config(files, preset)
    checkpoint = load_released(files, config)
    config = checkpoint.config if dtype is None else replace(checkpoint.config, weights_dtype=dtype)
    save_checkpoint(target, replace(checkpoint, config=config, card=_card(files, config)))
    _, left_out = read_network(files.weights, config.network.num_layers)
    return {'preset': config.preset, 'number type': config.weights_dtype, 'left out': list(left_out)}


def to_released(source, target, dtype=None):
    """Writes the network of a checkpoint folder, or of released files, as one released ``.pt`` or ``.safetensors``.

    Arguments, return and errors as for :func:`to_folder`; a network with a position table has no released form.
    """
    path = local_path(source)
    if is_own(path):
        layers, left_out = load_config(path).network.num_layers, ()
        weights = read_tensors(existing(path / WEIGHTS))
    else:
        files = find_released_files(path)
        layers = released_config(files).network.num_layers
        weights, left_out = read_network(files.weights, layers)
    if dtype is not None:
        weights = {name: value.to(getattr(torch, dtype)) for name, value in weights.items()}
    write_released(target, weights, layers)
    return {'weights': len(weights), 'left out': list(left_out)}


def _card(files, config):
    parts = [f'- {part.replace("_", " ")}: `{path.name}`' for part, path in vars(files).items()]
    digest = update_from_file(hashlib.sha256(), files.weights).hexdigest()
    return '\n'.join([f'# Cosmos Policy, preset `{config.preset}`', '', 'Converted from the released files:', '',
                      *parts, '', f'SHA-256 of the weights file: `{digest}`', '', LICENCE, ''])
