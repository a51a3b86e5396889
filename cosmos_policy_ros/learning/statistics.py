"""Intervals of success rates and of paired differences."""
import numpy as np
from scipy import stats


def wilson(successes, count):
    """(low, high) of the 95 % Wilson score interval for ``successes`` out of ``count``; (0, 1) for no trials."""
    if count == 0:
        return 0.0, 1.0
    low, high = stats.binomtest(successes, count).proportion_ci(0.95, 'wilson')
    return float(low), float(high)


def paired_difference(first, second):
    """How much more often ``second`` succeeded than ``first`` on the same seeds.

    Args:
        first, second: (n,) bool, seed by seed.

    Returns:
        (difference, (low, high), p): difference of the rates, its 95 % interval by paired bootstrap (percentile, 9999
        draws, fixed seed), and the two-sided p of McNemar's exact test on the discordant pairs.
    """
    gained = np.asarray(second, float) - np.asarray(first, float)
    better, worse = int((gained > 0).sum()), int((gained < 0).sum())
    if not better + worse:
        return 0.0, (0.0, 0.0), 1.0
    low, high = stats.bootstrap((gained,), np.mean, method='percentile', random_state=0).confidence_interval
    return float(gained.mean()), (float(low), float(high)), float(stats.binomtest(better, better + worse).pvalue)


def area_under_curve(scores, success):
    """Chance that a success has the higher score than a failure, ties half (Mann-Whitney); NaN for one kind alone."""
    scores, success = np.asarray(scores), np.asarray(success, bool)
    pairs = int(success.sum()) * int((~success).sum())
    return float(stats.mannwhitneyu(scores[success], scores[~success]).statistic / pairs) if pairs else float('nan')


def rank_correlation(one, other):
    """Spearman's rho."""
    return float(stats.spearmanr(one, other).statistic)
