"""The weights of the Wan video autoencoder on disk, under upstream's names or diffusers'."""
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan

from .checkpoint_folder import VAE_WEIGHTS
from .errors import CheckpointError
from .published_names import vae_names
from .weight_files import check_names, fill, read_tensors, without_storage, write_tensors

VAE_ADVICE = ('give the Wan 2.1 autoencoder: tokenizer.pth of nvidia/Cosmos-Predict2-2B-Video2World (as a hub id: '
              'nvidia/Cosmos-Predict2-2B-Video2World/tokenizer/tokenizer.pth), or a folder in diffusers\' format')


def load_vae(path):
    """An ``AutoencoderKLWan`` on the CPU in the stored number type, memory-mapped.

    Args:
        path: a folder in diffusers' format, its weights file, or one file under upstream's names.

    Raises:
        CheckpointError: missing, damaged, or another kind of autoencoder.
    """
    path = Path(path) / VAE_WEIGHTS if Path(path).is_dir() else Path(path)
    weights = read_tensors(path)
    first = weights.get('encoder.conv1.weight', weights.get('encoder.conv_in.weight'))
    if not isinstance(first, torch.Tensor):
        raise CheckpointError(f'{path}: not a Wan autoencoder, its first layer is not in it; {VAE_ADVICE}')
    described = path.with_name('config.json')
    with without_storage():
        try:
            # One file alone tells its only free size, the number of base channels, by its first layer.
            vae = (AutoencoderKLWan.from_config(json.loads(described.read_text())) if path.name == VAE_WEIGHTS
                   else AutoencoderKLWan(base_dim=len(first)))
        except (OSError, TypeError, ValueError) as error:
            raise CheckpointError(f'{described}: {error}; copy the autoencoder\'s folder again') from error
    if 'encoder.conv1.weight' in weights:
        names = vae_names(vae.state_dict())
        check_names(weights, names, path, 'no Wan 2.1 autoencoder; ' + VAE_ADVICE)
        weights = {names[name]: value for name, value in weights.items()}
    return fill(vae, weights, path)


def save_vae(folder, vae):
    """Writes ``vae`` in diffusers' format, in its number type."""
    vae.save_config(folder)
    write_tensors(folder / VAE_WEIGHTS, vae.state_dict())
