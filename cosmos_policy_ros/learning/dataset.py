"""Demonstrations as tensors on the training device, and batches of clean latent sequences gathered from them.

Nothing leaves the device between steps: pictures are encoded once (or kept as bytes when they are to be augmented) and
a batch is a handful of index operations.
"""
from dataclasses import dataclass, fields
from zlib import crc32

import numpy as np
import torch

from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import ACTION_DIM
from ..policy.latent_frame import write_value, write_vector
from ..policy.layout import ACTION, FUTURE, PROPRIO, VALUE
from ..policy.statistics import DatasetStatistics
from ..policy.tokenizer import LinearTokenizer, to_planes
from ..sim.demonstrations import BRANCH, ROLLOUT
from .returns import Reward, value_targets

TOKENIZER_PICTURES = 3000
"""Pictures that the tokenizer is fitted to: 64 blocks each at 64 px, far more than its 192 dimensions need."""

ENCODE_BATCH = 4096


@dataclass(frozen=True)
class Pools:
    """Numbers of samples by the kind of their episode, in the order of the sample table.

    demonstrations: successful ones of an expert. successes: successful rollouts. failures: everything unsuccessful.
    """

    demonstrations: int
    successes: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Samples:
    """One entry for each imaged row, (n,) each, pool by pool.

    picture, future_picture: row of the picture table. row, future_row, last_row: rows of the state and action tables
    (now, after the chunk, end of the episode). value: target in -1..1. instruction: number. pool: number in ``Pools``.
    """

    picture: torch.Tensor
    future_picture: torch.Tensor
    row: torch.Tensor
    future_row: torch.Tensor
    last_row: torch.Tensor
    value: torch.Tensor
    instruction: torch.Tensor
    pool: torch.Tensor

    def to(self, device):
        """The same entries on another device."""
        return Samples(*(getattr(self, item.name).to(device) for item in fields(self)))

    def take(self, index):
        """The entries ``index`` (B,) int64."""
        return Samples(*(getattr(self, item.name)[index] for item in fields(self)))

    def __len__(self):
        return len(self.picture)


@dataclass(frozen=True)
class Batch:
    """clean: (B, 16, T, h, w) float32, the true sequence. instruction: (B,) int64, row of the text table."""

    clean: torch.Tensor
    instruction: torch.Tensor


class EpisodeSamples:
    """The samples of a set of episodes, with their numbers on one device; pictures are the subclasses' business.

    ``episodes`` are in the order of their pools, so that a pool is a range of the sample table.
    """

    def __init__(self, episodes, config, statistics, instructions, discount, device, reward=Reward.SCORE):
        """config: ``PolicyConfig``. instructions: row order of the text table. discount, reward: of the value."""
        if not episodes:
            raise ValueError('no episodes to train on; collect demonstrations first')
        self.config, self.device = config, torch.device(device)
        check_episodes(episodes, config, instructions)
        self.episodes = sorted(episodes, key=pool_of)
        samples = index_samples(self.episodes, config.chunk_rows, instructions, discount, reward)
        self.samples = samples.to(self.device)
        self.pools = Pools(*torch.bincount(self.samples.pool, minlength=3).tolist())
        self.states = self._table(statistics.scale_proprio(np.concatenate([e.state for e in self.episodes])))
        if config.quirks.bf16_proprio:
            self.states = self.states.bfloat16().float()
        self.actions = self._table(statistics.scale_actions(np.concatenate([e.action for e in self.episodes])))

    def __len__(self):
        return len(self.samples)

    def write_numbers(self, clean, taken):
        """Writes chunk, states and value of the samples ``taken`` into their frames of ``clean``, in place."""
        layout = self.config.layout
        steps = torch.arange(self.config.chunk_rows, device=self.device)
        chunk = self.actions[torch.minimum(taken.row[:, None] + steps, taken.last_row[:, None])]
        write_vector(clean, layout.index(ACTION), chunk.flatten(1))
        write_vector(clean, layout.index(PROPRIO), self.states[taken.row])
        write_vector(clean, layout.index(FUTURE + PROPRIO), self.states[taken.future_row])
        write_value(clean, layout.index(VALUE), taken.value)

    def _table(self, rows):
        return torch.from_numpy(rows.astype(np.float32)).to(self.device)


class ResidentDataset(EpisodeSamples):
    """Samples of a set of episodes, all on one device.

    Args:
        episodes: a sequence of ``Demonstration``s with pictures of ``config.image_size``.
        config: ``PolicyConfig``. statistics, tokenizer: those to scale and encode with.
        instructions: the row order of the text table. discount, reward: of the value target.
        augment: None, or a function of pictures (B, F, 3, S, S) uint8 -> float in 0..255, applied to every batch.
    """

    def __init__(self, episodes, config, statistics, tokenizer, instructions, discount, device, augment=None,
                 reward=Reward.SCORE):
        super().__init__(episodes, config, statistics, instructions, discount, device, reward)
        self.augment = augment
        self.tokenizer = tokenizer.to(self.device)
        self.pictures = self._load_pictures()
        layout = config.layout
        black = torch.zeros(1, 1, 3, config.image_size, config.image_size, dtype=torch.uint8, device=self.device)
        self._black = self.tokenizer.encode(black)[0, :, 0]
        self._image_frames = torch.tensor((*layout.image_frames, *layout.future_image_frames), device=self.device)

    def batch(self, index):
        """The samples ``index`` (B,) int64, on the device, as clean latent sequences."""
        taken = self.samples.take(index)
        clean = torch.empty(len(index), *self.config.latent_shape, device=self.device)
        clean[:, :, self.config.layout.index('blank')] = self._black
        pictures = self.pictures[torch.stack([taken.picture, taken.future_picture], dim=1)].flatten(1, 2)
        if self.augment is not None:
            pictures = self.tokenizer.encode(self.augment(pictures)).transpose(1, 2)
        clean[:, :, self._image_frames] = pictures.transpose(1, 2).float()
        self.write_numbers(clean, taken)
        return Batch(clean, taken.instruction)

    def _load_pictures(self):
        """(M, 3 cameras, ...) latents in half precision, or bytes when every batch is augmented."""
        count = sum(len(episode.images) for episode in self.episodes)
        size = self.config.image_size
        channels, _, height, width = self.config.latent_shape
        if self.augment is None:
            table = torch.empty(count, len(CAMERAS), channels, height, width, dtype=torch.float16, device=self.device)
        else:
            table = torch.empty(count, len(CAMERAS), 3, size, size, dtype=torch.uint8, device=self.device)
        start = 0
        for episode in self.episodes:
            planes = to_planes(episode.images)
            for part in planes.split(ENCODE_BATCH):
                part = part.to(self.device)
                table[start:start + len(part)] = part if self.augment else self.tokenizer.encode(part).transpose(1, 2)
                start += len(part)
        return table


def pool_of(episode):
    """Number of the episode's kind in ``Pools``."""
    return 2 if not episode.success else int(episode.variant in (ROLLOUT, BRANCH))


def index_samples(episodes, chunk_rows, instructions, discount, reward=Reward.SCORE):
    """The sample table of ``episodes`` in their order; the future is ``chunk_rows`` on or the last row."""
    columns = {item.name: [] for item in fields(Samples)}
    first_row = first_picture = 0
    for episode in episodes:
        length = len(episode.state)
        rows = np.asarray(episode.image_rows, np.int64)
        future = np.minimum(rows + chunk_rows, length - 1)
        # The nearest imaged row stands in when the future row itself has no picture.
        nearest = np.abs(rows[None] - future[:, None]).argmin(1)
        values = value_targets(length, reward.of(episode), discount)
        entries = {'picture': first_picture + np.arange(len(rows)), 'future_picture': first_picture + nearest,
                   'row': first_row + rows, 'future_row': first_row + future,
                   'last_row': np.full(len(rows), first_row + length - 1), 'value': values[future].astype(np.float32),
                   'instruction': np.full(len(rows), instructions.index(episode.instruction)),
                   'pool': np.full(len(rows), pool_of(episode))}
        for name, entry in entries.items():
            columns[name].append(entry)
        first_row, first_picture = first_row + length, first_picture + len(rows)
    return Samples(**{name: torch.from_numpy(np.concatenate(parts)) for name, parts in columns.items()})


def check_episodes(episodes, config, instructions):
    """Raises ``ValueError`` naming the first episode whose arrays do not fit together or fit the preset."""
    size = config.image_size
    for episode in episodes:
        length, pictures = len(episode.state), len(episode.image_rows)
        where = f'episode of {episode.task!r}, seed {episode.seed}, variant {episode.variant!r}'
        if episode.state.shape != (length, ACTION_DIM) or episode.action.shape != (length, ACTION_DIM):
            raise ValueError(f'{where}: expected state and action ({length}, {ACTION_DIM}), got '
                             f'{episode.state.shape} and {episode.action.shape}')
        if not (np.isfinite(episode.state).all() and np.isfinite(episode.action).all()):
            raise ValueError(f'{where}: state or action is not finite; leave this episode out')
        if episode.images.shape != (pictures, len(CAMERAS), size, size, 3) or episode.images.dtype != np.uint8:
            raise ValueError(f'{where}: expected images ({pictures}, {len(CAMERAS)}, {size}, {size}, 3) uint8, got '
                             f'{episode.images.shape} {episode.images.dtype}; render them at the preset\'s size')
        if not pictures or episode.image_rows[-1] != length - 1:
            raise ValueError(f'{where}: the last row has no picture; the future at the end of a chunk needs it')
        if episode.instruction not in instructions:
            raise ValueError(f'{where}: instruction {episode.instruction!r} is not in the text table')


def statistics_of(episodes):
    """``DatasetStatistics`` of the successful episodes (all, if none succeeded), as published: of demos only."""
    chosen = [episode for episode in episodes if episode.success] or episodes
    return DatasetStatistics.of(np.concatenate([e.action for e in chosen]), np.concatenate([e.state for e in chosen]))


def fit_tokenizer(episodes, seed, device='cpu'):
    """(LinearTokenizer, kept share of the variance) of a random sample of the episodes' pictures."""
    pool = np.random.default_rng(seed)
    counts = np.array([len(episode.images) * len(CAMERAS) for episode in episodes])
    ends = counts.cumsum()
    picks = np.sort(pool.choice(ends[-1], min(TOKENIZER_PICTURES, ends[-1]), replace=False))
    owner = np.searchsorted(ends, picks, side='right')
    pictures = [episodes[i].images.reshape(-1, *episodes[i].images.shape[2:])[pick - (ends[i] - counts[i])]
                for i, pick in zip(owner, picks)]
    return LinearTokenizer.fit(to_planes(np.stack(pictures)).to(device))


def split_episodes(episodes, share):
    """(training, held out) by a hash of task and scene seed, the same whatever else is in the set.

    So a scene held out once stays held out when training goes on with more data. At least one of two or more episodes is
    held out, unless ``share`` is 0.
    """
    marks = [crc32(f'{episode.task}/{episode.seed}'.encode()) / 2 ** 32 for episode in episodes]
    threshold = max(share, min(marks) * (1 + 1e-9)) if len(episodes) > 1 and share > 0 else 0
    return ([episode for episode, mark in zip(episodes, marks) if mark >= threshold],
            [episode for episode, mark in zip(episodes, marks) if mark < threshold])
