"""Playing a chunk slower than it was meant: the same way, later."""
import numpy as np

STEPS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the trained speed that operators are offered."""


def next_speed(share, faster):
    """The next of ``STEPS`` above or below ``share`` (None: unknown, taken for the trained speed); the last one again at an end."""
    share = 1.0 if share is None else share
    beyond = [step for step in STEPS if (step > share if faster else step < share)]
    return (min(beyond) if faster else max(beyond)) if beyond else STEPS[-1 if faster else 0]


def slowed(rows, share):
    """(n, 14): row k is where ``rows`` (n, 14) are at k * share, so that only that share of their way is in it.

    With a share of 1 these are the same numbers.

    Raises:
        ValueError: a share that is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f'speed {share}: expected a share above 0, at most 1')
    at = share * np.arange(len(rows))
    before = np.floor(at).astype(int)
    part = (at - before)[:, None]
    after = np.minimum(before + 1, len(rows) - 1)
    return (1 - part) * rows[before] + part * rows[after]
