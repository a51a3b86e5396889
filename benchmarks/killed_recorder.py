"""D4: the recorder is killed in random moments; every bag has to be readable and to lack at most 2 s.

    python benchmarks/killed_recorder.py --kills 50 --seed 0

Three cameras, two arms and all other streams of an episode flow at their rates. The moment is drawn evenly from the
whole of an episode's life: its begin, its run, its end, and a second after that. What the dead recorder left is
recovered as the next one would do, and read to its end. Lost is the time from the newest message in the bag to the
kill, or, of an episode that had ended, to its end. Exit code 1 when a bag could not be read or lacked more.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

for room in ('system', 'rollouts'):
    sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / room))

from graph_probe import free_domain  # noqa: E402
from recorder_process import Recorder  # noqa: E402
from robot_streams import RobotStreams  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.msg import EpisodeEvent  # noqa: E402
from cosmos_policy_ros.rollouts.bag import BagReader  # noqa: E402
from cosmos_policy_ros.rollouts.recovery import recover  # noqa: E402

LENGTH, AFTER = 4.0, 1.0
"""s of an episode, and after its end, in which the kill may come."""

ALLOWED = 2.0
START_PATIENCE = 120.0
"""s that a recorder may need to be there on a busy machine."""


def kill_once(folder, name, moment):
    """(s lost, messages read, what was found) of an episode whose recorder was killed ``moment`` s after its begin."""
    # A domain of its own: a killed process is remembered in its domain for a while.
    with free_domain() as domain:
        os.environ.update(ros_environment(domain))
        with RobotStreams(domain) as robot, Recorder(domain, folder, minimum_free_gb=0.1, report='false',
                                                     video='false') as recorder:
            robot.wait_for_recorder(START_PATIENCE)
            begun = ended = time.time()
            robot.event(EpisodeEvent.BEGIN, name)
            time.sleep(min(moment, LENGTH))
            if moment > LENGTH:
                ended = time.time()
                robot.event(EpisodeEvent.END, name, outcome='success', score=1.0)
                time.sleep(moment - LENGTH)
            killed = time.time()
            recorder.end(signal.SIGKILL)
    recovered = recover(folder) if folder.exists() else []
    if not (folder / name).exists():
        return killed - begun, 0, 'not begun'
    with BagReader(folder / name) as bag:
        stamps = [stamp for _, stamp, _ in bag.messages()]
    newest = max(stamps) * 1e-9 if stamps else begun
    end = ended if moment > LENGTH else killed
    return max(0.0, end - newest), len(stamps), 'recovered' if recovered else 'finished'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=50)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    rng, lost, kinds, failures = random.Random(args.seed), [], Counter(), []
    with tempfile.TemporaryDirectory() as root:
        for number in range(args.kills):
            moment = rng.uniform(0.0, LENGTH + AFTER)
            try:
                seconds, messages, kind = kill_once(Path(root, f'out{number}'), f'episode_{number}', moment)
            except Exception as error:  # whatever a damaged bag leads to is what is looked for
                failures.append(f'kill {number} after {moment:.2f} s: {error!r}')
                print(failures[-1], flush=True)
                continue
            lost.append(seconds)
            kinds[kind] += 1
            print(f'kill {number} after {moment:.2f} s: {kind}, {messages} messages, {seconds:.2f} s lost', flush=True)
            if seconds > ALLOWED:
                failures.append(f'kill {number}: {seconds:.2f} s lost')
            shutil.rmtree(Path(root, f'out{number}'), ignore_errors=True)
    print(f'{args.kills} kills: {", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))}, '
          f'{args.kills - len(lost)} not readable; lost at the median {np.median(lost):.2f} s, '
          f'at most {max(lost):.2f} s')
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
