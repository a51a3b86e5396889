"""What limits planning with a checkpoint: imagined frames, values, and how much candidates differ.

    python benchmarks/gpu/planning_limits.py --task transfer --conditions hard --planning V=FOLDER:future_value --out DIR

Plays several candidates from each of many states in the simulator, and judges them and held-out rollouts with every planning
checkpoint; ``policy`` is the unrefined policy itself. Runs on a CPU, too, slowly.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.learning.collection import Imaging
from cosmos_policy_ros.learning.planning_quality import calibration, judge, limits, played
from cosmos_policy_ros.learning.policy_pool import Branch, Player, Rollout
from cosmos_policy_ros.learning.pool import run_jobs
from cosmos_policy_ros.learning.statistics import area_under_curve, rank_correlation
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.backends import DirectBackend

DISCOUNT = 0.99
SAMPLES = 4096


def played_jobs(args):
    """(branches in groups of candidates, rollouts), all of seeds that nothing was trained on."""
    policy = CosmosPolicy.load(args.checkpoint or default_checkpoint(), args.device)
    rows = np.random.default_rng(args.seed).integers(25, 250, args.states)
    jobs = [Branch(args.task, args.seed + i, int(row), args.candidates, args.conditions) for i, row in enumerate(rows)]
    jobs += [Rollout(args.task, args.seed + i, conditions=args.conditions) for i in range(args.rollouts)]
    branches, rollouts = [], []
    for job, result in run_jobs(DirectBackend(policy, args.denoising_steps), jobs, args.workers, Player,
                                Imaging(policy.config.image_size)):
        if result is not None:
            branches.extend(result) if isinstance(job, Branch) else rollouts.append(result)
    return branches, rollouts


def report(model, stage, branches, rollouts, candidates):
    """A dictionary of figures for one planning checkpoint."""
    data, instruction = played(model, branches, DISCOUNT)
    # The table is sorted by success; a stable sort of the episodes gives the same order.
    order = sorted(range(len(branches)), key=lambda i: 0 if branches[i].success else 1)
    first = torch.zeros(len(branches), dtype=torch.int64)
    first[torch.tensor(order)] = 2 * torch.arange(len(branches))
    found = {'branches': limits(judge(model, data, instruction, first.to(model.device), stage), branches, candidates)}
    data, instruction = played(model, rollouts, DISCOUNT)
    index = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:SAMPLES].to(model.device)
    judged = judge(model, data, instruction, index, stage)
    success = (data.samples.pool[index] < 2).cpu().numpy()
    found['rollouts'] = {
        'samples': len(index), 'success_rate': float(np.mean([episode.success for episode in rollouts])),
        'grey': float(judged.grey.mean()), 'still': float(judged.still.mean()), 'proprio_rad': float(judged.proprio.mean()),
        'error_imagined': float(np.abs(judged.imagined - judged.target).mean()),
        'error_real': float(np.abs(judged.real - judged.target).mean()),
        'auc_imagined': area_under_curve(judged.imagined, success), 'auc_real': area_under_curve(judged.real, success),
        'rank_imagined': rank_correlation(judged.imagined, judged.target),
        'calibration_imagined': calibration(judged.imagined, judged.target),
        'calibration_real': calibration(judged.real, judged.target)}
    return found


def lines(found):
    """Markdown lines of the figures of every planning checkpoint."""
    models = [name for name in found if name != 'arguments']
    yield f'| | {" | ".join(models)} |'
    yield '|---' * (len(models) + 1) + '|'
    for part in ('branches', 'rollouts'):
        for key, value in found[models[0]][part].items():
            if not isinstance(value, list):
                yield f'| {part}: {key} | {" | ".join(f"{found[model][part][key]:.4g}" for model in models)} |'
    yield ''
    for model in models:
        yield f'Calibration of {model}, value of the imagined future: predicted, came (samples): ' + ', '.join(
            f'{value:.2f} {target:.2f} ({count})'
            for value, target, count in found[model]['rollouts']['calibration_imagined'])
        yield ''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', default='', help='policy')
    parser.add_argument('--planning', nargs='*', default=[], metavar='NAME=FOLDER:STAGE')
    parser.add_argument('--task', default='transfer')
    parser.add_argument('--conditions', default='hard')
    parser.add_argument('--states', type=int, default=256)
    parser.add_argument('--rollouts', type=int, default=200)
    parser.add_argument('--candidates', type=int, default=8)
    parser.add_argument('--denoising-steps', type=int, default=5)
    parser.add_argument('--seed', type=int, default=40000)
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--workers', type=int, default=16)
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    branches, rollouts = played_jobs(args)
    models = {'policy': (args.checkpoint or default_checkpoint(), Stage.VALUE)}
    for text in args.planning:
        name, _, place = text.partition('=')
        folder, _, stage = place.rpartition(':')
        models[name] = folder, Stage(stage)
    found = {'arguments': vars(args)}
    for name, (folder, stage) in models.items():
        found[name] = report(CosmosPolicy.load(folder, args.device), stage, branches, rollouts, args.candidates)
        print(name, json.dumps(found[name]), flush=True)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    Path(args.out, 'planning_limits.json').write_text(json.dumps(found, indent=1))
    Path(args.out, 'planning_limits.md').write_text('\n'.join(lines(found)))


if __name__ == '__main__':
    main()
