"""Instructions that were embedded beforehand: the released pickle, and our safetensors file."""
import io
import pickle
import zipfile

import torch

from .errors import CheckpointError
from .stored_files import existing
from .weight_files import read_tensors, write_tensors


def read_embeddings(path, tokens, width):
    """The embeddings in a ``.pkl`` as released or in a ``.safetensors`` file.

    Args:
        tokens, width: what the network reads; a leading dimension of one, as released, is dropped.

    Returns:
        instruction -> (tokens, width) tensor of the stored number type, zero rows after the last token.

    Raises:
        CheckpointError: missing or damaged file, something in it that is no embedding, another shape, not finite.
    """
    embeddings = {}
    for instruction, rows in stored_values(path).items():
        if not isinstance(rows, torch.Tensor) or not rows.is_floating_point():
            raise CheckpointError(f'{path}: {instruction!r} is no tensor of floats; take the file that belongs to this '
                                  f'checkpoint')
        shape = tuple(rows.shape)
        if shape not in ((tokens, width), (1, tokens, width)):
            raise CheckpointError(f'{path}: {instruction!r} has shape {shape}, the network reads {(tokens, width)}; '
                                  f'embed the instruction again for this preset')
        if not torch.isfinite(rows).all():
            raise CheckpointError(f'{path}: {instruction!r} holds NaN or infinity; embed the instruction again')
        embeddings[instruction] = rows.detach().reshape(tokens, width).contiguous()
    return embeddings


def stored_values(path):
    """instruction -> whatever is stored for it, unchecked; ``CheckpointError`` for a file that cannot be read."""
    # torch.save writes a zip archive, which the weights reader takes; plain pickle is what upstream writes.
    pickled = path.suffix == '.pkl' and not zipfile.is_zipfile(existing(path))
    return _unpickled(path) if pickled else read_tensors(path)


def add_embeddings(path, new):
    """Adds instruction -> (tokens, width) tensors to a ``.safetensors`` file.

    Raises:
        CheckpointError: an instruction is there already; the file is left as it was.
    """
    known = read_tensors(path)
    again = sorted(new.keys() & known.keys())
    if again:
        raise CheckpointError(f'{path}: {", ".join(map(repr, again))} already embedded; leave it out')
    write_tensors(path, known | new)


class _EmbeddingUnpickler(pickle.Unpickler):
    """Builds dictionaries, strings and CPU tensors, and refuses to look up anything else."""

    def find_class(self, module, name):
        if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
            return torch._utils._rebuild_tensor_v2
        if (module, name) == ('torch.storage', '_load_from_bytes'):
            return _storage
        if (module, name) == ('collections', 'OrderedDict'):
            return dict
        raise CheckpointError(f'holds {module}.{name}, which is no text embedding; nothing of it was run. Take the '
                              f'file from its publisher')


def _storage(data):
    """A tensor's storage; torch's own function of this name would unpickle anything."""
    return torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)


def _unpickled(path):
    try:
        with open(path, 'rb') as file:
            values = _EmbeddingUnpickler(file).load()
    except CheckpointError as error:
        raise CheckpointError(f'{path}: {error}') from error
    except Exception as error:  # hostile bytes make an unpickler raise nearly anything
        raise CheckpointError(f'{path}: damaged or no pickle of text embeddings ({type(error).__name__}: {error}); '
                              f'download or copy it again') from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CheckpointError(f'{path}: holds a {type(values).__name__}; expected a dictionary of instructions')
    return values
