"""Teleoperated collection with scripted leaders: episodes over DDS, what their stamps say, and a training on them.

    python benchmarks/teleop_collection.py                  # three episodes, 60 steps
    python benchmarks/teleop_collection.py --episodes 12 --steps 300

The simulator's scripted leaders are moved as an operator would move them; the whole graph of `aloha_teleop` runs, with guard,
monitor and recorder. Then `collect --recorded` and `train` as a user types them. Exit code 1 when an episode did not succeed,
is not one to learn from (states and pictures from just before each row), or when the loss did not fall.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'system'))

from graph_probe import free_domain, wait  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.bringup.graph import GraphOptions, graph  # noqa: E402
from cosmos_policy_ros.bringup.processes import ProcessGroup  # noqa: E402
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS  # noqa: E402

SEED, STEP_LIMIT = 3000, 750
EPISODE = 240.0
"""s of wall time for one episode on a loaded machine."""


def collect(domain, folder, task, episodes):
    """Results of ``RunRollout``, one for each seed."""
    from cosmos_policy_ros.action import RunRollout
    from cosmos_policy_ros.nodes.station import Station
    with ProcessGroup(ros_environment(domain), folder / 'logs') as processes, Station('operator') as station:
        processes.start(graph(GraphOptions(mode='teleop', task=task, output=str(folder / 'rollouts')), simulated=True))

        def outcome(rollout):
            death = processes.first_death()
            assert death is None, str(death)
            return rollout.advance()
        wait(lambda: station.status and station.status.state_name == 'READY', lambda: station.status)
        for seed in range(SEED, SEED + episodes):
            rollout = station.rollout(RunRollout.Goal(task=task, seed=seed, step_limit=STEP_LIMIT, mode='teleop'))
            result = wait(lambda: outcome(rollout), lambda: station.feedback, EPISODE)  # noqa: B023
            print(f'seed {seed}: {result.outcome}, {result.steps} rows, {result.interventions} interventions {result.message}',
                  flush=True)
            yield result


def stamps(bag):
    """(state age, image age, followers' lag) in s of an episode."""
    from cosmos_policy_ros.rollouts.lag import followers_lag
    from cosmos_policy_ros.rollouts.rows import read_episode_rows
    from cosmos_policy_ros.rollouts.series import read_series
    rows = read_episode_rows(bag, GRIPPER_MAPS['ros1'], 64, 5)
    return rows.state_age, rows.image_age, followers_lag(read_series(bag))


def command(*arguments):
    """Run ``cosmos-policy-ros``; it has to succeed."""
    subprocess.run([sys.executable, '-m', 'cosmos_policy_ros.cli.main', *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


def loss(folder, steps):
    """Of the last step of a training of so many."""
    out = folder / f'run_{steps}'
    command('train', '--data', folder / 'shards', '--out', out, '--steps', steps, '--batch', 32)
    return [record['loss'] for record in map(json.loads, (out / 'log.jsonl').read_text().splitlines()) if 'loss' in record][-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--task', default='plate')
    parser.add_argument('--episodes', type=int, default=3)
    parser.add_argument('--steps', type=int, default=60, help='of training')
    options = parser.parse_args()
    with free_domain() as domain, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(ros_environment(domain))
        results = list(collect(domain, folder, options.task, options.episodes))
        good = [result for result in results if result.outcome == 'success']
        if good:
            state, image, lag = np.array([stamps(result.bag) for result in good]).T
            command('collect', '--recorded', *[result.bag for result in good], '--out', folder / 'shards')
            before, after = (loss(folder, steps) for steps in (1, options.steps))
    fell = bool(good) and after < 0.5 * before
    if good:
        print(f'{len(good)} of {len(results)} {options.task} episodes, {sum(result.steps for result in good)} rows, '
              f'{sum(result.interventions for result in results)} interventions; oldest state {1e3 * state.max():.0f} ms, oldest '
              f'image {1e3 * image.max():.0f} ms before its row; followers lag {1e3 * np.median(lag):.0f} ms '
              f'({1e3 * lag.min():.0f} to {1e3 * lag.max():.0f}); loss {before:.4f} to {after:.4f} in {options.steps} '
              'steps  [python benchmarks/teleop_collection.py]')
    sys.exit(0 if fell and len(good) == len(results) else 1)


if __name__ == '__main__':
    main()
