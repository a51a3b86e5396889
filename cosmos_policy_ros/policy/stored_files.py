"""Files of a checkpoint as bytes, whatever is in them."""
from .errors import CheckpointError


def existing(path, advice='the checkpoint is incomplete, copy or save it again'):
    """``path`` when it is a file; ``CheckpointError`` otherwise."""
    if not path.is_file():
        raise CheckpointError(f'{path}: missing; {advice}')
    return path


def update_from_file(digest, path):
    """``digest`` of ``hashlib`` after the bytes of ``path``, which need not fit into memory."""
    with open(path, 'rb') as file:
        while part := file.read(1 << 24):
            digest.update(part)
    return digest
