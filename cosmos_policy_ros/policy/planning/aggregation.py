"""Many predicted values of one candidate as one number."""
from enum import Enum

import numpy as np


class Aggregation(Enum):
    """Scheme for an ensemble's values v in 0..1; the wire values are the published names.

    AVERAGE: mean. LOWER_BOUND: mean minus one standard deviation (n-1; a single value counts as certain, where upstream
    answers NaN). SUCCESS_VOTE: share of members above the threshold. MAJORITY_MEAN: mean of the members above the
    threshold if at least half of them are above it, else 0.
    """

    AVERAGE = 'average'
    LOWER_BOUND = 'lcb'
    SUCCESS_VOTE = 'success_vote'
    MAJORITY_MEAN = 'majority_mean'


def spread(values):
    """Standard deviation of an ensemble's values with n-1 in the denominator; 0 for a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def aggregate(values, scheme, threshold):
    """One number in 0..1 for the values (n,) of one candidate, n at least 1. Formulas: upstream, cosmos_utils."""
    values = np.asarray(values, np.float64)
    success = values > threshold
    if scheme is Aggregation.AVERAGE:
        result = values.mean()
    elif scheme is Aggregation.LOWER_BOUND:
        result = values.mean() - spread(values)
    elif scheme is Aggregation.SUCCESS_VOTE:
        result = success.mean()
    else:
        result = values[success].mean() if 2 * success.sum() >= len(values) else 0.0
    return float(np.clip(result, 0, 1))


def is_settled(values, members, scheme, threshold):
    """Whether the values so far fix what all ``members`` will aggregate to: a majority that already failed is 0."""
    return scheme is Aggregation.MAJORITY_MEAN and 2 * sum(value <= threshold for value in values) > members
