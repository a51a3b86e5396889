"""Without a budget, batched planning gives the published numbers."""
import dataclasses

import numpy as np
import pytest
import torch
from plan_fakes import OBSERVATION, TASK, FakeModel, literal_plan

from cosmos_policy_ros.policy.errors import PolicyError
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.planner import LocalPlanner
from cosmos_policy_ros.policy.planning.search import batch_sizes
from cosmos_policy_ros.policy.planning.settings import DEFAULTS, DEPTH_3, PAPER

SETTINGS = {
    'paper': PAPER,
    'paper, full V': dataclasses.replace(PAPER, value_stage='value', value_aggregation='average'),
    'lower bound': dataclasses.replace(PAPER, value_aggregation='lcb'),
    'success vote': dataclasses.replace(PAPER, value_aggregation='success_vote', max_batch=3),
    'depth 3': DEPTH_3,
    'depth 3, averaged, stale': dataclasses.replace(DEPTH_3, depth_aggregation='average', stale_proprio=True),
    'depth 3 with branches': dataclasses.replace(PAPER, depth=3, candidates=3, value_ensemble=2, value_steps=3),
    'branches by average': dataclasses.replace(PAPER, depth=2, candidates=3, value_aggregation='average',
                                               depth_aggregation='average'),
    'joint': dataclasses.replace(DEFAULTS, candidates=5),
    'model free': dataclasses.replace(PAPER, mode='model_free', value_stage='action_value', future_ensemble=0),
    'model free, unmasked': dataclasses.replace(PAPER, mode='model_free', value_stage='value', future_ensemble=0,
                                                value_ensemble=0),
    'model free with futures': dataclasses.replace(PAPER, mode='model_free_with_futures', value_stage='action_value'),
}


@pytest.mark.parametrize('bias', [0.0, -1.3, -9.0], ids=['hopeful', 'mixed', 'hopeless'])
@pytest.mark.parametrize('name', SETTINGS)
def test_batched_equals_one_by_one_as_published(name, bias):
    settings, policy, planning = SETTINGS[name], FakeModel(bias), FakeModel(bias + 0.1)
    expected, best = literal_plan(policy, planning, settings, 195)
    result = LocalPlanner(policy, planning, settings).infer(OBSERVATION, TASK, 195)
    assert len(result.plan.candidates) == settings.candidates
    for candidate, (actions, values, value) in zip(result.plan.candidates, expected):
        assert candidate.value == pytest.approx(value, abs=1e-12)
        np.testing.assert_array_equal(candidate.actions_by_depth, actions)
        assert candidate.values_by_depth == pytest.approx(values, abs=1e-12)
    assert result.plan.chosen == best and result.value == pytest.approx(expected[best][2], abs=1e-12)
    np.testing.assert_array_equal(result.actions, expected[best][0][0])
    assert result.plan.depth == settings.depth and result.plan.deadline_met and not result.plan.fallback


@pytest.mark.parametrize('name', ['paper', 'depth 3 with branches', 'joint', 'model free'])
def test_questions_that_share_network_calls_get_the_answers_they_would_get_alone(name):
    settings = dataclasses.replace(SETTINGS[name], max_batch=16)
    planner = LocalPlanner(FakeModel(-0.7), FakeModel(-0.6), settings)
    other = dataclasses.replace(OBSERVATION, proprio=np.array([0.5, 0.4]))
    questions = [(OBSERVATION, TASK, 195), (other, 'wave', 3), (other, TASK, 195), (OBSERVATION, TASK, 7000)]
    together = planner.infer_batch(*(list(part) for part in zip(*questions)))
    for question, answer in zip(questions, together):
        alone = planner.infer(*question)
        np.testing.assert_array_equal(answer.actions, alone.actions)
        assert answer.value == alone.value and answer.plan.chosen == alone.plan.chosen
        assert [c.values_by_depth for c in answer.plan.candidates] == [c.values_by_depth for c in alone.plan.candidates]
        assert [c.seed for c in answer.plan.candidates] == [c.seed for c in alone.plan.candidates]


def test_the_paper_makes_488_evaluations():
    result = LocalPlanner(FakeModel(0.9), FakeModel(0.9)).infer(OBSERVATION, TASK, 195)
    assert result.plan.calls == 488
    assert [candidate.members for candidate in result.plan.candidates] == [15] * 8


def test_votes_are_decided_early():
    """All fail: after the six one-evaluation and the three three-evaluation members, the dear ones are skipped."""
    result = LocalPlanner(FakeModel(), FakeModel(-9.0)).infer(OBSERVATION, TASK, 195)
    assert result.plan.calls == 8 * (10 + 9 + 3 * (1 + 1 + 3)) and result.plan.chosen == 0 and result.value == 0


def test_equal_schedules_share_batches_across_candidates_and_futures():
    policy, planning = FakeModel(0.9), FakeModel(0.9)
    LocalPlanner(policy, planning, dataclasses.replace(PAPER, max_batch=64)).infer(OBSERVATION, TASK, 195)
    assert [(stage, len(seeds), n) for stage, seeds, n in policy.runs] == [(Stage.POLICY, 8, 10)]
    world = [(len(seeds), n) for stage, seeds, n in planning.runs if stage is Stage.WORLD_MODEL]
    assert sorted(world) == [(8, 1), (8, 3), (8, 5)]
    judged = {}
    for stage, seeds, n in planning.runs:
        if stage is Stage.FUTURE_VALUE:
            judged[n] = judged.get(n, 0) + len(seeds)
    assert judged == {1: 48, 3: 24, 4: 24, 5: 24}


def test_batches_are_powers_of_two_so_that_few_shapes_occur():
    assert batch_sizes(15, 8) == [8, 4, 2, 1] and batch_sizes(24, 8) == [8, 8, 8] and batch_sizes(5, 6) == [4, 1]


def test_candidates_and_members_draw_their_own_noise():
    policy, planning = FakeModel(0.9), FakeModel(0.9)
    LocalPlanner(policy, planning).infer(OBSERVATION, TASK, 195)
    assert policy.runs[0][1] == tuple(range(195, 203))
    future = {n: seeds for stage, seeds, n in planning.runs if stage is Stage.WORLD_MODEL}
    assert future == {n: tuple(range(195 + i, 203 + i)) for i, n in enumerate((1, 3, 5))}


@pytest.mark.parametrize('seed', [-1, 2 ** 32 - 8])
def test_a_seed_without_room_for_all_members_is_refused(seed):
    with pytest.raises(PolicyError, match='choose one'):
        LocalPlanner(FakeModel()).infer(OBSERVATION, TASK, seed)


def test_only_the_winner_is_decoded_and_its_futures_are_averaged():
    policy, planning = FakeModel(0.9), FakeModel(0.9)
    planner = LocalPlanner(policy, planning)
    result = planner.infer(OBSERVATION, TASK, 195, futures=True)
    shown = [bool(candidate.futures_by_depth) for candidate in result.plan.candidates]
    assert shown == [index == result.plan.chosen for index in range(8)]
    scene, seed = policy.observe(OBSERVATION), 195 + result.plan.chosen
    action = policy.sample(Stage.POLICY, scene.clean, TASK, [seed], 10)
    futures = [planning.sample(Stage.WORLD_MODEL, action, TASK, [seed + i], steps) for i, steps in enumerate((1, 3, 5))]
    for name in policy.config.layout.cameras:
        decoded = np.stack([policy.future_images(future, scene)[0][name] for future in futures]).astype(float)
        np.testing.assert_array_equal(result.future_images[name], np.round(decoded.mean(0)).astype(np.uint8))
    assert planner.infer(OBSERVATION, TASK, 195).future_images is None


def test_the_last_future_alone_is_shown_when_asked():
    policy, planning = FakeModel(0.9), FakeModel(0.9)
    settings = dataclasses.replace(PAPER, picture_aggregation='last', candidates=1)
    result = LocalPlanner(policy, planning, settings).infer(OBSERVATION, TASK, 195, futures=True)
    scene = policy.observe(OBSERVATION)
    action = policy.sample(Stage.POLICY, scene.clean, TASK, [195], 10)
    last = planning.sample(Stage.WORLD_MODEL, action, TASK, [197], 5)
    for name, picture in policy.future_images(last, scene)[0].items():
        np.testing.assert_array_equal(result.future_images[name], picture)


def test_pictures_do_not_depend_on_votes_decided_early():
    """A hopeless winner's skipped futures are made before its pictures are."""
    settings = dataclasses.replace(PAPER, candidates=2, value_steps=1, value_ensemble=9, future_ensemble=2)
    hopeless = LocalPlanner(FakeModel(), FakeModel(-9.0), settings).infer(OBSERVATION, TASK, 195, futures=True)
    hopeful = LocalPlanner(FakeModel(), FakeModel(9.0), settings).infer(OBSERVATION, TASK, 195, every_candidate=True)
    for name, picture in hopeful.plan.candidates[0].futures_by_depth[0].items():
        np.testing.assert_array_equal(hopeless.future_images[name], picture)


@pytest.mark.parametrize('name, nodes', [('paper', 1), ('depth 3', 3), ('branches by average', 4), ('joint', 1)])
def test_every_candidate_comes_with_pictures_of_each_chunk_on_request(name, nodes):
    planner = LocalPlanner(FakeModel(0.9), FakeModel(0.9), SETTINGS[name])
    result = planner.infer(OBSERVATION, TASK, 1, every_candidate=True)
    assert [len(candidate.futures_by_depth) for candidate in result.plan.candidates] == \
        [nodes] * SETTINGS[name].candidates


def test_model_free_planning_has_no_pictures():
    result = LocalPlanner(FakeModel(), None, SETTINGS['model free']).infer(OBSERVATION, TASK, 1, futures=True)
    assert result.future_images is None


def test_a_planning_model_of_another_robot_is_refused():
    with pytest.raises(PolicyError, match='robot is other, the policy\'s fake'):
        LocalPlanner(FakeModel(), FakeModel(robot='other'))


def test_a_full_accelerator_is_a_named_error():
    class FullModel(FakeModel):
        def sample(self, *_):
            raise torch.OutOfMemoryError('CUDA out of memory')

    with pytest.raises(PolicyError, match='lower max_batch'):
        LocalPlanner(FullModel()).infer(OBSERVATION, TASK, 1)
