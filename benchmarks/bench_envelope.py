"""How much of the envelope's promises holds over many rows, stops, runs and demonstrations, and what a check costs.

    python benchmarks/bench_envelope.py                               # a minute
    python benchmarks/bench_envelope.py --rows 1e8 --stops 1e6 --runs 1e5 --episodes 100
    python benchmarks/bench_envelope.py --rows 0 --stops 0 --episodes 0 --runs 25e3 --runs-before 50e3     # E5 in pieces
"""
import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from comparison import line

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'safety'))

from adversaries import Judge, torture  # noqa: E402
from expert_episodes import expert_rows, interventions  # noqa: E402
from reckless_arms import Contacts, forbidden_contacts, gaps_by_class, margins_by_class, reckless_run  # noqa: E402

from cosmos_policy_ros.bringup.share import config_file  # noqa: E402
from cosmos_policy_ros.embodiment.kinematics import link_frames  # noqa: E402
from cosmos_policy_ros.embodiment.poses import START  # noqa: E402
from cosmos_policy_ros.safety.braking import Brake  # noqa: E402
from cosmos_policy_ros.safety.chunk_check import check_chunk  # noqa: E402
from cosmos_policy_ros.safety.config import load_config  # noqa: E402
from cosmos_policy_ros.safety.envelope import Envelope  # noqa: E402
from cosmos_policy_ros.sim.demonstrations import VARIANTS  # noqa: E402
from cosmos_policy_ros.sim.tasks import TASKS  # noqa: E402

LANES, STEPS = 20_000, 250
STOPS, RUNS = 50_000, 100
"""Rows, stops and runs are counted in portions of these sizes, each with a seed of its own."""
TIMED = 1000


def _envelope():
    return Envelope(load_config(config_file('safety.yaml')))


def rows_portion(seed):
    """E1, E2: (rows, stops, violations, changed bits) of one portion."""
    envelope = _envelope()
    judge = torture(LANES, STEPS, envelope.limits, envelope.config.far_outside_factor,
                    envelope.config.clamped_rows_limit, seed)
    return Counter(rows=judge.rows, clamped=judge.clamped, stops=judge.stops, violations=judge.violations,
                   changed=judge.changed_bits)


def stops_portion(seed):
    """S3: stops at any moment of any admissible motion; samples off the profile."""
    envelope, rng = _envelope(), np.random.default_rng(seed)
    limits, judge = envelope.limits, Judge(envelope.limits)
    position = rng.uniform(limits.lower, limits.upper, (STOPS, 14))
    room = np.minimum(limits.upper - position, position - limits.lower)
    fastest = np.minimum(limits.speed, np.sqrt(2 * limits.acceleration * room))
    velocity = fastest * rng.choice([-1.0, 1.0, 0.0, 0.3, -0.999], (STOPS, 14))
    brake = Brake(position, velocity, limits, 0.0)
    judge.stop(position, velocity, [brake.at(tick * 0.01)[0] for tick in range(1, 12)])
    return Counter(stops=judge.stops, off=judge.violations)


def runs_portion(seed):
    """E5: smallest spare distance (m) by class, commands, poses checked by the simulator, and contacts there."""
    envelope, rng, contacts = _envelope(), np.random.default_rng(seed), Contacts()
    margins = margins_by_class(envelope.config)
    least, commands, bad = dict.fromkeys(margins, np.inf), 0, 0
    for _ in range(RUNS):
        run = reckless_run(envelope, rng, rng.choice([np.inf, envelope.config.reduced_speed]))
        gaps, commands = gaps_by_class(run), commands + len(run)
        least = {name: min(least[name], gap.min()) for name, gap in gaps.items()}
        nearest = min((gaps[name].argmin() for name in margins if name != 'finger'), key=lambda pose: min(
            gaps[name][pose] - margins[name] for name in margins if name != 'finger'))
        bad += bool(forbidden_contacts(contacts.at(run[nearest])))
    return least, commands, bad


def episode_portion(job):
    """E2: rows and interventions of one demonstration."""
    task, variant, seed = job
    rows, success = expert_rows(task, seed, variant)
    refused, clamped, changed = interventions(_envelope(), rows)
    return variant, success, len(rows), refused, clamped, changed


def timings():
    """{what: (n,) s of processor time}: rows, and chunks of 50, far from everything and near the other arm."""
    envelope, rest = _envelope(), np.zeros(14)
    near = next(pose for pose in (START * (1 - share) + share * np.tile([0, -.1, .1, 0, 0, 0, .5], 2)
                                  for share in np.linspace(0, 1, 400))
                if envelope.surroundings.spare(envelope.surroundings.distances(pose[None]))[0] < 0.012)
    share = np.linspace(0, 1, 50)[:, None]
    free, close = START + 0.3 * share, near + share * (START - near)
    calls = {
        'row': lambda: envelope.admit(START + 0.01, START, rest),
        'row next to the other arm': lambda: envelope.admit(near + 0.002, near, rest),
        'chunk': lambda: check_chunk(free, START, envelope),
        'chunk from there': lambda: check_chunk(close, near, envelope),
        'kinematics': lambda: [link_frames(START[7 * i:7 * i + 6]) for i in range(2)]}
    seconds = {name: [] for name in calls}
    for _ in range(TIMED):
        for name, call in calls.items():
            begin = time.thread_time()  # other load on the computer does not count
            call()
            seconds[name].append(time.thread_time() - begin)
    return {name: np.array(values[TIMED // 20:]) for name, values in seconds.items()}


def _count(text):
    return int(float(text))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rows', type=_count, default=5_000_000, help='adversarial rows (E1)')
    parser.add_argument('--stops', type=_count, default=1_000_000, help='stops at random moments (S3)')
    parser.add_argument('--runs', type=_count, default=300, help='runs that drive the arms at each other (E5)')
    parser.add_argument('--runs-before', type=_count, default=0, help='runs of E5 that were judged before: go on behind them')
    parser.add_argument('--episodes', type=_count, default=40, help='expert demonstrations (E2), each kind')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args()
    with ProcessPoolExecutor(args.workers, mp_context=get_context('spawn')) as pool:
        rows = sum(pool.map(rows_portion, range(-(-args.rows // (LANES * STEPS)))), Counter())
        print(f'E1 {rows["rows"]:.3g} adversarial rows: {rows["violations"]} violations, {rows["clamped"]} clamped; '
              f'E2 {rows["changed"]} bits changed of admissible rows', flush=True)
        stops = sum(pool.map(stops_portion, range(-(-args.stops // STOPS))), Counter())
        print(f'S3 {stops["stops"]:.3g} stops: {stops["off"]} commands off the profile or not at rest after 110 ms',
              flush=True)
        first = args.runs_before // RUNS
        runs = list(pool.map(runs_portion, range(first, first + -(-args.runs // RUNS))))
        least = {name: min(part[0][name] for part in runs) for name in runs[0][0]} if runs else {}
        print(f'E5 {len(runs) * RUNS} reckless runs from {first * RUNS} on, {sum(part[1] for part in runs)} commands: smallest gaps '
              + ', '.join(f'{name} {1000 * gap:.2f} mm' for name, gap in least.items())
              + f'; {sum(part[2] for part in runs)} contacts in the simulator', flush=True)
        jobs = [(task, variant, 700_000 + i) for i in range(args.episodes // len(TASKS)) for task in TASKS
                for variant in VARIANTS]
        for disturbed in (False, True):
            found = list(pool.map(episode_portion, [job for job in jobs if ('noisy' in job[1]) is disturbed][
                :args.episodes], chunksize=4))
            good = [part for part in found if part[1]]
            print(f'E2 {len(good)} good demonstrations of {"disturbed" if disturbed else "undisturbed"} experts, '
                  f'{sum(part[2] for part in good)} rows: {sum(part[3] for part in good)} refused, '
                  f'{sum(part[4] for part in good)} clamped, {sum(part[5] for part in good)} changed otherwise',
                  flush=True)
    seconds = timings()
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    base = median.pop('kinematics')
    print(line('bench_envelope', ('judging a row', median['row']), [(median['row'] / base, 'forward kinematics', base)],
               ', '.join(f'{name} {1e3 * middle:.3g} ms, p99 {1e3 * np.percentile(seconds[name], 99):.3g} ms'
                         for name, middle in median.items())))


if __name__ == '__main__':
    main()
