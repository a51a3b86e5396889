"""What is said to limit planning is computed from what was played."""
from types import SimpleNamespace

import numpy as np
import pytest

from cosmos_policy_ros.learning.planning_quality import Judgement, calibration, limits


def played(scores):
    return [SimpleNamespace(score=score, success=score == 1.0, action=np.full((51, 14), 0.01 * number))
            for number, score in enumerate(scores)]


def judged(imagined, real):
    count = len(imagined)
    return Judgement(np.array(imagined), np.array(real), np.zeros(count), np.full(count, 8.0), np.full(count, 20.0),
                     np.full(count, 0.02))


def test_gains_are_those_of_the_chosen_candidate_over_the_first():
    episodes = played([0.2, 0.6, 0.4, 0.5, 1.0, 0.3])
    found = limits(judged([0.1, 0.2, 0.3, 0.3, 0.1, 0.2], [0.1, 0.3, 0.2, 0.5, 0.9, 0.1]), episodes, candidates=3)
    assert found['states'] == 2 and found['oracle_gain'] == pytest.approx((0.4 + 0.5) / 2)
    assert found['imagined_gain'] == pytest.approx((0.2 + 0.0) / 2) and found['real_gain'] == pytest.approx((0.4 + 0.5) / 2)
    assert found['spread_rad'] == pytest.approx(np.std([0.0, 0.01, 0.02])) and found['auc'] == pytest.approx(0.1)
    assert (found['grey'], found['still'], found['proprio_rad']) == (8.0, 20.0, 0.02)


def test_calibration_is_the_mean_of_what_came_by_bin():
    bins = calibration([0.05, 0.09, 0.95, 1.0], [0.0, 0.2, 0.5, 1.0])
    assert [count for *_, count in bins] == [2, 2]
    assert bins[0][:2] == pytest.approx((0.07, 0.1)) and bins[1][:2] == pytest.approx((0.975, 0.75))
