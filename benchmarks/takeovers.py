"""Takeovers at random moments: the largest step of a command, how exact the labels are, and what was played from before.

    python benchmarks/takeovers.py --takeovers 1000

Chunk timeline, jogging, the supervisor's core and the conductor's labels on one simulated clock, with arms that lag like the
servos; a fake policy wanders at up to the speed of the experts. Exit code 1 when a command moved further than the speed limits
allow, when a label is off by more than one row, or when a chunk from before the return was played after it.
"""
import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'safety'))

from random_takeovers import Takeovers  # noqa: E402

PORTION = 25


def portion(seed):
    """``PORTION`` takeovers in a row, in one run of the supervisor."""
    rig = Takeovers(np.random.default_rng(seed))
    return [rig.run() for _ in range(PORTION)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--takeovers', type=int, default=100)
    parser.add_argument('--workers', type=int, default=1, help='processes')
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers, mp_context=get_context('spawn')) as pool:
        found = sum(pool.map(portion, range(-(-options.takeovers // PORTION))), [])
    step, labels = np.array([taken.step for taken in found]), np.array([taken.labels for taken in found])
    stale = sum(taken.stale for taken in found)
    print(f'{len(found)} takeovers: largest step of a command {step.max():.3f} of what the speed limits allow (median {np.median(step):.3f}); '
          f'labels off by {labels.max():.2f} rows at most; {stale} stale chunks played  '
          f'[python benchmarks/takeovers.py --takeovers {options.takeovers}]')
    sys.exit(0 if step.max() <= 1 + 1e-9 and labels.max() <= 1 + 1e-9 and not stale else 1)


if __name__ == '__main__':
    main()
