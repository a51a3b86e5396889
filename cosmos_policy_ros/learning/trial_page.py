"""The results of an evaluation session as a single HTML page that loads nothing."""
import html
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..rollouts.page import lines, page, plot, table
from ..rollouts.plots import success_figure
from ..rollouts.trial_plan import TrialPlan
from ..rollouts.whole_text import write_whole
from . import published_bands as published
from .study import HEADS
from .trial_results import Comparison, latencies, outcomes, published_lines, success_tables

PAGE = 'results.html'


@dataclass(frozen=True)
class Findings:
    """All that the page is made of.

    plan: ``TrialPlan``. results: {number: result} of its trials. comparison: ``Comparison``. policies: {name: JSON object
    of what it is}. history: how complete, undisturbed and blind the session was, in words. played: where, in words.
    """

    plan: TrialPlan
    results: dict
    comparison: Comparison
    policies: dict
    history: str
    played: str


def write_results(folder, findings):
    """Write ``results.html`` into a session's folder; returns its path."""
    name = Path(folder).resolve().name
    return write_whole(Path(folder, PAGE), page(name, _parts(name, findings)))


def history(plan, log):
    """One sentence on how complete, undisturbed and blind a session was, by its ``TrialLog``."""
    total, cut = len(plan.trials()), f'{log.cut} cut off and run again' if log.cut else 'none cut off'
    blind = 'not blinded' if not plan.blind else 'blinded to the end' if log.revealed in (None, total) else (
        f'blinding ended after {log.revealed}')
    return f'{len(log.results)} of {total} rollouts, {cut}, {blind}'


def _parts(name, findings):
    plan, results, played = findings.plan, findings.results, findings.played
    compared = published_lines(findings.comparison, plan, results)
    times = latencies(plan, results)
    return [
        f'<h1>{html.escape(name)}</h1>', f'<p>{html.escape(f"{findings.history}. {played}.")}</p>',
        *(part for task, found in success_tables(plan, results).items()
          for part in (f'<h2>{html.escape(task)}</h2>', table(_number_heads(('policy', *HEADS[1:])), found))),
        *(part for task, by_policy in outcomes(plan, results).items()
          for part in (f'<h2>Successes so far: {html.escape(task)}</h2>', plot(success_figure(
              {policy: [entry['success'] for entry in own] for policy, own in by_policy.items()}), 'successes so far'))),
        '<h2>Against the published figures</h2>' if compared else '', lines(compared),
        f'<p>{html.escape(f"{published.SOURCE}. {played}.")}</p>' if compared else '',
        '<h2>Latency of a chunk</h2>' if times else '', _latency_table(times) if times else '',
        '<h2>Policies</h2>', _policy_table(findings.policies),
    ]


def _number_heads(heads):
    return heads[0], *(f'{head}#' for head in heads[1:])


def _latency_table(times):
    return table(('policy', 'stage', 'chunks#', 'mean (ms)#', '95 % below (ms)#'), [
        (policy, stage, len(seconds), f'{1e3 * seconds.mean():.0f}', f'{1e3 * np.quantile(seconds, 0.95):.0f}')
        for policy, stages in times.items() for stage, seconds in stages.items()])


def _policy_table(policies):
    names = sorted({name for own in policies.values() for name in own})
    return table(('setting', *policies),
                 [(name, *(json.dumps(own.get(name)) for own in policies.values())) for name in names])
