"""How long a network run will take, from those that were made."""
from collections import deque

RECENT = 8
"""Runs that the present load is judged by: about one wave of a plan."""


class Pace:
    """Seconds of a run by its number of evaluations and its batch size.

    Each shape is remembered at its fastest; how much slower than that the worst of the last ``RECENT`` runs was, in any
    shape, scales every expectation. So one slow moment is forgotten, also by shapes that were not run again.
    """

    def __init__(self):
        self._fastest = {}
        self._slowdowns = deque(maxlen=RECENT)

    def record(self, evaluations, size, seconds):
        shape = evaluations, size
        self._fastest[shape] = min(seconds, self._fastest.get(shape, seconds))
        if self._fastest[shape] > 0:
            self._slowdowns.append(seconds / self._fastest[shape])

    def expect(self, evaluations, size):
        """s; a shape never run is scaled from the least efficient known one, and 0 while nothing is known."""
        seconds = self._fastest.get((evaluations, size))
        if seconds is None:
            worst = max((known / (n * batch) for (n, batch), known in self._fastest.items()), default=0.0)
            seconds = worst * evaluations * size
        return seconds * max(self._slowdowns, default=1.0)
