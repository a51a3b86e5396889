"""Time of judging a row and of a supervisor tick, against bare forward kinematics of one row in the same run.

    python benchmarks/bench_supervisor_tick.py
"""
import time
from dataclasses import replace

import numpy as np
from comparison import line

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.setpoint import Setpoint
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.kinematics import link_frames
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.supervisor import Supervisor

ROWS = 3000
WARM_UP_ROWS = 200
ARMED_FROM = 20
"""Row at which the policy is armed; until then the arms stand, since only arms at rest can be armed."""


def timed(call):
    """s that ``call`` takes, and its result."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def main():
    config = load_config(config_file('safety.yaml'))
    core = Supervisor(replace(config, stop_sources=(), planned_authorities=()))
    ticks_a_row = round(config.row_period / config.tick_period)
    durations = {'tick': [], 'row': [], 'kinematics': []}
    accepted = cycle = 0
    for row in range(WARM_UP_ROWS + ROWS):
        positions = START.copy()
        positions[[0, 7]] += 0.3 * np.sin(0.05 * max(0, row - ARMED_FROM))
        for part in range(ticks_a_row):
            now = cycle * config.tick_period
            cycle += 1
            for i, side in enumerate(SIDES):
                core.observe_joints(side, positions[7 * i:7 * i + 7], now, now)
            for camera in config.cameras:
                core.observe_camera(camera, now, now)
            if row == ARMED_FROM and part == 0:
                assert core.request_arm('policy', now).accepted
            if row >= ARMED_FROM and part == 0:
                setpoint = Setpoint('policy', core.epoch, row, now, positions)
                spent, verdict = timed(lambda: core.offer(setpoint, now))
                durations['row'].append(spent)
                accepted += verdict.kind.value == 'accepted'
            durations['tick'].append(timed(lambda: core.tick(now))[0])
        durations['kinematics'].append(
            timed(lambda: [link_frames(positions[7 * i:7 * i + 6]) for i in range(len(SIDES))])[0])
    assert accepted == WARM_UP_ROWS + ROWS - ARMED_FROM, f'{accepted} rows accepted: this is not the usual path'
    median, high = ({name: np.percentile(values[WARM_UP_ROWS:], share) for name, values in durations.items()}
                    for share in (50, 99.9))
    base = median['kinematics']
    print(line('bench_supervisor_tick', ('judging a row', median['row']),
               [(median['row'] / base, 'forward kinematics of both arms', base)],
               f'p99.9 {1e3 * high["row"]:.3g} ms; tick {1e3 * median["tick"]:.3g} ms, {median["tick"] / base:.2f} x, '
               f'p99.9 {1e3 * high["tick"]:.3g} ms of a period of {1e3 * config.tick_period:.0f} ms'))


if __name__ == '__main__':
    main()
