"""The rule that picks a candidate is one for all machines, fair to those that got unequally far."""
import dataclasses

import numpy as np

from cosmos_policy_ros.policy.planning.ranking import Evidence, answer, rank
from cosmos_policy_ros.policy.planning.settings import DEPTH_3, PAPER
from cosmos_policy_ros.policy.planning.waves import ROOT, Node, anytime_waves, complete_waves, nodes, parent

AVERAGE = dataclasses.replace(PAPER, value_aggregation='average')
WAVES = anytime_waves(AVERAGE)


def evidence(index, values, waves=None):
    """``values`` of the first members; ``waves`` completed, as many as values by default."""
    done = WAVES[:len(values) if waves is None else waves]
    return Evidence(index, 195 + index, {ROOT: np.full((50, 14), index)},
                    {wave[0]: value for wave, value in zip(WAVES, values)}, 0.25, done)


def test_the_first_of_equal_values_is_kept():
    assert rank([evidence(2, [.5]), evidence(0, [.5]), evidence(1, [.4])], AVERAGE).chosen.index == 0


def test_a_strictly_larger_value_replaces():
    assert rank([evidence(0, [.5]), evidence(1, [.5000001])], AVERAGE).chosen.index == 1


def test_only_members_that_all_ranked_candidates_have_count():
    ranking = rank([evidence(0, [.2, .2]), evidence(1, [.1, .1, 1.])], AVERAGE)
    assert ranking.chosen.index == 0 and [candidate.members for candidate in ranking.candidates] == [2, 2]


def test_a_worker_that_hardly_started_does_not_cost_the_others_their_support():
    ranking = rank([evidence(0, [1.]), *(evidence(i, [.1 * i] * 10) for i in (1, 2, 3))], AVERAGE)
    assert ranking.chosen.index == 3 and ranking.chosen.members == 10
    assert [candidate.members for candidate in ranking.candidates] == [0, 10, 10, 10]


def test_a_little_difference_does_not_cost_a_candidate():
    ranking = rank([evidence(0, [.9] * 9), evidence(1, [.1] * 10), evidence(2, [.2] * 10)], AVERAGE)
    assert ranking.chosen.index == 0 and ranking.chosen.members == 9


def test_a_settled_candidate_counts_as_evaluated():
    ranking = rank([evidence(0, [0.] * 8, waves=15), evidence(1, [.5] * 15)], PAPER)
    assert [candidate.value for candidate in ranking.candidates] == [0, .5] and ranking.chosen.index == 1


def test_nothing_valued_is_a_fallback_to_the_lowest_index():
    ranking = rank([evidence(4, []), evidence(2, [])], AVERAGE)
    assert ranking.fallback and ranking.chosen.index == 2 and ranking.value == .25 and ranking.depth == 0


def test_the_report_says_whether_the_deadline_was_met():
    ranking = rank([evidence(0, [.5])], AVERAGE)
    assert answer(ranking, {}, 10, 1.9, 2.0).plan.deadline_met
    assert not answer(ranking, {}, 10, 2.1, 2.0).plan.deadline_met
    assert answer(ranking, {}, 10, 99., None).plan.deadline_met


def test_both_orders_hold_every_member_once():
    for settings in (PAPER, DEPTH_3, dataclasses.replace(PAPER, depth=3)):
        complete = [member for wave in complete_waves(settings) for member in wave]
        anytime = [member for wave in anytime_waves(settings) for member in wave]
        assert sorted(complete) == sorted(anytime) and len(set(complete)) == len(complete)


def test_an_anytime_plan_starts_with_the_cheapest_members():
    settings = dataclasses.replace(PAPER, depth=1)
    steps = [settings.future_member_steps[m.future] + settings.value_member_steps[m.value]
             for (m,) in anytime_waves(settings)]
    assert steps == sorted(steps) and steps[0] == 2


def test_only_the_last_branch_goes_deeper():
    settings = dataclasses.replace(PAPER, depth=3)
    assert nodes(settings) == [ROOT, *(Node(2, b) for b in range(3)), *(Node(3, b) for b in range(3))]
    assert parent(Node(2, 1), settings) == ROOT and parent(Node(3, 0), settings) == Node(2, 2)
