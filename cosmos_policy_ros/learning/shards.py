"""Demonstrations on disk: HDF5 shards of whole episodes, images raw, arrays concatenated so that they load in one go.

A shard holds ``state`` (R, 14), ``action`` (R, 14), ``image_rows`` (N,), ``images`` (N, 3, S, S, 3) and, one entry an
episode, ``rows`` and ``image_counts`` (lengths), ``seed``, ``success``, ``score``, ``task``, ``instruction`` and
``variant``.
"""
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ..sim.demonstrations import Demonstration

_TEXT, _NUMBERS = ('task', 'instruction', 'variant'), ('seed', 'success', 'score')


@dataclass(frozen=True)
class ShardEntry:
    """What an episode in a shard is, without its arrays; fields as in ``Demonstration``. rows: of 40 ms."""

    task: str
    seed: int
    variant: str
    success: bool
    rows: int


def list_shard(path):
    """The ``ShardEntry`` of every episode in one file; its pictures are not read."""
    with h5py.File(path, 'r') as shard:
        columns = shard['task'].asstr()[()], shard['seed'][()], shard['variant'].asstr()[()], shard['success'][()], \
            shard['rows'][()]
    return [ShardEntry(str(task), int(seed), str(variant), bool(success), int(rows))
            for task, seed, variant, success, rows in zip(*columns)]


def write_shard(path, demonstrations):
    """Write a list of Demonstrations, all with one image size, as one file; it appears only once it is complete."""
    if not demonstrations:
        raise ValueError(f'{path}: a shard needs at least one demonstration')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    with h5py.File(partial, 'w') as shard:
        for name in ('state', 'action', 'image_rows', 'images'):
            shard[name] = np.concatenate([getattr(demo, name) for demo in demonstrations])
        shard['rows'] = [len(demo.action) for demo in demonstrations]
        shard['image_counts'] = [len(demo.image_rows) for demo in demonstrations]
        for name in (*_TEXT, *_NUMBERS):
            shard[name] = [getattr(demo, name) for demo in demonstrations]
    partial.rename(path)


def read_shard(path):
    """List of the Demonstrations in one file. Raises ValueError when it is not a shard."""
    with h5py.File(path, 'r') as shard:
        try:
            arrays = {name: shard[name][()] for name in ('state', 'action', 'image_rows', 'images')}
            ends, image_ends = np.cumsum(shard['rows']), np.cumsum(shard['image_counts'])
            facts = {name: shard[name].asstr()[()] for name in _TEXT}
            facts.update({name: shard[name][()] for name in _NUMBERS})
        except KeyError as error:
            raise ValueError(f'{path} is not a shard of demonstrations: {error}') from error
    rows = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends)]
    pictures = [slice(a, b) for a, b in zip([0, *image_ends[:-1]], image_ends)]
    return [Demonstration(task=str(facts['task'][i]), instruction=str(facts['instruction'][i]),
                          seed=int(facts['seed'][i]), variant=str(facts['variant'][i]), state=arrays['state'][rows[i]],
                          action=arrays['action'][rows[i]], image_rows=arrays['image_rows'][pictures[i]],
                          images=arrays['images'][pictures[i]], success=bool(facts['success'][i]),
                          score=float(facts['score'][i])) for i in range(len(rows))]


def read_shards(folder):
    """All Demonstrations of a folder's shards in the order of the file names; FileNotFoundError when it has none."""
    paths = sorted(Path(folder).glob('*.h5'))
    if not paths:
        raise FileNotFoundError(f'no *.h5 shards in {folder}: collect demonstrations first')
    return [demo for path in paths for demo in read_shard(path)]
