"""Malformed messages at everything that the supervisor listens to: none may pass, none may end it.

    python benchmarks/fuzz.py                                    # a minute
    python benchmarks/fuzz.py --messages 1000000 --dds 20000     # E3

--messages are handed to the node's own callbacks inside this process and judged one by one: conversion, authority, limits
and stops. --dds go to its real process over DDS, three in ten as damaged bytes. Every field of every type is driven to what
nobody would send: NaN, infinity, denormal, extreme and repeated numbers, other lengths, other names. Exit code 1 when
something passed that must not, or the supervisor failed.
"""
import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'system'))

from graph_probe import free_domain  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402


@contextmanager
def quiet_middleware():
    """The middleware complains of each message that it cannot read; nobody wants to read that."""
    kept = os.dup(2)
    with open(os.devnull, 'w') as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--messages', type=int, default=20_000)
    parser.add_argument('--dds', type=int, default=2_000)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    wrong = []
    for count, run in ((options.messages, in_process), (options.dds, over_dds)):
        begin = time.monotonic()
        with free_domain() as domain, quiet_middleware():
            os.environ.update(ros_environment(domain))
            thrown, found = run(domain, count, options.seed)
        wrong += found
        print(f'{run.__name__}: {sum(thrown.values())} messages, {len(found)} wrong, {time.monotonic() - begin:.0f} s; '
              + ', '.join(f'{name} {number}' for name, number in sorted(thrown.items())), flush=True)
    for sentence in wrong[:10]:
        print(sentence)
    sys.exit(1 if wrong else 0)


def in_process(domain, count, seed):
    """({topic or service: messages}, sentences on what was wrong), the callbacks called directly."""
    from fuzz_judge import fuzz
    from fuzz_rig import FuzzRig
    with FuzzRig(domain) as rig:
        judge = fuzz(rig, count, seed)
    return judge.thrown, judge.wrong


def over_dds(domain, count, seed):
    """The same, by stream, with the real process."""
    from fault_rig import FaultRig
    from fuzz_dds import fuzz_over_dds
    with tempfile.TemporaryDirectory() as folder, FaultRig(domain, Path(folder)) as rig:
        return fuzz_over_dds(rig, count, seed)


if __name__ == '__main__':
    main()
