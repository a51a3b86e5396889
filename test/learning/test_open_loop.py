"""What a policy would have done in a recorded episode."""
from types import SimpleNamespace

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.learning.open_loop import ask
from cosmos_policy_ros.rollouts.images import encode_jpeg

CHUNK = 50


class FakePolicy:
    """Answers every row with the state plus 0.1 rad at the arms, and notes what it was asked."""

    def __init__(self):
        self.asked = []

    def predict(self, observation, instruction, seed, steps):
        self.asked.append((observation, instruction, seed, steps))
        actions = np.tile(observation.proprio + 0.1, (CHUNK, 1))
        actions[:, [6, 13]] -= 0.1
        return SimpleNamespace(actions=actions, value=0.5)


@pytest.fixture
def table():
    """80 rows in which the arms drift by 0.01 rad a row and the commands lead them by 0.05."""
    state = np.tile(np.arange(80)[:, None] * 0.01, (1, 14))
    picture = SimpleNamespace(data=encode_jpeg(np.full((8, 8, 3), 90, np.uint8), 95))
    rows = np.array([0, 40, 79])
    return SimpleNamespace(
        record=SimpleNamespace(instruction='sweep', robot=SimpleNamespace(cameras=CAMERAS)),
        time=np.arange(80) * 40_000_000, state=state, action=state + 0.05, image_rows=rows,
        pictures=tuple((picture,) * 3 for _ in rows))


def test_the_policy_is_asked_what_was_seen_at_each_row(table):
    policy = FakePolicy()
    answers = list(ask(policy, table, seed=7, steps=3))
    asked = [(answer.row, answer.seed, len(answer.predicted)) for answer in answers]
    assert asked == [(0, 7, 50), (40, 8, 40), (79, 9, 1)]
    observation, instruction, seed, steps = policy.asked[1]
    assert (instruction, seed, steps, observation.stamp) == ('sweep', 8, 3, pytest.approx(1.6))
    assert observation.proprio.tolist() == table.state[40].tolist() and set(observation.images) == set(CAMERAS)
    assert [answer.value for answer in answers] == [0.5] * 3


def test_errors_are_against_the_recorded_rows_that_follow(table):
    first, _, last = ask(FakePolicy(), table)
    drift = np.arange(50) * 0.01
    assert first.arm_error == pytest.approx(np.abs(0.1 - (0.05 + drift)).mean())
    assert first.first_arm_error == pytest.approx(0.05)
    assert first.gripper_error == pytest.approx((0.05 + drift).mean())
    assert first.still_error == pytest.approx((0.05 + drift).mean())
    assert last.arm_error == pytest.approx(0.05)


def test_another_instruction_replaces_the_recorded_one(table):
    policy = FakePolicy()
    list(ask(policy, table, instruction='wipe'))
    assert {asked[1] for asked in policy.asked} == {'wipe'}
