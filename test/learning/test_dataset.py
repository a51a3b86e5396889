"""Samples are cut as published: chunk, future, value; and a batch holds exactly what was recorded."""
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_episodes import DUCK, make_episode

from cosmos_policy_ros.learning.augmentation import PictureAugmentation
from cosmos_policy_ros.learning.dataset import (Pools, ResidentDataset, fit_tokenizer, index_samples, pool_of,
                                                split_episodes, statistics_of)
from cosmos_policy_ros.learning.presets import TINY
from cosmos_policy_ros.learning.returns import Reward, value_targets
from cosmos_policy_ros.policy.latent_frame import read_value, read_vector

SHIRT = 'fold the shirt'


def test_returns_match_the_published_examples():
    assert value_targets(5, 1) == pytest.approx([.98405, .98802, .99201, .99600, 1.0], abs=1e-5)
    long = value_targets(1000, 1)
    assert (long[0], long[499], long[999]) == pytest.approx((-.7293, -.2650, 1.0), abs=1e-4)
    assert np.array_equal(value_targets(30, 0.5), value_targets(30, 1)) and (value_targets(30, 0) == -1).all()


@pytest.fixture(scope='module')
def episodes():
    return [make_episode(0, 63, success=False), make_episode(1, 80), make_episode(2, 131, instruction=SHIRT)]


@pytest.fixture(scope='module')
def dataset(episodes):
    tokenizer, _ = fit_tokenizer(episodes, 0)
    return ResidentDataset(episodes, TINY, statistics_of(episodes), tokenizer, (DUCK, SHIRT), 0.99, 'cpu')


def find(dataset, episodes, number, row):
    """Sample number of ``row`` of ``episodes[number]``; successes come first in the table."""
    order = [1, 2, 0]
    first = sum(len(episodes[i].image_rows) for i in order[:order.index(number)])
    return first + int(np.flatnonzero(episodes[number].image_rows == row)[0])


@pytest.mark.parametrize('number, row', [(1, 0), (1, 25), (1, 30), (1, 79), (2, 0), (2, 75), (2, 125), (0, 10)])
def test_a_batch_holds_the_recorded_chunk_future_and_value(dataset, episodes, number, row):
    episode, last = episodes[number], len(episodes[number].state) - 1
    batch = dataset.batch(torch.tensor([find(dataset, episodes, number, row)]))
    statistics, clean = statistics_of(episodes), batch.clean
    future = min(row + 50, last)
    chunk = statistics.unscale_actions(read_vector(clean, 5, 700).reshape(50, 14).numpy())
    assert np.abs(chunk - episode.action[np.minimum(np.arange(row, row + 50), last)]).max() < 1e-5
    for frame, expected in ((1, episode.state[row]), (6, episode.state[future])):
        assert np.abs(statistics.unscale_proprio(read_vector(clean, frame, 14)[0].numpy()) - expected).max() < 1e-5
    for first, at in ((2, row), (7, future)):
        nearest = np.abs(episode.image_rows - at).argmin()
        planes = torch.from_numpy(episode.images[nearest]).permute(0, 3, 1, 2)[None]
        latent = dataset.tokenizer.encode(planes)
        assert (clean[:, :, first:first + 3] - latent).abs().max() < 5e-3
    assert read_value(clean, 10).item() == pytest.approx(episode.success * 0.99 ** (last - future), abs=1e-6)
    assert batch.instruction.tolist() == [(DUCK, SHIRT).index(episode.instruction)]
    black = torch.zeros(1, 1, 3, 64, 64, dtype=torch.uint8)
    assert torch.equal(clean[0, :, 0], dataset.tokenizer.encode(black)[0, :, 0])


def test_pools_lie_one_after_the_other_and_every_imaged_row_is_a_sample(dataset, episodes):
    assert len(dataset) == sum(len(episode.image_rows) for episode in episodes)
    successes = len(episodes[1].image_rows) + len(episodes[2].image_rows)
    assert dataset.pools == Pools(successes, 0, len(dataset) - successes)
    assert dataset.samples.pool.tolist() == [0] * successes + [2] * dataset.pools.failures


def test_a_partial_score_counts_as_success_as_published_and_as_failure_when_asked_for():
    """Published: the score cancels in the scaling of the return, so that 0.3 of a task is worth all of it."""
    half = replace(make_episode(0, 63, success=False), score=0.3)
    published, asked = (index_samples([half], 50, (DUCK,), 0.99, reward).value for reward in (Reward.SCORE, Reward.SUCCESS))
    full = index_samples([make_episode(0, 63)], 50, (DUCK,), 0.99).value
    assert torch.equal(published, full) and (asked == -1).all()


def test_rollouts_have_pools_of_their_own():
    kinds = [replace(make_episode(seed, success=success), variant=variant)
             for seed, (variant, success) in enumerate([('rollout', False), ('noisy', True), ('rollout', True)])]
    assert [pool_of(episode) for episode in kinds] == [2, 0, 1]


def test_the_future_is_never_of_another_episode(episodes):
    samples = index_samples(episodes, 50, (DUCK, SHIRT), 0.99)
    ends = np.cumsum([len(episode.state) for episode in episodes])
    owner = np.searchsorted(ends, samples.row.numpy(), side='right')
    assert np.array_equal(owner, np.searchsorted(ends, samples.future_row.numpy(), side='right'))


@pytest.mark.parametrize('change, message', [
    ({'images': np.zeros((19, 3, 48, 48, 3), np.uint8)}, 'render them at the preset'),
    ({'action': np.zeros((5, 14))}, 'action'),
    ({'state': np.full((90, 14), np.nan)}, 'not finite'),
    ({'instruction': 'dance'}, "'dance' is not in the text table"),
    ({'image_rows': np.arange(19)}, 'last row has no picture')])
def test_an_episode_that_does_not_fit_is_named(change, message):
    good = make_episode(4)
    tokenizer, _ = fit_tokenizer([good], 0)
    with pytest.raises(ValueError, match=f"episode of 'plate', seed 4.*{message}"):
        ResidentDataset([replace(good, **change)], TINY, statistics_of([good]), tokenizer, (DUCK,), 0.99, 'cpu')


def test_a_scene_held_out_once_stays_held_out():
    """Going on with more data must not train on what was held out before, nor hold out what was trained on."""
    Scene = namedtuple('Scene', 'task seed')
    first = [Scene('plate', seed) for seed in range(400)]
    more = first + [Scene('transfer', seed) for seed in range(600)]
    training, held = split_episodes(first, 0.1)
    assert len(training) + len(held) == 400 and 20 <= len(held) <= 60
    later_training, later_held = split_episodes(more[::-1], 0.1)
    assert set(held) <= set(later_held) and set(training) <= set(later_training)


def test_a_small_set_still_holds_one_out():
    Scene = namedtuple('Scene', 'task seed')
    scenes = [Scene('plate', seed) for seed in range(3)]
    assert [len(part) for part in split_episodes(scenes, 0.01)] == [2, 1]
    assert split_episodes(scenes, 0) == (scenes, []) and split_episodes(scenes[:1], 0.5) == (scenes[:1], [])


def test_augmentation_changes_all_pictures_of_a_sample_alike_and_differs_between_samples():
    torch.manual_seed(0)
    picture = torch.from_numpy(make_episode(0).images[0, 0]).permute(2, 0, 1)
    out = PictureAugmentation()(picture.expand(3, 6, -1, -1, -1))
    assert torch.allclose(out[0, 0], out[0, 5], atol=1e-3)
    assert (out[0, 0] - out[1, 0]).abs().mean() > 1 and 0 <= out.min() and out.max() <= 255
    still = PictureAugmentation(0, 0, 0, 0, 0, 0)(picture[None, None])
    assert (still[0, 0] - picture).abs().max() < 0.05


def test_augmented_batches_keep_numbers_and_change_pictures(episodes, dataset):
    torch.manual_seed(0)
    augmented = ResidentDataset(episodes, TINY, statistics_of(episodes), dataset.tokenizer, (DUCK, SHIRT), 0.99, 'cpu',
                                PictureAugmentation())
    index = torch.arange(4)
    plain, changed = dataset.batch(index).clean, augmented.batch(index).clean
    assert torch.equal(plain[:, :, [0, 1, 5, 6, 10]], changed[:, :, [0, 1, 5, 6, 10]])
    assert (plain - changed)[:, :, [2, 3, 4, 7, 8, 9]].abs().mean() > 0.02
