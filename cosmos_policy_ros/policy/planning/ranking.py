"""Which candidate is executed: the same rule for one process and for many machines."""
import math
from dataclasses import dataclass, replace

from ..inference import Candidate, Inference, PlanReport
from .aggregation import aggregate, spread
from .settings import DepthAggregation
from .waves import ROOT


@dataclass(frozen=True)
class Evidence:
    """What one process found out about one candidate.

    index, seed: the candidate. actions: ``Node`` -> (rows, action dim) float64. values: ``Member`` -> 0..1.
    joint_value: 0..1, of the sample that carries the first actions. waves: the completed ones, tuples of members, which
    a settled candidate may have skipped; everybody's are prefixes of the same sequence.
    """

    index: int
    seed: int
    actions: dict
    values: dict
    joint_value: float
    waves: tuple


@dataclass(frozen=True)
class Ranking:
    """candidates: ``Candidate``s by index, without pictures. chosen: one of them. value: of the chosen one; after a
    fallback, of the sample that carries its actions. depth, fallback: as in ``PlanReport``.
    """

    candidates: tuple
    chosen: Candidate
    value: float
    depth: int
    fallback: bool


def rank(evidence, settings):
    """The ``Ranking`` of one or more ``Evidence``s; the largest value wins, the lowest index among equals.

    Only members that were evaluated for every ranked candidate count. When processes got unequally far, those many
    waves count that make the most comparisons (waves times candidates that completed them).
    """
    evidence = sorted(evidence, key=lambda item: item.index)
    lengths = [len(item.waves) for item in evidence]
    common = max(sorted(set(lengths)), key=lambda count: count * sum(length >= count for length in lengths))
    members = {member for wave in max((item.waves for item in evidence), key=len)[:common] for member in wave}
    candidates = tuple(_candidate(item, members if length >= common else (), settings)
                       for item, length in zip(evidence, lengths))
    ranked = [candidate for candidate in candidates if candidate.members]
    if not ranked:
        return Ranking(candidates, candidates[0], evidence[0].joint_value, 0, True)
    chosen = max(ranked, key=lambda candidate: candidate.value)
    return Ranking(candidates, chosen, chosen.value, max(member.node.depth for member in members), False)


def _candidate(item, members, settings):
    by_node = {}
    for member in sorted(set(item.values) & set(members)):
        by_node.setdefault(member.node, []).append(item.values[member])
    # A single call is no ensemble: its value stands, also below the threshold of a vote.
    values = tuple(aggregate(own, settings.value_aggregation, settings.threshold) if settings.value_ensemble else own[0]
                   for own in by_node.values())
    actions = tuple(item.actions[node] for node in sorted({ROOT, *by_node}))
    if not values:
        return Candidate(item.index, item.seed, actions, math.nan)
    score = values[-1] if settings.depth_aggregation is DepthAggregation.LAST else sum(values) / len(values)
    return Candidate(item.index, item.seed, actions, score, values, spread=spread([*by_node.values()][-1]),
                     members=sum(map(len, by_node.values())))


def answer(ranking, pictures, calls, elapsed, budget=None, workers_lost=0, latencies=None):
    """The ``Inference`` for a ranking.

    Args:
        pictures: candidate index -> tuple by depth of camera dictionaries, for those that were decoded.
        calls: network evaluations made. elapsed, budget: s; no budget is always met.
    """
    candidates = tuple(replace(candidate, futures_by_depth=tuple(pictures.get(candidate.index, ())))
                       for candidate in ranking.candidates)
    report = PlanReport(candidates, ranking.chosen.index, ranking.depth, workers_lost,
                        budget is None or elapsed <= budget, ranking.fallback, calls, elapsed)
    members = sum(candidate.members for candidate in candidates)
    summary = ('direct chunk, nothing was ranked' if ranking.fallback else
               f'best of {sum(candidate.members > 0 for candidate in candidates)} by {members} values, depth '
               f'{ranking.depth}: candidate {ranking.chosen.index}')
    shown = pictures.get(ranking.chosen.index, ())
    return Inference(ranking.chosen.actions_by_depth[0], ranking.value, shown[0] if shown else None,
                     (latencies or {}) | {'total': elapsed}, summary, report)
