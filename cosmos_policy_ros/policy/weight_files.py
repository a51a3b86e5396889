"""Files of tensors, read without running anything that is in them, and modules filled from them."""
import io
import os
import re
import shutil
import threading
import zipfile
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .errors import CheckpointError
from .stored_files import existing

PICKLED = ('.pt', '.pth')
SHOWN = 5
"""Names that an error lists of each kind."""


def read_tensors(path):
    """The named values of a ``.safetensors`` file, or of one that torch wrote; on the CPU, memory-mapped if possible.

    A pickled file is read by torch's weights-only unpickler, which builds tensors and plain containers and calls
    nothing else. Its values that are not tensors are handed on: training counters and extra states lie beside weights.

    Returns:
        dict of str -> torch.Tensor (or whatever else a pickled file holds under that name).

    Raises:
        CheckpointError: no such file, a web page or Git LFS pointer in its place, damaged, or objects inside.
    """
    path = Path(path)
    pretender = _pretender(existing(path, 'give the path of a weights file'))
    if pretender:
        raise CheckpointError(f'{path}: {pretender}')
    if path.suffix == '.safetensors':
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f'{path}: damaged ({error}); copy or save the checkpoint again') from error
    try:
        # Transformer-engine layers leave their (here unused) state as a bytes buffer, which runs nothing either.
        with torch.serialization.safe_globals([io.BytesIO]):
            values = torch.load(path, map_location='cpu', weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # hostile bytes make an unpickler raise nearly anything
        foreign = re.search(r'GLOBAL (\S+)', str(error))
        if foreign:
            raise CheckpointError(f'{path}: holds {foreign.group(1)}, which is no tensor; nothing of it was run. '
                                  f'Take the file from its publisher, or save its tensors alone') from error
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise CheckpointError(f'{path}: damaged or no torch file ({reason}); download or copy it again') from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CheckpointError(f'{path}: holds a {type(values).__name__}; expected a flat dictionary of named tensors')
    return dict(values)


def write_tensors(path, tensors, about=None):
    """Writes ``.safetensors``, ``.pt`` or ``.pth`` so that readers see the old file or the whole new one.

    Args:
        tensors: name -> tensor. about: name -> text, kept in the head of a ``.safetensors`` file.

    Returns:
        The path.

    Raises:
        CheckpointError: not enough space on the disk.
    """
    path = Path(path)
    require_space(path.parent, sum(value.numel() * value.element_size() for value in tensors.values()))
    partial = path.with_name(path.name + '.partial')
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        if path.suffix in PICKLED:
            torch.save(tensors, partial)
        else:
            save_file(tensors, partial, metadata={'format': 'pt'} | (about or {}))
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def require_space(folder, needed):
    """``CheckpointError`` when ``folder``'s disk has less than ``needed`` bytes (and one percent) left."""
    free = shutil.disk_usage(folder).free
    if free < 1.01 * needed:
        raise CheckpointError(f'{folder}: {needed / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free; make space or choose '
                              f'another disk')


@contextmanager
def without_storage():
    """Modules that this thread builds inside get parameters without memory or values; buffers are computed.

    A model of 8 GB is then filled by :func:`fill` without ever existing twice.
    """
    thread = threading.get_ident()

    def drop(module, name, parameter):
        if parameter is not None and threading.get_ident() == thread:
            return torch.nn.Parameter(parameter.to('meta'), requires_grad=parameter.requires_grad)

    hook = torch.nn.modules.module.register_module_parameter_registration_hook(drop)
    try:
        yield
    finally:
        hook.remove()


def fill(module, weights, path, device='cpu', dtype=None):
    """Puts ``weights`` in the place of ``module``'s parameters, straight on ``device``.

    Args:
        weights: module's name -> tensor. path: where they come from, for errors. dtype: torch number type, None for
        the stored one.

    Raises:
        CheckpointError: names missing or unknown, or another shape.
    """
    expected = module.state_dict()
    check_names(weights, expected, path, 'the weights belong to another preset than config.json says')
    for name, value in weights.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(f'{path}: {name} has shape {tuple(value.shape)}, the configuration asks for '
                                  f'{tuple(expected[name].shape)}; the weights belong to another preset')
    module.load_state_dict({name: value.to(device, dtype) for name, value in weights.items()}, assign=True)
    # diffusers' own to() warns about modules that these networks do not have.
    return torch.nn.Module.to(module, device).eval().requires_grad_(False)


def check_names(names, expected, path, advice):
    """``CheckpointError`` that counts and lists the missing and unknown among ``names``."""
    missing, unknown = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    if missing or unknown:
        raise CheckpointError(f'{path}: {len(missing)} weights missing {missing[:SHOWN]}, {len(unknown)} unknown '
                              f'{unknown[:SHOWN]}; {advice}')


def _pretender(path):
    """What lies at ``path`` in place of a file of tensors, '' when it looks like one."""
    with open(path, 'rb') as file:
        head = file.read(64)
    if not head:
        return 'an empty file; download or copy it again'
    if head.startswith(b'version https://git-lfs'):
        return 'a Git LFS pointer, not the file it points to; run "git lfs pull" in its repository'
    if head.lstrip().startswith(b'<'):
        return 'a web page, not a file of weights; download it again, logged in when its licence has to be accepted'
    return ''
