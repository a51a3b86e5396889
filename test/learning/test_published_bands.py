"""Intervals of scores, and what they allow to be said about the published bands."""
import numpy as np
import pytest

from cosmos_policy_ros.learning.published_bands import (Verdict, direct_verdict, gain_interval, planning_verdict,
                                                        score_interval)
from cosmos_policy_ros.learning.statistics import wilson


@pytest.mark.parametrize('successes, count', [(81, 263), (15, 148), (0, 20), (1, 29), (20, 20)])
def test_scores_of_zero_and_one_have_wilson_s_interval(successes, count):
    scores = np.arange(count) < successes
    assert score_interval(scores) == pytest.approx(wilson(successes, count), abs=1e-12)


def test_the_interval_of_partial_scores_covers_the_mean():
    """Scores of which half are 1 and the others uniform: at least 95 of 100 intervals hold their mean of 0.75."""
    rng = np.random.default_rng(0)
    held = [low <= 0.75 <= high for low, high in (
        score_interval(np.where(rng.random(30) < 0.5, 1.0, rng.random(30))) for _ in range(2000))]
    assert np.mean(held) >= 0.95


def test_difference_against_newcombe_s_example():
    """Newcombe 1998, table II, method 10: 56/70 against 48/80 gives 0.0524 to 0.3339."""
    assert gain_interval(np.arange(80) < 48, np.arange(70) < 56) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize('mean, count, verdict', [
    (0.936, 1000, Verdict.INSIDE), (0.936, 50, Verdict.UNTOLD), (0.7, 50, Verdict.OUTSIDE),
    (0.999, 1000, Verdict.OUTSIDE), (1.0, 1, Verdict.UNTOLD), (0.0, 0, Verdict.UNTOLD)])
def test_direct_is_judged_by_its_whole_interval(mean, count, verdict):
    assert direct_verdict(np.full(count, mean)) is verdict


@pytest.mark.parametrize('first, second, count, verdict', [
    (0.6, 0.8, 400, Verdict.INSIDE), (0.6, 0.72, 50, Verdict.UNTOLD), (0.6, 0.6, 400, Verdict.OUTSIDE),
    (1.0, 1.0, 2, Verdict.UNTOLD), (0.5, 0.5, 0, Verdict.UNTOLD)])
def test_planning_has_to_gain_at_least_the_band(first, second, count, verdict):
    assert planning_verdict(np.full(count, first), np.full(count, second)) is verdict
