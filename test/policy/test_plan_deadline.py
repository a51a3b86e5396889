"""With a budget, a plan is the best-supported one that fits, compared fairly, and there is always a chunk."""
import dataclasses
import math

import numpy as np
import pytest
from plan_fakes import OBSERVATION, TASK, FakeClock, FakeModel

from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.pace import Pace
from cosmos_policy_ros.policy.planning.planner import LocalPlanner
from cosmos_policy_ros.policy.planning.settings import DEFAULTS, DEPTH_3, PAPER

SECONDS = 0.016
"""One evaluation of one sample; the paper's plan takes 7.8 s."""


def planner(settings=PAPER, bias=0.3, decoding=0.0):
    clock = FakeClock()
    policy = FakeModel(bias, clock, SECONDS, decoding)
    result = LocalPlanner(policy, FakeModel(bias, clock, SECONDS), settings, clock)
    result.warm_up()
    return result, policy, clock


@pytest.mark.parametrize('settings', [PAPER, DEPTH_3, dataclasses.replace(DEFAULTS, candidates=8)])
@pytest.mark.parametrize('budget', [0.2, 0.35, 0.5, 1.0, 2.0, 4.0, 20.0])
def test_a_budget_that_holds_a_direct_chunk_is_kept_and_ranked_fairly(settings, budget):
    plan = planner(settings)[0].infer(OBSERVATION, TASK, 195, budget=budget).plan
    assert plan.elapsed <= budget and plan.deadline_met
    ranked = [candidate for candidate in plan.candidates if candidate.members]
    assert len({candidate.members for candidate in ranked}) <= 1
    assert plan.fallback == (not ranked)


def test_a_larger_budget_is_used():
    evaluations = [planner()[0].infer(OBSERVATION, TASK, 195, budget=budget).plan.calls
                   for budget in (0.2, 0.5, 1, 2, 4)]
    assert evaluations == sorted(set(evaluations))
    assert evaluations[3] * SECONDS > 1.6


def test_two_seconds_on_one_accelerator_rank_several_candidates_by_several_values():
    plan = planner()[0].infer(OBSERVATION, TASK, 195, budget=2.0).plan
    assert len(plan.candidates) >= 4 and min(candidate.members for candidate in plan.candidates) >= 3


def test_a_rival_is_worth_more_than_the_share_that_it_takes():
    plan = planner()[0].infer(OBSERVATION, TASK, 195, budget=0.45).plan
    assert [candidate.members > 0 for candidate in plan.candidates] == [True, True] and plan.deadline_met


def test_an_ample_budget_gives_the_complete_plan():
    anytime = planner()[0].infer(OBSERVATION, TASK, 195, budget=20.0)
    complete = planner()[0].infer(OBSERVATION, TASK, 195)
    assert anytime.plan.chosen == complete.plan.chosen and anytime.value == complete.value
    assert [c.value for c in anytime.plan.candidates] == [c.value for c in complete.plan.candidates]
    assert anytime.plan.depth == complete.plan.depth == 1


def test_a_budget_too_small_for_anything_gives_the_direct_chunk_late():
    model, policy, _ = planner()
    result = model.infer(OBSERVATION, TASK, 195, budget=0.01)
    assert result.plan.fallback and not result.plan.deadline_met and result.plan.depth == 0
    assert math.isnan(result.plan.candidates[0].value) and result.plan.chosen == 0
    latent = policy.sample(Stage.POLICY, policy.observe(OBSERVATION).clean, TASK, [195], 10)
    np.testing.assert_array_equal(result.actions, policy.actions(latent)[0])
    assert result.value == policy.values(latent)[0]


def test_a_budget_for_the_direct_chunk_alone_shows_its_own_future():
    result = planner(decoding=0.01)[0].infer(OBSERVATION, TASK, 195, budget=0.18, futures=True)
    assert result.plan.fallback and result.plan.deadline_met and result.future_images


def test_time_for_pictures_is_left():
    plan = planner(decoding=0.1)[0].infer(OBSERVATION, TASK, 195, budget=2.0, futures=True).plan
    assert plan.deadline_met and not plan.fallback


def test_a_partial_value_is_of_the_members_that_all_have():
    model = planner(dataclasses.replace(PAPER, value_aggregation='average'))[0]
    result = model.infer(OBSERVATION, TASK, 195, budget=2.0)
    for candidate in result.plan.candidates:
        assert 0 < candidate.members < 15 and 0 <= candidate.value <= 1
    assert result.value == max(candidate.value for candidate in result.plan.candidates)


def test_depth_is_the_deepest_that_all_ranked_candidates_reached():
    depths = {}
    for budget in (1.0, 3.0, 5.0, 8.0):
        plan = planner(DEPTH_3)[0].infer(OBSERVATION, TASK, 195, budget=budget).plan
        depths[budget] = plan.depth
        assert {len(candidate.values_by_depth) for candidate in plan.candidates if candidate.members} == {plan.depth}
    assert sorted(depths.values()) == list(depths.values()) and depths[1.0] == 1 and depths[8.0] == 3


def test_failed_candidates_leave_their_time_to_others():
    settings = dataclasses.replace(PAPER, candidates=2)
    hopeless = planner(settings, bias=-9.0)[0].infer(OBSERVATION, TASK, 195, budget=20.0).plan
    assert [candidate.members for candidate in hopeless.candidates] == [8, 8]
    assert [candidate.value for candidate in hopeless.candidates] == [0, 0]


def test_a_machine_that_became_slower_is_noticed():
    model, policy, clock = planner()
    policy._seconds = model._planning._seconds = 3 * SECONDS
    first = model.infer(OBSERVATION, TASK, 195, budget=2.0).plan
    assert first.deadline_met and first.calls * SECONDS < 0.7


def test_pace_scales_unknown_shapes_and_forgets_a_slow_moment():
    pace = Pace()
    assert pace.expect(10, 8) == 0
    pace.record(10, 1, 1.0)
    assert pace.expect(10, 1) == 1.0 and pace.expect(5, 2) == pytest.approx(1.0)
    pace.record(10, 1, 4.0)
    assert pace.expect(10, 1) == 4.0
    for _ in range(8):
        pace.record(5, 1, 0.5)
    assert pace.expect(10, 1) == 1.0
