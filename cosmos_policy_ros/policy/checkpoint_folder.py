"""What lies where in a checkpoint's folder, and what can be said of it without its weights: configuration, files, digest."""
import hashlib
import json
from pathlib import Path

from .config import PolicyConfig
from .errors import CheckpointError
from .hub import local_path
from .stored_files import existing, update_from_file

CONFIG, STATISTICS, TOKENIZER, TEXT, CARD = ('config.json', 'dataset_statistics.json', 'tokenizer.safetensors',
                                             'text_embeddings.safetensors', 'README.md')
WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors'
VAE, VAE_WEIGHTS = 'vae', 'diffusion_pytorch_model.safetensors'
GOLDEN = 'golden.safetensors'
"""Recorded answers of this checkpoint, see ``golden``."""


def load_config(source, preset=None):
    """The ``PolicyConfig`` of a checkpoint, without its weights; raises as ``checkpoint.load_checkpoint`` does."""
    folder = local_path(source)
    if not is_own(folder):
        from .published_checkpoint import find_released_files, released_config
        return released_config(find_released_files(folder), preset)
    path = existing(folder / CONFIG)
    try:
        config = PolicyConfig.from_dict(json.loads(path.read_text()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f'{path}: {error}; use the program version that wrote this checkpoint, or save it '
                              f'again') from error
    if preset is not None and config.preset != preset:
        raise CheckpointError(f'{folder}: holds preset {config.preset!r}, but {preset!r} was asked for; '
                              f'give another folder or drop the preset')
    return config


def is_own(path):
    """Whether ``path`` is a folder of ours, perhaps an incomplete one, and not released files."""
    if not path.is_dir() or (path / WEIGHTS).parent.is_dir():
        return path.is_dir()
    return not released_weights(path) and not any(path.glob('*_t5_embeddings.pkl'))


def released_weights(folder):
    """Files in ``folder`` that may be a released network."""
    files = [*folder.glob('*.pt'), *folder.glob('*.safetensors')]
    return sorted(path for path in files if path.name not in (TOKENIZER, TEXT, GOLDEN))


def missing_files(folder):
    """Names of the files that a folder of ours lacks to run; reads its configuration, not its weights."""
    tokenizer = {'linear': (TOKENIZER,), 'wan': (f'{VAE}/{CONFIG}', f'{VAE}/{VAE_WEIGHTS}')}
    needed = (WEIGHTS, STATISTICS, *tokenizer[load_config(folder).tokenizer], TEXT, CARD)
    return [name for name in needed if not (folder / name).is_file()]


def checkpoint_digest(path):
    """SHA-256 over names and contents of a checkpoint's files but its card, pictures and recorded answers.

    Says later which one ran. ``path``: its folder, one file, or a hub id.
    """
    path, digest = local_path(path), hashlib.sha256()
    for file in sorted(path.rglob('*')) if path.is_dir() else [path]:
        if file.suffix in ('.json', '.safetensors', '.pt', '.pth', '.pkl') and file.name != GOLDEN:
            digest.update((file.relative_to(path) if path.is_dir() else Path(file.name)).as_posix().encode())
            update_from_file(digest, file)
    return digest.hexdigest()
