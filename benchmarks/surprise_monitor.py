"""The surprise monitor in simulated episodes: how many disturbances it notices, how often it is wrong, what answering helps.

    python benchmarks/surprise_monitor.py                                   # hours on two cores; goes on where it was ended
    python benchmarks/surprise_monitor.py --learn 20 --normal 10 --disturbed 10 --answer replan

Episodes in lock-step, as `cosmos-policy-ros evaluate` runs them. --learn undisturbed ones tell what is normal: the share
--quantile of them stays below the limit from begin to end. --normal other undisturbed ones count false alarms. In --disturbed
ones an object is moved, a camera covered or an arm pushed, in turn, 1 to 4 s after the first row; an alarm within 3 s of it is a
detection, one before it a false alarm. With --answer the disturbed episodes that alarmed run again, and the answer is given; the
others would be the same. Every episode is a line of --out, and none is run twice. --thresholds writes what was learnt.
"""
import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cosmos_policy_ros.bringup.share import config_file, default_checkpoint
from cosmos_policy_ros.control.surprise import LASTING, Response, learn
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.learning.evaluation import EvaluationSettings
from cosmos_policy_ros.learning.statistics import wilson
from cosmos_policy_ros.learning.watched import WatchedEvaluator
from cosmos_policy_ros.sim.disturbances import Disturbance, Kind

SEEDS = {'learn': 3000, 'normal': 5000, 'disturbed': 6000}
HAPPENS = (1.0, 4.0)
"""s after the first row, between which an incident may begin."""

IN_TIME = 3.0
"""s after it in which an alarm is a detection."""


def run(evaluator, part, seed):
    """One episode as a JSON-ready object."""
    disturbance, at = None, 0.0
    if part.startswith('disturbed'):
        disturbance = Disturbance(list(Kind)[seed % len(Kind)], seed, CAMERAS)
        at = float(np.random.default_rng(seed).uniform(*HAPPENS))
    result = evaluator.run(seed, disturbance, at)
    return {'part': part, 'seed': seed, 'kind': disturbance.kind.value if disturbance else None, 'happened': result.happened,
            'success': result.episode.success, 'outcome': result.episode.outcome, 'causes': result.episode.causes,
            'alarms': result.alarms,
            'looks': [(at, {f'{signal}/{phase}': value for (signal, phase), value in look.items()}) for at, look in result.looks]}


def looks(record):
    """What ``departures`` returned, look by look."""
    return [{(key.split('/')[0], int(key.split('/')[1])): value for key, value in look.items()} for _, look in record['looks']]


def alarms(record, thresholds):
    """[(s, signal)] of every look that would have alarmed."""
    levels = [thresholds.level(look) for look in looks(record)]
    return [(record['looks'][i][0], levels[i][1]) for i in range(LASTING - 1, len(levels))
            if min(level for level, _ in levels[i - LASTING + 1:i + 1]) >= 1]


class Episodes:
    """The episodes of a file; what is not there yet is run and added."""

    def __init__(self, path, settings):
        self._path, self._settings = path, settings
        lines = path.read_text().splitlines() if path.exists() else []
        self._records = {(record['part'], record['seed']): record for record in map(json.loads, lines)}

    def get(self, part, seeds, thresholds=None, response=Response.TELL):
        """Records of the seeds, in order."""
        evaluator, missing = None, [seed for seed in seeds if (part, seed) not in self._records]
        for number, seed in enumerate(missing):
            evaluator = evaluator or WatchedEvaluator(self._settings, thresholds, response)
            self._records[part, seed] = record = run(evaluator, part, seed)
            with open(self._path, 'a') as file:
                file.write(json.dumps(record) + '\n')
            print(f'{part} {seed}: {record["outcome"]} ({number + 1}/{len(missing)})', file=sys.stderr, flush=True)
        if evaluator:
            evaluator.close()
        return [self._records[part, seed] for seed in seeds]


def share(count, of):
    """'3/10 (11-60 %)' with the 95 % interval."""
    low, high = wilson(count, of)
    return f'{count}/{of} ({100 * low:.0f}-{100 * high:.0f} %)'


def judged(records, thresholds):
    """(detected, delays, false alarms, signals) of disturbed episodes; false alarms are those before the incident."""
    detected, delays, early, signals = 0, [], 0, Counter()
    for record in records:
        found = alarms(record, thresholds)
        early += any(at < record['happened'] for at, _ in found)
        after = [(at - record['happened'], signal) for at, signal in found if 0 <= at - record['happened'] <= IN_TIME]
        if after:
            detected, delays = detected + 1, [*delays, after[0][0]]
            signals[after[0][1]] += 1
    return detected, delays, early, signals


def report(normal, disturbed, answered, thresholds, answer):
    """Print the table."""
    wrong = sum(bool(alarms(record, thresholds)) for record in normal)
    print(f'normal: false alarms in {share(wrong, len(normal))} of the episodes, '
          f'{share(sum(record["success"] for record in normal), len(normal))} succeeded')
    print('| disturbance | detected within 3 s | median delay | told by | alarm before it | success, told only | '
          f'success, {answer} |\n|---|---|---|---|---|---|---|')
    for kind in (*Kind, None):
        chosen = [record for record in disturbed if record['happened'] is not None and kind in (None, Kind(record['kind']))]
        if not chosen:
            continue
        detected, delays, early, signals = judged(chosen, thresholds)
        told = ', '.join(f'{signal} {count}' for signal, count in signals.most_common(3))
        again = [answered.get(record['seed'], record) for record in chosen]
        print(f'| {kind.value if kind else "all"} | {share(detected, len(chosen))} | '
              + (f'{np.median(delays):.1f} s' if delays else '-') + f' | {told or "-"} | {early} | '
              f'{share(sum(record["success"] for record in chosen), len(chosen))} | '
              + (share(sum(record['success'] for record in again), len(again)) if answer else '-') + ' |')
    saved = [seed for seed, record in answered.items() if record['success']]
    before = {record['seed']: record['success'] for record in disturbed}
    if answer:
        print(f'{answer}: {sum(not before[seed] for seed in saved)} episodes saved, '
              f'{sum(before[seed] for seed in answered if seed not in saved)} lost, of {len(answered)} that alarmed')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--task', default='plate')
    parser.add_argument('--learn', type=int, default=40)
    parser.add_argument('--normal', type=int, default=100)
    parser.add_argument('--disturbed', type=int, default=100)
    parser.add_argument('--limit', type=float, default=20.0, help='s that an episode may take')
    parser.add_argument('--denoising-steps', type=int, default=5)
    parser.add_argument('--quantile', type=float, default=0.95)
    parser.add_argument('--answer', default='', choices=[response.value for response in (Response.SLOW, Response.REPLAN, Response.HOLD)])
    parser.add_argument('--out', type=Path, default=Path('surprise_episodes.jsonl'))
    parser.add_argument('--thresholds', type=Path, help='JSON file to write')
    options = parser.parse_args()
    settings = EvaluationSettings(checkpoint=str(default_checkpoint()), task=options.task, safety=str(config_file('safety.yaml')),
                                  limit=options.limit, denoising_steps=options.denoising_steps, width=320, height=240)
    episodes = Episodes(options.out, settings)
    parts = {part: range(SEEDS[part], SEEDS[part] + getattr(options, part)) for part in SEEDS}
    learnt = episodes.get('learn', parts['learn'])
    source = {'command': ' '.join(['python benchmarks/surprise_monitor.py', *sys.argv[1:]]), 'settings': {**asdict(settings), 'checkpoint': 'tiny_aloha', 'safety': ''}}
    thresholds = learn([looks(record) for record in learnt], options.quantile, source)
    if options.thresholds:
        thresholds.save(options.thresholds)
    normal, disturbed = (episodes.get(part, parts[part]) for part in ('normal', 'disturbed'))
    answered = {}
    if options.answer:
        alarmed = [record['seed'] for record in disturbed if alarms(record, thresholds)]
        part = f'disturbed, {options.answer}'
        answered = dict(zip(alarmed, episodes.get(part, alarmed, thresholds, Response(options.answer))))
    report(normal, disturbed, answered, thresholds, options.answer)


if __name__ == '__main__':
    main()
