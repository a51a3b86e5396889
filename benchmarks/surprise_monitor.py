"""The surprise monitor in simulated episodes: how many disturbances it notices, how often it is wrong, what answering helps.

    python benchmarks/surprise_monitor.py                                   # hours on two cores; goes on where it was ended
    python benchmarks/surprise_monitor.py --learn 20 --normal 10 --disturbed 10 --answer replan

Episodes in lock-step, as `cosmos-policy-ros evaluate` runs them. --learn undisturbed ones tell what is normal: the share
--quantile of them stays below the limit from begin to end. --normal other undisturbed ones count false alarms. In --disturbed
ones an object is moved, a camera covered or an arm pushed, in turn, 1 to 4 s after the first row; an alarm within 3 s of it is a
detection, one before it a false alarm. With --answer the disturbed episodes that alarmed run again, and the answer is given; the
others would be the same. Every episode is a file in --out, and none is run twice. --thresholds writes what was learnt.
"""
import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cosmos_policy_ros.bringup.share import config_file, default_checkpoint
from cosmos_policy_ros.control.surprise import LASTING, Comparison, Imagination, Response, learn
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.learning.evaluation import EvaluationSettings
from cosmos_policy_ros.learning.statistics import wilson
from cosmos_policy_ros.learning.watched import Watched, WatchedEvaluator
from cosmos_policy_ros.sim.incidents import Incident, Kind

SEEDS = {'learn': 3000, 'normal': 7000, 'disturbed': 8000}
"""First of each part. Those that are judged were chosen after the measure was settled; 5000 and 6000 had been looked at."""
HAPPENS = (1.0, 4.0)
"""s after the first row, between which an incident may begin."""

IN_TIME = 3.0
"""s after it in which an alarm is a detection."""


@dataclass(frozen=True)
class Recorded:
    """An episode: facts (part, seed, kind, happened, success, outcome), and what was ``Watched``."""

    facts: dict
    watched: Watched

    @cached_property
    def looks(self):
        """[(s, departures)] of every look."""
        return list(self.watched.replay(Comparison()))

    def alarms(self, thresholds):
        """[(s, signal)] of every look that alarms."""
        levels = [(at, *thresholds.level(found)) for at, found in self.looks]
        return [(levels[i][0], levels[i][2]) for i in range(LASTING - 1, len(levels))
                if min(level for _, level, _ in levels[i - LASTING + 1:i + 1]) >= 1]

    def save(self, path):
        """Write a file; pictures lose what is below a grey level."""
        looks, imaginations, rows = self.watched.looks, self.watched.imaginations, self.watched.rows
        np.savez_compressed(
            path, facts=json.dumps(self.facts), look_at=[at for at, *_ in looks], positions=[state for *_, state in looks],
            pictures=stacked([pictures for _, pictures, _ in looks]), known=[at for at, _ in imaginations],
            horizon=[found.horizon for _, found in imaginations], seen=stacked([found.seen for _, found in imaginations]),
            imagined=stacked([found.imagined for _, found in imaginations]), row_at=[at for at, _ in rows],
            rows=[row for _, row in rows])

    @classmethod
    def load(cls, path):
        """Read ``save``'s file."""
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
        looks = tuple(zip(found['look_at'], map(by_camera, found['pictures']), found['positions']))
        imaginations = tuple((at, Imagination(at, horizon, by_camera(seen), by_camera(imagined))) for at, horizon, seen, imagined
                             in zip(*(found[name] for name in ('known', 'horizon', 'seen', 'imagined'))))
        return cls(json.loads(str(found['facts'])), Watched(looks, imaginations, tuple(zip(found['row_at'], found['rows']))))


def stacked(pictures):
    """(n, cameras, GRID, GRID, 3) uint8 of dicts of ``blocks``."""
    return np.array([[found[camera] for camera in CAMERAS] for found in pictures]).round().astype(np.uint8)


def by_camera(pictures):
    """One dict of ``blocks`` again."""
    return dict(zip(CAMERAS, pictures.astype(np.float32)))


def run(evaluator, part, seed):
    """One ``Recorded`` episode."""
    incident, at = None, 0.0
    if part.startswith('disturbed'):
        incident = Incident(list(Kind)[seed % len(Kind)], seed, CAMERAS)
        at = float(np.random.default_rng(seed).uniform(*HAPPENS))
    result = evaluator.run(seed, incident, at)
    return Recorded({'part': part, 'seed': seed, 'kind': incident.kind.value if incident else None,
                     'happened': result.happened, 'success': result.episode.success, 'outcome': result.episode.outcome},
                    result.watched)


class Episodes:
    """The episodes of a folder; what is not there yet is run and added."""

    def __init__(self, folder, settings):
        self._folder, self._settings = folder, settings
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, part, seeds, thresholds=None, response=Response.TELL):
        """``Recorded`` of the seeds, in order."""
        evaluator, paths = None, {seed: self._folder / f'{part}_{seed}.npz' for seed in seeds}
        for seed, path in paths.items():
            if not path.exists():
                evaluator = evaluator or WatchedEvaluator(self._settings, thresholds, response)
                record, half = run(evaluator, part, seed), path.with_suffix('.part.npz')
                record.save(half)
                half.rename(path)
                print(f'{part} {seed}: {record.facts["outcome"]}', file=sys.stderr, flush=True)
        if evaluator:
            evaluator.close()
        return [Recorded.load(path) for path in paths.values()]


def share(count, of):
    """'3/10 (11-60 %)' with the 95 % interval."""
    low, high = (abs(round(100 * end)) for end in wilson(count, of))
    return f'{count}/{of} ({low}-{high} %)'


def judged(records, thresholds):
    """(detected, delays, false alarms, signals) of disturbed episodes; false alarms are those before the incident."""
    delays, early, signals = [], 0, Counter()
    for record in records:
        found = [(at - record.facts['happened'], signal) for at, signal in record.alarms(thresholds)]
        early += any(delay < 0 for delay, _ in found)
        after = [(delay, signal) for delay, signal in found if 0 <= delay <= IN_TIME]
        if after:
            delays.append(after[0][0])
            signals[after[0][1]] += 1
    return len(delays), delays, early, signals


def succeeded(records):
    """How many did."""
    return share(sum(record.facts['success'] for record in records), len(records))


def report(normal, disturbed, answered, thresholds, answer):
    """Print the table. ``answered``: by seed."""
    wrong = sum(bool(record.alarms(thresholds)) for record in normal)
    print(f'normal: false alarms in {share(wrong, len(normal))} of the episodes, success {succeeded(normal)}')
    print('| disturbance | detected within 3 s | median delay | told by | alarm before it | success, told only |'
          + (f' success, {answer} |' if answer else '') + '\n|---|---|---|---|---|---|' + ('---|' if answer else ''))
    happened = [record for record in disturbed if record.facts['happened'] is not None]
    for name in (*(kind.value for kind in Kind), 'all'):
        chosen = [record for record in happened if name in ('all', record.facts['kind'])]
        detected, delays, early, signals = judged(chosen, thresholds)
        told = ', '.join(f'{signal} {count}' for signal, count in signals.most_common(4))
        again = [answered.get(record.facts['seed'], record) for record in chosen]
        print(f'| {name} | {share(detected, len(chosen))} | ' + (f'{np.median(delays):.1f} s' if delays else '-')
              + f' | {told or "-"} | {early} | {succeeded(chosen)} |' + (f' {succeeded(again)} |' if answer else ''))
    if answer:
        before = {record.facts['seed']: record.facts['success'] for record in happened}
        after = {seed: record.facts['success'] for seed, record in answered.items()}
        print(f'{answer}: {sum(after[seed] > before[seed] for seed in after)} episodes saved, '
              f'{sum(after[seed] < before[seed] for seed in after)} lost, of {len(after)} that alarmed')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--task', default='plate')
    parser.add_argument('--learn', type=int, default=40)
    parser.add_argument('--normal', type=int, default=100)
    parser.add_argument('--disturbed', type=int, default=100)
    parser.add_argument('--limit', type=float, default=20.0, help='s that an episode may take')
    parser.add_argument('--denoising-steps', type=int, default=5)
    parser.add_argument('--quantile', type=float, default=0.95)
    parser.add_argument('--answer', default='', choices=['slow', 'replan', 'hold'])
    parser.add_argument('--out', type=Path, default=Path('surprise_episodes'), help='folder of the episodes')
    parser.add_argument('--thresholds', type=Path, help='JSON file to write')
    options = parser.parse_args()
    settings = EvaluationSettings(checkpoint=str(default_checkpoint()), task=options.task, safety=str(config_file('safety.yaml')),
                                  limit=options.limit, denoising_steps=options.denoising_steps, width=320, height=240)
    episodes = Episodes(options.out, settings)
    parts = {part: range(SEEDS[part], SEEDS[part] + getattr(options, part)) for part in SEEDS}
    learnt = episodes.get('learn', parts['learn'])
    source = {'learnt from': f'{options.learn} episodes of {options.task} from seed {SEEDS["learn"]}', 'quantile': options.quantile,
              'denoising_steps': options.denoising_steps, 'executed_rows': settings.executed_rows}
    thresholds = learn([[look for _, look in record.looks] for record in learnt], options.quantile, source)
    if options.thresholds:
        thresholds.save(options.thresholds)
    normal, disturbed = (episodes.get(part, parts[part]) for part in ('normal', 'disturbed'))
    answered = {}
    if options.answer:
        alarmed = [record.facts['seed'] for record in disturbed if record.facts['happened'] is not None
                   and record.alarms(thresholds)]
        part = f'disturbed, {options.answer}'
        answered = dict(zip(alarmed, episodes.get(part, alarmed, thresholds, Response(options.answer))))
    report(normal, disturbed, answered, thresholds, options.answer)


if __name__ == '__main__':
    main()
