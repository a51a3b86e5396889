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


class StoredPictures:
    """Pictures of an episode that stay on disk: (K, 3, S, S, 3) uint8, of which rows are read one by one."""

    def __init__(self, path, pictures, rows):
        """pictures: the shard's dataset, for shape and type. rows: slice of it that is this episode's."""
        self._path, self._first = path, int(rows.start)
        self.shape, self.dtype = (int(rows.stop - rows.start), *pictures.shape[1:]), pictures.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, row):
        """(3, S, S, 3) uint8 of one row."""
        if not 0 <= row < len(self):
            raise IndexError(f'{self._path}: row {row} of {len(self)} pictures')
        with h5py.File(self._path, 'r') as shard:
            return shard['images'][self._first + row]


def read_shard(path, stored=False):
    """List of the Demonstrations in one file; their pictures are ``StoredPictures`` if ``stored``.

    Raises ValueError when it is not a shard.
    """
    with h5py.File(path, 'r') as shard:
        try:
            arrays = {name: shard[name][()] for name in ('state', 'action', 'image_rows')}
            images = shard['images'] if stored else shard['images'][()]
            ends, image_ends = np.cumsum(shard['rows']), np.cumsum(shard['image_counts'])
            facts = {name: shard[name].asstr()[()] for name in _TEXT}
            facts.update({name: shard[name][()] for name in _NUMBERS})
        except KeyError as error:
            raise ValueError(f'{path} is not a shard of demonstrations: {error}') from error
        rows, pictures = ([slice(a, b) for a, b in zip([0, *last[:-1]], last)] for last in (ends, image_ends))
        images = [StoredPictures(path, images, part) if stored else images[part] for part in pictures]
    return [Demonstration(task=str(facts['task'][i]), instruction=str(facts['instruction'][i]),
                          seed=int(facts['seed'][i]), variant=str(facts['variant'][i]), state=arrays['state'][rows[i]],
                          action=arrays['action'][rows[i]], image_rows=arrays['image_rows'][pictures[i]],
                          images=images[i], success=bool(facts['success'][i]),
                          score=float(facts['score'][i])) for i in range(len(rows))]


def read_shards(folder, stored=False):
    """All Demonstrations of a folder's shards in the order of the file names; FileNotFoundError when it has none.

    stored: see :func:`read_shard`.
    """
    paths = sorted(Path(folder).glob('*.h5'))
    if not paths:
        raise FileNotFoundError(f'no *.h5 shards in {folder}: collect demonstrations first')
    return [demo for path in paths for demo in read_shard(path, stored)]
