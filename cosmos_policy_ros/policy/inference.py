"""The seam between whoever wants a chunk and whatever infers it: direct, planning, several GPUs, or a server."""
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Candidate:
    """One candidate of a planner.

    index: its number, which the seeds follow. seed: of its action noise. actions_by_depth: (rows, action dim) float64
    arrays, of which only the first is ever executed. values_by_depth: floats in 0..1. futures_by_depth: camera name ->
    (S, S, 3) uint8 dictionaries, empty when not decoded. value: the score it was ranked by, 0..1; NaN when no member
    was evaluated. spread: standard deviation of the members' values. members: how many values stand behind ``value``.
    """

    index: int
    seed: int
    actions_by_depth: tuple
    value: float
    values_by_depth: tuple = ()
    futures_by_depth: tuple = ()
    spread: float = 0.0
    members: int = 0


@dataclass(frozen=True)
class PlanReport:
    """What was evaluated before a chunk was chosen.

    candidates: those that survived, by index. chosen: index of the executed one. depth: deepest look-ahead that every
    ranked candidate reached; 0 when nothing was valued. workers_lost: workers that died or came too late. deadline_met:
    the answer came within its budget. fallback: nothing could be ranked, so the direct chunk was taken. calls: network
    evaluations made, each sample of a batch counted. elapsed: s.
    """

    candidates: tuple
    chosen: int
    depth: int
    workers_lost: int
    deadline_met: bool
    fallback: bool
    calls: int
    elapsed: float


@dataclass(frozen=True)
class Inference:
    """An answer to one observation.

    actions: (rows, action dim) float64, joint targets; row 0 is the command at the observation. value: 0..1, NaN when
    not predicted. future_images: camera name -> (S, S, 3) uint8, or None. latencies: s by stage. planner: one line for
    people, 'direct' without planning. plan: a ``PlanReport`` or None.
    """

    actions: np.ndarray
    value: float
    future_images: dict = None
    latencies: dict = field(default_factory=dict)
    planner: str = 'direct'
    plan: PlanReport = None


class Backend(Protocol):
    """Infers chunks, one at a time. ``robot``: the robot its actions are for. ``instructions``: known sentences.
    ``statistics``: ``DatasetStatistics`` of what the policy was trained on, None where they are not known."""

    robot: str
    instructions: tuple
    statistics: object

    def warm_up(self):
        """Make the first real call as fast as the later ones; raises ``PolicyError`` when it cannot work at all."""

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        """An ``Inference``.

        Args:
            observation: an ``Observation``. seed: of the first candidate's noise. futures: decode the imagined
            pictures of the chosen candidate. budget: s until an answer must be there, None for as long as it takes.
            every_candidate: decode every candidate's pictures and keep them in the report.

        Raises:
            PolicyError: no chunk for this observation; the backend stays usable.
        """

    def close(self):
        """End processes and connections; further calls are errors."""
