"""Start-up, run, stop, park and shutdown of the whole simulated robot, again and again: nothing drops, stays or stops unasked.

    python benchmarks/start_stop_cycles.py --cycles 50

A cycle starts every process, brings the arms up, lets the policy drive until the operator presses stop in the middle of its
motion, resets, parks the arms, and ends every process, the simulator last: the arms have to stand while only their motors hold
them. Exit code 1 when a cycle did not get through, a stop came that nobody asked for, the arms moved on after the end, a
process left with an error or one stayed behind.
"""
import argparse
import os
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'system'))

from command_process import MARK, marked  # noqa: E402
from graph_probe import Probe, free_domain, wait  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.bringup.graph import GraphOptions, graph  # noqa: E402
from cosmos_policy_ros.bringup.processes import ProcessGroup  # noqa: E402
from cosmos_policy_ros.embodiment.poses import SLEEP_ARM, START_ARM  # noqa: E402

HOLD = 2
"""``SafetyCause.severity`` from which on a cause stops the arms."""
OPERATION = 90.0
"""s of wall time for one operation of bring-up."""
ARRIVED, STANDING = 0.1, 0.02
"""rad from a pose that count as there (the motors droop under load), and that standing arms may move."""
SEED = 1000


class Cycle:
    """One life of the robot.

    Args:
        processes: ``ProcessGroup``, running. probe: ``Probe``.
    """

    def __init__(self, processes, probe):
        from arm_commands import ArmWatch

        from cosmos_policy_ros.nodes.station import Station
        self._processes, self.watch, self.station = processes, ArmWatch(probe), Station('operator')
        self._asked, self._event, self.stops = set(), 0, []

    def run(self, seed):
        """From READY to parked; raises ``AssertionError`` where it gets stuck."""
        self._until('READY')
        self._operate('prepare')
        assert self._distance(START_ARM) < ARRIVED, f'{self._distance(START_ARM):.2f} rad from the start pose'
        self._drive(seed)
        self._operate('park')
        assert self._distance(SLEEP_ARM) < ARRIVED, f'{self._distance(SLEEP_ARM):.2f} rad from the sleep pose'

    def _drive(self, seed):
        from cosmos_policy_ros.action import RunRollout
        rollout = self.station.rollout(RunRollout.Goal(task='plate', seed=seed, step_limit=500, mode='direct'))
        result = None

        def result_or(condition):
            nonlocal result
            self._look()
            result = result or rollout.advance()
            return result or condition()
        wait(lambda: result_or(lambda: self.watch.status.state_name == 'RUNNING' and self.watch.speed() > 0.3),
             lambda: self.watch.status)
        self._asked = {'stop_pressed'}
        self.station.press()
        wait(lambda: result_or(lambda: False), lambda: self.watch.status)
        self._until('ESTOPPED')
        wait(self.watch.at_rest, 'arms at rest')
        assert result.outcome == 'stopped', result.outcome
        self.station.release()
        wait(lambda: not self.watch.status.blockers, lambda: self.watch.status.blockers)
        assert self.station.reset().accepted
        self._until('READY')
        self._asked = set()

    def _operate(self, operation):
        from cosmos_policy_ros.nodes.trigger import TriggerCall
        with TriggerCall(f'/arm_bringup/{operation}', '') as call:
            reply = call.trigger(OPERATION, lambda _: self._look())
        assert reply is not None and reply.success, f'{operation}: {reply}'

    def _until(self, state):
        wait(lambda: self._look() == state, lambda: self.watch.status)

    def _look(self):
        """The state's name; notes stops that nobody asked for."""
        death, status = self._processes.first_death(), self.watch.status
        assert death is None, str(death)
        if status is None:
            return ''
        for cause in status.causes:
            if cause.event_id > self._event and cause.severity >= HOLD and cause.id not in self._asked:
                self.stops.append(cause.text)
        self._event = status.last_event_id
        return status.state_name

    def _distance(self, pose):
        return max(np.abs(self.watch.measured(side)[0] - pose).max() for side in self.watch.states)

    def pose(self):
        """(12,) rad as measured."""
        return np.concatenate([self.watch.measured(side)[0] for side in self.watch.states])


def live(domain, folder, seed):
    """Sentences on what went wrong in one cycle."""
    own = {'supervisor_node': {'latch_file': str(folder / 'latch.json'), 'companions_required': True}}
    specs = [replace(spec, parameters={**spec.parameters, **own.get(spec.executable, {})})
             for spec in graph(GraphOptions(output=str(folder)), simulated=True)]
    robot = [spec for spec in specs if spec.executable == 'sim_node']
    problems = []
    with ProcessGroup(ros_environment(domain), folder / 'robot') as simulator, Probe(domain) as probe:
        simulator.start(robot)
        with ProcessGroup(ros_environment(domain), folder / 'logs') as processes:
            processes.start(spec for spec in specs if spec not in robot)
            cycle = Cycle(processes, probe)
            try:
                cycle.run(seed)
            except AssertionError as error:
                problems.append(f'stuck: {error}')
            finally:
                cycle.station.close()
            codes = processes.stop()
        parked, begun = cycle.pose(), len(cycle.watch.states[next(iter(cycle.watch.states))])
        wait(lambda: len(cycle.watch.states[next(iter(cycle.watch.states))]) > begun + 200, 'two seconds of states')
        moved = np.abs(cycle.pose() - parked).max()
        codes.update(simulator.stop())
    problems += [f'a stop that nobody asked for: {text}' for text in cycle.stops]
    problems += [f'the arms moved {moved:.3f} rad after the end'] * bool(moved > STANDING)
    problems += [f'{name} left with {code}' for name, code in codes.items() if code]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cycles', type=int, default=3)
    options = parser.parse_args()
    problems, begun = [], time.monotonic()
    mark = uuid.uuid4().hex
    with free_domain() as domain, tempfile.TemporaryDirectory() as name:
        os.environ.update({**ros_environment(domain), MARK: mark})
        for number in range(options.cycles):
            found = live(domain, Path(name, str(number)), SEED + number)
            found += [f'process {pid} stayed behind' for pid in marked(mark)]
            problems += [f'cycle {number}: {problem}' for problem in found]
            print(f'cycle {number}: {"; ".join(found) or "good"} ({time.monotonic() - begun:.0f} s)', flush=True)
    print(f'{options.cycles} cycles, {len(problems)} problems  [python benchmarks/start_stop_cycles.py]')
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
