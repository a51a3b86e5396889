"""Timing of alternatives in one run, and the line that a benchmark prints."""
import time

import numpy as np


def medians(calls, rounds, warm_up=2):
    """Median s of every function in ``calls`` {name: function}; they take turns, so that other load hits all alike."""
    seconds = {name: [] for name in calls}
    for _ in range(warm_up + rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values[warm_up:])) for name, values in seconds.items()}


def line(name, measured, ratios, note=''):
    """One line: what was ``measured`` (name, s), its ``ratios`` (ratio, baseline, s), and the command.

    Args:
        name: of the benchmark, its file without ``.py``. note: more facts of the same run.
    """
    what, seconds = measured
    compared = ', '.join(f'{ratio:.2f} x {baseline} ({1e3 * base:.3g} ms)' for ratio, baseline, base in ratios)
    return f'{what} {1e3 * seconds:.3g} ms = {compared}{"; " + note if note else ""}  [python benchmarks/{name}.py]'
