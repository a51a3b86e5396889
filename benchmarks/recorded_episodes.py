"""D1: short episodes recorded one after the other while every core is busy; no message may be lost without a word.

    python benchmarks/recorded_episodes.py --episodes 100 --busy 2

Three cameras, two arms and all other streams of an episode. What was published between the first and the last recorded
sample of a picture or joint topic has to be in the bag, stamp for stamp. Where something is not there, the episode's own
audit has to complain about the topic. Exit code 1 when something is missing in silence.
"""
import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
from pathlib import Path

for room in ('system', 'rollouts'):
    sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / room))

from graph_probe import free_domain  # noqa: E402
from recorder_process import Recorder  # noqa: E402
from robot_streams import RobotStreams  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.msg import EpisodeEvent  # noqa: E402
from cosmos_policy_ros.rollouts.audit import complaints  # noqa: E402
from cosmos_policy_ros.rollouts.bag import BagReader  # noqa: E402

START_PATIENCE = 120.0
ROWS = 50
"""of 40 ms, an episode."""


def burn():
    """Keep a core busy."""
    while True:
        pass


def missing(folder, published):
    """({topic: samples that were published and are not in the bag}, the audit's complaints, samples in the bag)."""
    lost, found = {}, 0
    with BagReader(folder) as bag:
        recorded = {}
        for topic, _, message in bag.messages():
            name = topic.removesuffix('/compressed')
            if name in published:
                stamp = message.header.stamp
                recorded.setdefault(name, []).append(stamp.sec * 10 ** 9 + stamp.nanosec)
        for name, stamps in recorded.items():
            due = [stamp for stamp in published[name] if min(stamps) <= stamp <= max(stamps)]
            found += len(stamps)
            if set(due) != set(stamps) or len(stamps) != len(set(stamps)):
                lost[name] = len(set(due) - set(stamps))
        return lost, complaints(bag.record.topics), found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--episodes', type=int, default=100)
    parser.add_argument('--busy', type=int, default=os.cpu_count(), help='processes that do nothing but compute')
    args = parser.parse_args()
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(args.busy)]
    samples = losing = silent = 0
    with tempfile.TemporaryDirectory() as root, free_domain() as domain:
        os.environ.update(ros_environment(domain), PYTHONFAULTHANDLER='1')
        output = Path(root, 'out')
        with RobotStreams(domain) as robot, Recorder(domain, output, minimum_free_gb=0.1, report='false',
                                                     video='false') as recorder:
            robot.wait_for_recorder(START_PATIENCE)
            for burner in burners:
                burner.start()
            for number in range(args.episodes):
                name = f'episode_{number}'
                robot.event(EpisodeEvent.BEGIN, name)
                try:
                    robot.wait_for_state(name, 'recording', patience=START_PATIENCE)
                except AssertionError:
                    sys.exit(f'{name} was not begun; the recorder hangs here:\n{recorder.end(signal.SIGABRT)}')
                robot.wait_for_rows(ROWS, START_PATIENCE)
                robot.event(EpisodeEvent.END, name, outcome='success', score=1.0)
                robot.wait_for_state(name, 'finished', patience=START_PATIENCE)
                lost, complained, found = missing(output / name, robot.stamps)
                samples += found
                losing += bool(lost)
                quiet = any(not any(text.startswith(topic) for text in complained) for topic in lost)
                silent += quiet
                if lost or complained:
                    how = ' IN SILENCE' if quiet else ''
                    print(f'{name}: lost {lost or "nothing"}{how}; {"; ".join(complained)}', flush=True)
                robot.stamps.clear()
            for burner in burners:
                burner.terminate()
            recorder.end(signal.SIGINT)
    print(f'{args.episodes} episodes with {args.busy} busy processes: {samples} pictures and joint states recorded, '
          f'{losing} episodes lost something, {silent} of them in silence')
    sys.exit(1 if silent else 0)


if __name__ == '__main__':
    main()
