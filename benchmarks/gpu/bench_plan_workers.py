"""The published planning spread over several GPUs: one Ray worker each, both models in every worker.

    python benchmarks/gpu/bench_plan_workers.py [--workers 4] [--json FILE]
    python benchmarks/gpu/bench_plan_workers.py --device cpu --small --workers 2

Weights are random, so times are real and values mean nothing. Efficiency is against one worker of the same run.
"""
import argparse
import dataclasses
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Ray's workers import this file's neighbours, too.
os.environ['PYTHONPATH'] = os.pathsep.join([str(Path(__file__).resolve().parent), os.environ.get('PYTHONPATH', '')])

from random_policy import TASK, preset, random_checkpoint, random_observation  # noqa: E402

from cosmos_policy_ros.policy.planning.settings import PAPER  # noqa: E402

ROUNDS = 5
BUDGETS = (1.0, 2.0)


@dataclass(frozen=True)
class RandomPlanner:
    """Makes a planner with two models of random weights on the worker's device."""

    device: str
    small: bool

    def __call__(self, settings):
        import torch

        from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
        from cosmos_policy_ros.policy.cuda_graph import CudaGraphs
        from cosmos_policy_ros.policy.planning.planner import LocalPlanner
        from cosmos_policy_ros.policy.sampling_loop import Execution
        on_gpu = self.device == 'cuda'
        config, dtype = preset(self.small), torch.bfloat16 if on_gpu else torch.float32
        execution, graphs = (Execution.GRAPH, CudaGraphs()) if on_gpu else (Execution.EAGER, None)
        policy, planning = (CosmosPolicy(random_checkpoint(config, self.device, seed, dtype), self.device, dtype, execution,
                                         graphs=graphs) for seed in (0, 1))
        return LocalPlanner(policy, planning, settings)


def measure(planner, config, budget, rounds):
    """(median s, worst s, last report) over fresh observations."""
    seconds, answer = [], None
    for i in range(rounds):
        observation, began = random_observation(config, i), time.perf_counter()
        answer = planner.infer(observation, TASK, 100 * i, budget=budget)
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)), max(seconds), answer.plan


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', default='cuda', choices=('cuda', 'cpu'))
    parser.add_argument('--small', action='store_true', help='a miniature, to see that everything runs')
    parser.add_argument('--workers', type=int, default=4)
    parser.add_argument('--json', help='append results to this file, one JSON object a line')
    options = parser.parse_args()
    from cosmos_policy_ros.policy.planning.ray_workers import RayPlanner

    config = preset(options.small)
    settings = dataclasses.replace(PAPER, candidates=4) if options.small else PAPER
    factory = RandomPlanner(options.device, options.small)
    whole = {}
    for workers in (options.workers, 1):
        began = time.perf_counter()
        planner = RayPlanner(factory, workers, settings, gpus_per_worker=int(options.device == 'cuda'), timeout=120.0)
        try:
            planner.warm_up()
            print(f'{workers} workers ready after {time.perf_counter() - began:.1f} s', flush=True)
            for budget in (None, *BUDGETS) if workers > 1 else (None,):
                median, worst, plan = measure(planner, config, budget, ROUNDS if workers > 1 else 2)
                whole.setdefault(workers, median)
                figures = {'workers': workers, 'budget': budget, 's': median, 'worst_s': worst, 'calls': plan.calls,
                           'candidates': len(plan.candidates), 'lost': plan.workers_lost,
                           'members': max(candidate.members for candidate in plan.candidates),
                           'deadline_met': plan.deadline_met}
                print('  '.join(f'{name} {value}' for name, value in figures.items()), flush=True)
                if options.json:
                    with open(options.json, 'a') as file:
                        print(json.dumps(figures), file=file)
        finally:
            planner.close()
    print(f'efficiency of {options.workers} workers: {whole[1] / whole[options.workers] / options.workers:.2f}')


if __name__ == '__main__':
    main()
