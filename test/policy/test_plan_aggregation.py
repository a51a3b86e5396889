"""Ensemble aggregation matches the published golden values, and an early verdict is never wrong."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_policy_ros.policy.planning.aggregation import Aggregation, aggregate, is_settled, spread


@pytest.mark.parametrize('values, expected', [
    ((.9, .8, .04, .02, .7), {'average': .4920, 'lcb': .0643, 'success_vote': .6, 'majority_mean': .8}),
    ((.9, .8, .04, .02), {'average': .44, 'lcb': 0, 'success_vote': .5, 'majority_mean': .85})])
def test_golden_values(values, expected):
    for scheme in Aggregation:
        assert aggregate(values, scheme, 0.05) == pytest.approx(expected[scheme.value], abs=5e-5)


@pytest.mark.parametrize('scheme, expected', [('average', .3), ('lcb', .3), ('success_vote', 1), ('majority_mean', .3)])
def test_a_single_value_counts_as_certain(scheme, expected):
    assert aggregate([.3], Aggregation(scheme), 0.05) == expected
    assert spread([.3]) == 0


def test_a_value_at_the_threshold_is_a_failure():
    assert aggregate([.05, .05, .9], Aggregation.MAJORITY_MEAN, 0.05) == 0


values_and_cut = st.lists(st.sampled_from([0.0, 0.04, 0.05, 0.06, 0.5, 1.0]), min_size=1, max_size=15).flatmap(
    lambda values: st.tuples(st.just(values), st.integers(0, len(values))))


@given(values_and_cut)
def test_a_settled_vote_is_what_all_members_give(case):
    values, seen = case
    if is_settled(values[:seen], len(values), Aggregation.MAJORITY_MEAN, 0.05):
        assert aggregate(values, Aggregation.MAJORITY_MEAN, 0.05) == 0
        assert aggregate(values[:seen], Aggregation.MAJORITY_MEAN, 0.05) == 0


def test_eight_failures_of_fifteen_settle_a_majority_and_nothing_else():
    assert is_settled([0.0] * 8, 15, Aggregation.MAJORITY_MEAN, 0.05)
    assert not is_settled([0.0] * 7, 15, Aggregation.MAJORITY_MEAN, 0.05)
    assert not is_settled([0.0] * 7, 14, Aggregation.MAJORITY_MEAN, 0.05)
    assert not any(is_settled([0.0] * 15, 15, scheme, 0.05) for scheme in Aggregation
                   if scheme is not Aggregation.MAJORITY_MEAN)
