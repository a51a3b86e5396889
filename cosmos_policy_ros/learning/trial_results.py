"""What an evaluation session found: rates, scores and gains by task, latency by stage, and the published bands."""
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from . import published_bands as published
from .study import rows

ALL = 'all tasks'


@dataclass(frozen=True)
class Comparison:
    """Which policies are compared with the published figures. ``hard``: tasks on which planning has to gain."""

    direct: str = ''
    planning: str = ''
    hard: tuple = ()


def read_comparison(description, plan):
    """The ``Comparison`` of a session's entry 'published', or of None.

    Raises:
        ValueError: it names a policy or a task that the ``TrialPlan`` does not have.
    """
    given = description or {}
    if not isinstance(given, dict) or set(given) - {'direct', 'planning', 'hard'}:
        raise ValueError(f'published: expected direct, planning and hard, got {given!r}')
    comparison = Comparison(given.get('direct', ''), given.get('planning', ''), tuple(given.get('hard', ())))
    for name, known in ((comparison.direct, plan.policies), (comparison.planning, plan.policies),
                        *((task, plan.tasks) for task in comparison.hard)):
        if name and name not in known:
            raise ValueError(f'published: {name!r} is none of {", ".join(sorted(known))}')
    if comparison.planning and not (comparison.direct and comparison.hard):
        raise ValueError('published: planning is compared with direct on hard tasks; name all three')
    return comparison


def outcomes(plan, results):
    """{task: {policy: [{'seed', 'success', 'score', ...}]}} of the trials that have ended; several tasks also as ``ALL``.

    In the order of the plan, whatever order they ended in.

    Args:
        plan: ``TrialPlan``. results: {number: result}, as ``TrialLog`` has them.
    """
    found = defaultdict(lambda: defaultdict(list))
    tasks = plan.tasks
    for policy in plan.policies:
        for trial in plan.trials():
            if trial.policy == policy and trial.number in results:
                entry = results[trial.number] | {'seed': (trial.task, trial.start)}
                for task in (trial.task, ALL) if len(tasks) > 1 else (trial.task,):
                    found[task][policy].append(entry)
    return {task: dict(found[task]) for task in [*tasks, ALL] if task in found}


def success_tables(plan, results):
    """{task: [row under ``study.HEADS``]}; no wall time is in it, so the same outcomes give the same table."""
    return {task: rows(by_policy) for task, by_policy in outcomes(plan, results).items()}


def latencies(plan, results):
    """{policy: {stage: (n,) s}} of all chunks."""
    found = {policy: defaultdict(list) for policy in plan.policies}
    for trial in plan.trials():
        for chunk in results.get(trial.number, {}).get('inference', ()):
            for stage, seconds in chunk.items():
                found[trial.policy][stage].append(seconds)
    return {policy: {stage: np.array(seconds) for stage, seconds in stages.items()}
            for policy, stages in found.items() if stages}


def published_lines(comparison, plan, results):
    """Sentences that compare with the published figures; none unless the session names what to compare."""
    scores = {(task, policy): [entry['score'] for entry in entries]
              for task, by_policy in outcomes(plan, results).items() for policy, entries in by_policy.items()}

    def of(policy, tasks):
        return [score for task in tasks for score in scores.get((task, policy), ())]

    found = []
    if comparison.direct:
        own = of(comparison.direct, plan.tasks)
        low, high = published.score_interval(own)
        found.append(f'{comparison.direct}: mean score of {len(own)} rollouts between {100 * low:.1f} and '
                     f'{100 * high:.1f} (95 %); published {published.DIRECT_SCORE}, band '
                     f'+-{published.DIRECT_MARGIN:g}: {published.direct_verdict(own).value}')
    if comparison.planning:
        direct, planned = of(comparison.direct, comparison.hard), of(comparison.planning, comparison.hard)
        low, high = published.gain_interval(direct, planned)
        found.append(f'{comparison.planning} over {comparison.direct} on {", ".join(comparison.hard)}: between '
                     f'{100 * low:+.1f} and {100 * high:+.1f} points (95 %, {len(planned)} and {len(direct)} rollouts); '
                     f'band at least {published.PLANNING_GAIN:g}: {published.planning_verdict(direct, planned).value}')
    return found
