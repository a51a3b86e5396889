"""The pool plays chunks as the timeline does: asked ahead by the latency, spliced at the executed rows, faded."""
from dataclasses import replace

import numpy as np
import pytest

from cosmos_policy_ros.learning.collection import Imaging
from cosmos_policy_ros.learning.played import collect_played, correction_jobs, rollout_jobs
from cosmos_policy_ros.learning.policy_pool import Branch, PlayedChunks, PlayedPolicy, Player
from cosmos_policy_ros.learning.pool import run_jobs
from cosmos_policy_ros.learning.shards import read_shards
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.policy.inference import Inference


class Answers:
    """Infers: chunk number n is the constant n + 1; remembers what was asked."""

    def __init__(self):
        self.seeds = []

    def __call__(self, observation, instruction, seed):
        self.seeds.append(seed)
        return Inference(np.full((50, 14), float(len(self.seeds))), 0.5)


class StillWorld:
    """As much of a world as the policy looks at."""

    class task:
        instruction = 'hold still'

    def state(self):
        return np.zeros(14)


class BlindRecorder:
    def images(self):
        return np.zeros((3, 2, 2, 3), np.uint8)


def played(rows, **play):
    answers, world = Answers(), StillWorld()
    policy = PlayedPolicy(answers, BlindRecorder(), PlayedChunks(window=0, **play), seed=3)
    asked = []
    commands = []
    for row in range(rows):
        before = len(answers.seeds)
        commands.append(policy(world)[0])
        if len(answers.seeds) > before:
            asked.append(row)
    return np.array(commands), asked, answers.seeds


def test_asks_ahead_by_the_latency_and_switches_at_the_executed_rows():
    commands, asked, _ = played(80, executed=25, latency=7, blend=0)
    assert asked == [0, 18, 43, 68]
    assert np.flatnonzero(np.diff(commands)).tolist() == [24, 49, 74]


def test_without_latency_it_asks_when_the_rows_are_used_up():
    commands, asked, _ = played(60, executed=25, latency=0, blend=0)
    assert asked == [0, 25, 50]
    assert commands[24:27].tolist() == [1.0, 2.0, 2.0]


def test_seams_are_faded_without_a_step_larger_than_a_share_of_the_jump():
    commands, *_ = played(40, executed=25, latency=7, blend=5)
    assert np.abs(np.diff(commands)).max() == pytest.approx(1 / 6)


def test_every_chunk_of_an_episode_has_its_own_seed():
    *_, seeds = played(80, executed=25, latency=7)
    assert seeds == [3000, 3001, 3002, 3003]


def test_hand_over_rows_depend_on_the_seed_alone():
    jobs = list(correction_jobs({'plate': 3}, first_seed=10))
    again = list(correction_jobs({'plate': 5}, first_seed=10))
    assert jobs == again[:3]
    assert len({job.rows for job in again}) > 1 and all(20 <= job.rows < 400 for job in again)


class StandingStill:
    """A backend whose every chunk holds the start pose, shifted by a thousandth of the seed's last digit."""

    def __init__(self):
        self.batches = []

    def infer_batch(self, observations, instructions, seeds):
        self.batches.append(len(seeds))
        assert len(observations) == len(instructions) == len(seeds)
        return [Inference(np.tile(START + 1e-3 * (seed % 10), (50, 1)), 0.5) for seed in seeds]


TINY_PICTURES = Imaging(size=16, supersample=1, every=20)


def test_failed_rollouts_are_kept_with_their_partial_score_and_end_in_a_picture(tmp_path):
    jobs = [replace(job, rows=30) for job in rollout_jobs({'transfer': 3}, 700, 'hard')]
    backend = StandingStill()
    collected = collect_played(backend, jobs, 'rollout', tmp_path, 2, TINY_PICTURES, shard_size=2)
    assert sum(collected.kept.values()) == sum(collected.failed.values()) == 3 and len(collected.shards) == 2
    episodes = sorted(read_shards(tmp_path), key=lambda episode: episode.seed)
    assert [episode.seed for episode in episodes] == [700, 701, 702]
    for episode in episodes:
        assert episode.variant == 'rollout' and not episode.success and 0 <= episode.score < 0.5
        assert episode.image_rows.tolist() == [0, 20, 30] and len(episode.action) == len(episode.state) == 31
    assert sum(backend.batches) == 3 * 2
    last = sorted(tmp_path.glob('*.h5'))[1]
    last.unlink()  # as if the collection had been stopped between the two shards
    again = collect_played(backend, jobs, 'rollout', tmp_path, 2, TINY_PICTURES, shard_size=2, resume=True)
    assert sum(backend.batches) == 4 * 2 and again == collected and last.exists()


def test_branches_are_the_candidates_played_from_one_state():
    branch = Branch('transfer', 5, rows=10, candidates=3, conditions='pushed')
    (job, found), = run_jobs(StandingStill(), [branch], 1, Player, TINY_PICTURES)
    assert job == branch and len(found) == 3
    first, second, _ = found
    assert first.state.shape == (51, 14) and first.image_rows.tolist() == [0, 50] and first.variant == 'branch'
    assert np.array_equal(first.state[0], second.state[0]) and np.array_equal(first.images[0], second.images[0])
    assert np.abs(second.action - first.action).max() == pytest.approx(1e-3, rel=1e-3)
    assert not np.array_equal(first.state[-1], second.state[-1])
