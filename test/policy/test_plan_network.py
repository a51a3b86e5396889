"""Planning with real networks, and the backends that load them."""
import dataclasses

import numpy as np
import pytest
import torch
from plan_fakes import TASK, literal_plan

from cosmos_policy_ros.policy.checkpoint import Checkpoint, save_checkpoint
from cosmos_policy_ros.policy.config import NetworkConfig, PolicyConfig
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.errors import CheckpointError, PolicyError, UnknownInstruction
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.planning.backends import DirectBackend, PlannerFactory, planning_backend
from cosmos_policy_ros.policy.planning.planner import LocalPlanner
from cosmos_policy_ros.policy.planning.settings import DEPTH_3, PAPER
from cosmos_policy_ros.policy.statistics import DatasetStatistics
from cosmos_policy_ros.policy.tokenizer import LinearTokenizer

CONFIG = PolicyConfig('test-64', 64, NetworkConfig(2, 24, 2, text_embed_dim=32, adaln_lora_dim=8), text_tokens=12,
                      text_encoder='stored')
SMALL_PAPER = dataclasses.replace(PAPER, candidates=3, action_steps=3, value_aggregation='average')


def checkpoint(seed, task=TASK):
    torch.manual_seed(seed)
    network = build_network(CONFIG)
    network.initialise(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    rows = np.random.RandomState(0).uniform(-1, 1, (50, 14))
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    return Checkpoint(CONFIG, network, LinearTokenizer.fit(images)[0], DatasetStatistics.of(rows, rows),
                      {task: torch.randn(12, 32)}, '')


random = np.random.RandomState(1)
SEEN = Observation(0.0, {name: random.randint(0, 256, (64, 64, 3)).astype(np.uint8) for name in CONFIG.layout.cameras},
                   random.uniform(-1, 1, 14))


@pytest.fixture(scope='module')
def models():
    torch.set_num_threads(1)
    return CosmosPolicy(checkpoint(0)), CosmosPolicy(checkpoint(1))


@pytest.mark.parametrize('settings', [SMALL_PAPER, dataclasses.replace(DEPTH_3, candidates=2, depth=2)])
def test_batched_equals_one_by_one_on_a_network(models, settings):
    expected, best = literal_plan(*models, settings, 195, SEEN)
    result = LocalPlanner(*models, settings).infer(SEEN, TASK, 195)
    for candidate, (actions, values, value) in zip(result.plan.candidates, expected):
        np.testing.assert_allclose(candidate.actions_by_depth, actions, atol=1e-4)
        assert candidate.value == pytest.approx(value, abs=1e-4)
        assert candidate.values_by_depth == pytest.approx(values, abs=1e-4)
    assert result.plan.chosen == best and len({round(value, 6) for _, _, value in expected}) > 1


def test_pictures_and_a_budget_on_a_network(models):
    planner = LocalPlanner(*models, SMALL_PAPER)
    planner.warm_up()
    result = planner.infer(SEEN, TASK, 195, futures=True, budget=60.0)
    assert {image.shape for image in result.future_images.values()} == {(64, 64, 3)}
    assert result.plan.calls > 0 and set(result.latencies) == {'encode', 'action', 'future', 'value', 'decode', 'total'}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('plan') / 'policy'
    save_checkpoint(folder, checkpoint(0))
    return str(folder)


def test_the_first_candidate_acts_as_the_direct_policy_does(folder):
    planner = planning_backend(PlannerFactory(folder), dataclasses.replace(SMALL_PAPER, candidates=1))
    direct = DirectBackend(CosmosPolicy.load(folder), steps=SMALL_PAPER.action_steps)
    direct.warm_up()
    expected, planned = direct.infer(SEEN, TASK, 7, futures=True), planner.infer(SEEN, TASK, 7)
    np.testing.assert_allclose(planned.actions, expected.actions, atol=1e-6)
    assert direct.robot == planner.robot == 'aloha' and direct.instructions == planner.instructions == (TASK,)
    assert expected.future_images and expected.plan is None and expected.planner == 'direct'


def test_requests_that_cannot_be_answered_leave_the_planner_usable(models):
    planner = LocalPlanner(*models, SMALL_PAPER)
    with pytest.raises(UnknownInstruction):
        planner.infer(SEEN, 'sing', 1)
    assert planner.infer(SEEN, TASK, 1).plan.candidates


def test_checkpoints_without_a_common_instruction_are_refused_at_warm_up(models):
    with pytest.raises(PolicyError, match='no common instruction'):
        LocalPlanner(models[0], CosmosPolicy(checkpoint(1, 'another task'))).warm_up()


def test_a_missing_planning_checkpoint_is_named(folder, tmp_path):
    with pytest.raises(CheckpointError, match='nowhere'):
        planning_backend(PlannerFactory(folder, str(tmp_path / 'nowhere')), PAPER)
