"""The published figures of Cosmos Policy on the real ALOHA, and whether a session's scores lie in the bands around them.

The paper's average score over its four tasks (fold shirt, candies in bowl, candy in bag, eggplant or chicken wing on
plate) is 93.6 of 100 in direct mode; planning adds 12.5 points on the two hard ones, the candies. The bands are this
project's goal: direct within 3 points of 93.6, planning at least 8 points over direct.
"""
from enum import Enum

import numpy as np

DIRECT_SCORE, DIRECT_MARGIN, PLANNING_GAIN = 93.6, 3.0, 8.0
SOURCE = 'Cosmos Policy paper, real ALOHA, 2B checkpoints, average score in points of 100'
Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


class Verdict(Enum):
    """What the 95 % interval says of a band."""

    INSIDE = 'inside'      # all of it lies in the band
    OUTSIDE = 'outside'    # none of it does
    UNTOLD = 'too few rollouts to tell'


def score_interval(scores):
    """(low, high) of the mean of (n,) scores in 0..1, at 95 %; (0, 1) for none.

    Wilson's formula with the mean score as the rate: a score between 0 and 1 varies at most as much as successes and
    failures with the same mean, so the interval is, if anything, too wide.
    """
    n = len(scores)
    if not n:
        return 0.0, 1.0
    mean = float(np.mean(scores))
    centre = (mean + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * np.sqrt(mean * (1 - mean) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def gain_interval(first, second):
    """(low, high) of the difference of two mean scores at 95 %: Newcombe 1998, method 10, from two ``score_interval``s.

    It takes the two as independent. Scores of the same starts go together, if anything, which makes it too wide.
    """
    (low, high), (least, most) = score_interval(first), score_interval(second)
    if not len(first) or not len(second):
        return -1.0, 1.0
    a, b = float(np.mean(first)), float(np.mean(second))
    return b - a - float(np.hypot(b - least, high - a)), b - a + float(np.hypot(most - b, a - low))


def direct_verdict(scores):
    """``Verdict`` on scores of direct rollouts, 0..1."""
    return _verdict(score_interval(scores), (DIRECT_SCORE - DIRECT_MARGIN) / 100, (DIRECT_SCORE + DIRECT_MARGIN) / 100)


def planning_verdict(direct, planned):
    """``Verdict`` on scores of both on the hard tasks, 0..1."""
    return _verdict(gain_interval(direct, planned), PLANNING_GAIN / 100, np.inf)


def _verdict(interval, low, high):
    if low <= interval[0] and interval[1] <= high:
        return Verdict.INSIDE
    return Verdict.OUTSIDE if interval[1] < low or high < interval[0] else Verdict.UNTOLD
