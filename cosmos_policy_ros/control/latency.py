"""How long an inference is expected to take."""
import math
from collections import deque


class LatencyTracker:
    """A quantile of the latest inference latencies.

    Args:
        guess: s, the answer before anything was measured. quantile: 0 to 1. window: number of latencies kept.
    """

    def __init__(self, guess=0.4, quantile=0.9, window=20):
        if not (math.isfinite(guess) and guess >= 0):
            raise ValueError(f'expected latency {guess}: expected a number of seconds, 0 or more')
        if not 0 <= quantile <= 1:
            raise ValueError(f'latency quantile {quantile}: expected 0 to 1')
        self._guess, self._quantile = guess, quantile
        self._recent = deque(maxlen=window)

    def observe(self, seconds):
        """Take one latency (s) into account."""
        self._recent.append(max(0.0, seconds))

    def seconds(self):
        """Expected latency in s: the smallest measured one that covers ``quantile`` of the latest."""
        if not self._recent:
            return self._guess
        rank = math.ceil(self._quantile * len(self._recent)) - 1
        return sorted(self._recent)[max(0, rank)]

    def rows(self, period):
        """Expected latency in whole rows of ``period`` s, rounded up."""
        return math.ceil(self.seconds() / period - 1e-9)
