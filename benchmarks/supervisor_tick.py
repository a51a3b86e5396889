"""Time of a supervisor tick and of judging a row, against bare forward kinematics of one row in the same run.

    python benchmarks/supervisor_tick.py
"""
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cosmos_policy_ros.control.setpoint import Setpoint
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.kinematics import link_frames
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.supervisor import Supervisor

ROWS = 3000
WARM_UP_ROWS = 200


def timed(call):
    """us that ``call`` takes, and its result."""
    begin = time.perf_counter()
    result = call()
    return 1e6 * (time.perf_counter() - begin), result


def main():
    config = load_config(Path(__file__).parents[1] / 'config' / 'safety.yaml')
    core = Supervisor(replace(config, stop_sources=()))
    tick, period = config.tick_period, config.row_period
    ticks_a_row = round(period / tick)
    durations = {'tick': [], 'offer': [], 'forward kinematics': []}
    accepted = cycle = 0
    for row in range(WARM_UP_ROWS + ROWS):
        positions = START.copy()
        positions[[0, 7]] += 0.3 * np.sin(0.05 * row)
        for part in range(ticks_a_row):
            now = cycle * tick
            cycle += 1
            for i, side in enumerate(SIDES):
                core.observe_joints(side, positions[7 * i:7 * i + 7], now, now)
            for camera in config.cameras:
                core.observe_camera(camera, now, now)
            if row == 20 and part == 0:
                assert core.request_arm('policy', now).accepted
            if row >= 20 and part == 0:
                setpoint = Setpoint('policy', core.epoch, row, now, positions)
                spent, verdict = timed(lambda: core.offer(setpoint, now))
                durations['offer'].append(spent)
                accepted += verdict.kind.value == 'accepted'
            durations['tick'].append(timed(lambda: core.tick(now))[0])
        durations['forward kinematics'].append(
            timed(lambda: [link_frames(positions[7 * i:7 * i + 6]) for i in range(len(SIDES))])[0])
    print(f'{accepted} of {WARM_UP_ROWS + ROWS - 20} rows accepted')
    median = {}
    for name, values in durations.items():
        values = values[WARM_UP_ROWS:]
        median[name], high, top = np.percentile(values, [50, 99, 99.9])
        print(f'{name:20s} p50 {median[name]:7.1f} us   p99 {high:7.1f} us   p99.9 {top:7.1f} us')
    for name in ('tick', 'offer'):
        print(f'ratio {name} : forward kinematics of one row = {median[name] / median["forward kinematics"]:.2f}')


if __name__ == '__main__':
    main()
