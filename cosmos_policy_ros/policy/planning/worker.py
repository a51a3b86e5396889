"""One process's part of a plan that is spread over several."""
import time
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Share:
    """What a worker found out so far. evidence: ``Evidence``s. seconds: since its part began, in its own clock."""

    evidence: list
    calls: int
    latencies: dict
    seconds: float


class PlanWorker:
    """A ``LocalPlanner`` that takes the steps of a query one at a time, so that the first actions arrive first."""

    def __init__(self, factory, settings):
        torch.set_num_threads(1)
        self._planner = factory(settings)
        self._search = None

    def warm_up(self):
        """(robot, instructions) once everything is loaded and fast."""
        self._planner.warm_up()
        return self._planner.robot, self._planner.instructions

    def echo(self, payload):
        """What it was given: measures the way there and back."""
        return payload

    def begin(self, observation, instruction, seed, indices, budget, futures, every_candidate):
        """A ``Share`` with the first actions. budget: s from now, or None; the rest as in ``LocalPlanner.begin``."""
        self._began, self._search = time.monotonic(), None
        self._search = self._planner.begin(observation, instruction, seed, indices, budget, futures, every_candidate)
        return self._share()

    def refine(self):
        """A ``Share`` with all that fitted in."""
        self._search.refine()
        return self._share()

    def pictures(self, indices, every_depth):
        """(candidate index -> pictures by depth, calls made for this query)."""
        pictures = {index: self._search.pictures(index, every_depth) for index in indices}
        return pictures, self._search.calls

    def _share(self):
        return Share(self._search.evidence(), self._search.calls, dict(self._search.latencies),
                     time.monotonic() - self._began)
