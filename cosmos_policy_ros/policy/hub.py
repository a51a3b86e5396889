"""Checkpoints by their model-hub id; an existing local path is never taken for one."""
import re
from pathlib import Path

from .errors import CheckpointError

_ID = re.compile(r'(?P<repository>[\w][\w.-]*/[\w][\w.-]*)(?:/(?P<file>[\w][\w./-]*))?(?:@(?P<revision>[\w./-]+))?')

WANTED = ('*.pt', '*.json', '*.pkl', '*.safetensors', 'README.md', 'tokenizer/tokenizer.pth', 'transformer/*', 'vae/*')
"""Files of a repository that a policy is made of."""


def local_path(source):
    """``source`` as an existing path; what is no such path but reads like a hub id is downloaded first.

    Args:
        source: a path, ``org/name[@revision]``, or ``org/name/path/in/repository[@revision]`` for one file. Anything
        that exists on this disk is a path. Downloads go to the hub library's own cache and happen once.

    Raises:
        CheckpointError: neither a path nor a hub id, no such repository, no access, no network, or
        ``huggingface_hub`` is not installed.
    """
    path = Path(source).expanduser()
    match = _ID.fullmatch(str(source))
    if path.exists():
        return path
    if match is None:
        raise CheckpointError(f'{path}: no such checkpoint folder or file; give the folder that holds config.json, '
                              f'released files, or a hub id org/name[@revision]')
    return _download(**match.groupdict())


def _download(repository, file, revision):
    name = repository + (f'@{revision}' if revision else '')
    try:
        from huggingface_hub import errors, hf_hub_download, snapshot_download
    except ImportError as error:
        raise CheckpointError(f'{name}: no such path here, and a hub id needs the package huggingface_hub; give an '
                              f'existing path or run: pip install huggingface_hub') from error
    try:
        if file:
            return Path(hf_hub_download(repository, file, revision=revision))
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(WANTED)))
    except Exception as error:  # the library lets its network libraries' errors through
        raise CheckpointError(f'{name}{"/" + file if file else ""}: no such path here, and as a hub id it failed '
                              f'({type(error).__name__}): {_advice(error, errors)}') from error


def _advice(error, errors):
    if isinstance(error, errors.GatedRepoError):
        return 'its licence has to be accepted on the hub first; then log in with "hf auth login"'
    unknown = errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError
    if isinstance(error, unknown) and not isinstance(error, errors.LocalEntryNotFoundError):
        return 'check the spelling of path or id, and log in when it is private'
    return 'the hub cannot be reached and its cache has no copy; download the files elsewhere and give their folder'
