"""The pool plays chunks as the timeline does: asked ahead by the latency, spliced at the executed rows, faded."""
import numpy as np
import pytest

from cosmos_policy_ros.learning.corrections import correction_jobs
from cosmos_policy_ros.learning.policy_pool import PlayedChunks, RemotePolicy


class Answers:
    """The parent's end: chunk number n is the constant n + 1; remembers what was asked."""

    def __init__(self):
        self.seeds = []

    def send(self, message):
        self.seeds.append(message[-1])

    def recv(self):
        return np.full((50, 14), float(len(self.seeds)))


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
    policy = RemotePolicy(answers, BlindRecorder(), PlayedChunks(window=0, **play), seed=3)
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
