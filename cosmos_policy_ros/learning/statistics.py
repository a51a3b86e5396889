"""Confidence interval of a success rate."""
import math

Z95 = 1.959964


def wilson(successes, count, z=Z95):
    """(low, high) of the Wilson score interval for ``successes`` out of ``count``; (0, 1) for no trials."""
    if count == 0:
        return 0.0, 1.0
    rate = successes / count
    centre = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return centre - half, centre + half
