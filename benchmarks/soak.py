"""R2: the whole simulated graph under random faults: no command outside the limits, no stop without its fault, no growth.

    python benchmarks/soak.py --hours 0.17             # ten minutes
    python benchmarks/soak.py --hours 1 --seed 3       # the soak of R2

Episode after episode runs, while processes are killed, arms commanded by strangers, cameras frozen, buttons pressed, topics
flooded and the clock is set. The operator resets as one would, after each stop. Exit code 1 when a command was outside the
limits, when a stop came that no fault explains, when a process ended by itself, or when nothing ran. Memory is printed for
every process that lived long enough, in MB/h: within a run of minutes that is mostly its start.
"""
import argparse
import math
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'system'))

from graph_probe import Probe, free_domain  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.bringup.graph import GraphOptions, graph  # noqa: E402
from cosmos_policy_ros.bringup.processes import ProcessGroup  # noqa: E402

POLL = 0.05
HOLD = 2
"""``SafetyCause.severity`` from which on a cause stops the arms."""
BETWEEN_FAULTS = 15.0
"""s of wall time from a fault to the next, on average."""
EXPLAINS = 20.0
"""s of wall time in which a fault explains a stop; a loaded machine is slow to notice."""
WARM_UP = 120.0
"""s of wall time of a process's life that do not count as growth."""
FRONT = '/in_front_of_the_relay/image_rect_raw'
SENSING = {'joint_states_stale', 'joint_states_invalid', 'camera_stale', 'camera_frozen', 'clock_step', 'policy_starved'}
LOST = {'loop_overrun', 'clock_step', 'stop_source_lost', 'unclean_end', 'policy_starved', 'duplicate_publisher'}
BAD_ROWS = {'setpoint_nonfinite', 'far_outside_limits', 'policy_starved'}


class Soak:
    """The graph, what watches it, and what torments it.

    Args:
        processes: ``ProcessGroup``. specs: {executable: ``NodeSpec``}. probe: ``Probe``. rng: ``random.Random``.
        kills: whether processes are killed, too. calm: nothing torments it.
    """

    def __init__(self, processes, specs, probe, rng, kills, calm):
        from arm_commands import ArmWatch

        from cosmos_policy_ros.bringup.share import config_file
        from cosmos_policy_ros.nodes.station import Station
        from cosmos_policy_ros.safety.config import load_config
        self._processes, self._specs, self._probe, self._rng = processes, specs, probe, rng
        self._config = load_config(config_file('safety.yaml'))
        self.watch, self.station = ArmWatch(probe), Station('operator')
        self._relay(probe)
        self.faults, self.stops, self.outcomes = Counter(), Counter(), Counter()
        self.problems, self.checked = [], 0
        self._explained = {}                       # cause id -> wall time until which it is explained
        self._seen_event, self._history = 0, []
        self._memory = defaultdict(list)           # (executable, pid) -> [(s, MB)]
        self._begun = {name: time.monotonic() for name in specs}
        self._undo = []                            # [(wall time, function)]
        self._torments = () if calm else (
            *(self._kill,) * 2 * kills, self._press, self._freeze_camera, self._drop_camera, self._flood, self._set_clock,
            self._stop_process, self._intrude, self._send_bad_rows)

    def _relay(self, probe):
        from sensor_msgs.msg import CameraInfo, Image
        self._image, self._last_image = lambda image: image, None
        out = probe.publisher(Image, '/cam_high/camera/color/image_rect_raw')
        info = probe.publisher(CameraInfo, '/cam_high/camera/color/camera_info')

        def forward(image):
            sent = self._image(image)
            self._last_image = image
            if sent is not None:
                out.publish(sent)
                info.publish(CameraInfo(header=sent.header))
        probe.listen(Image, FRONT, forward)

    def run(self, until):
        """Episodes until wall time ``until``."""
        from cosmos_policy_ros.action import RunRollout
        fault_at, rollout, begun, episode = time.monotonic() + 30 if self._torments else math.inf, None, 0.0, 0
        while time.monotonic() < until:
            time.sleep(POLL)
            now = time.monotonic()
            self._check(now)
            if now >= fault_at:
                fault_at = now + self._rng.expovariate(1 / BETWEEN_FAULTS)
                self._rng.choice(self._torments)(now)
            for due, function in [entry for entry in self._undo if entry[0] <= now]:
                self._undo.remove((due, function))
                function()
            if self.watch.status is not None and self.watch.status.state in (6, 7, 8) and not self.watch.status.blockers:
                self.station.reset()
            if rollout is None and self.watch.status is not None and self.watch.status.state_name == 'READY':
                episode += 1
                rollout, begun = self.station.rollout(RunRollout.Goal(
                    task='plate', seed=episode, step_limit=150, mode='direct')), now
            result = self._advance(rollout) if rollout else None
            if result is not None or (rollout and now > begun + 120):
                self.outcomes[result.outcome if result else 'given up'] += 1
                rollout = None
        self._mend()

    @staticmethod
    def _advance(rollout):
        try:
            return rollout.advance()
        except RuntimeError:  # the one before has not ended yet
            return None

    def _check(self, now):
        death = self._processes.first_death()
        if death:
            self.problems.append(str(death))
            self._start(death.name)
        status = self.watch.status
        for cause in status.causes if status is not None else ():
            if cause.event_id > self._seen_event and cause.severity >= HOLD:
                self.stops[cause.id] += 1
                if not now < self._explained.get(cause.id, 0.0):
                    recent = [f'{name} {now - at:.0f} s ago' for at, name in self._history[-3:]]
                    self.problems.append(f'no fault explains: {cause.text}; {", ".join(recent)}')
        if status is not None:
            self._seen_event = status.last_event_id
        self._check_commands()
        for name in self._specs:
            pid = self._processes.pid(name)
            if not self._memory[name, pid] or now > self._memory[name, pid][-1][0] + 5:
                self._memory[name, pid].append((now, own_memory(pid)))

    def _check_commands(self):
        lower, upper = np.array(self._config.arm_lower), np.array(self._config.arm_upper)
        longest = np.array(self._config.arm_speed) * self._config.row_period * 1.01
        for side, commands in self.watch._commands.items():
            taken = commands[:-1]
            del commands[:-1]
            self.checked += len(taken)
            for (at, row), (later, after) in zip(taken, [*taken[1:], *commands]):
                if not (np.isfinite(row).all() and (row >= lower - 1e-4).all() and (row <= upper + 1e-4).all()):
                    self.problems.append(f'{side.value} at {at:.2f} s: {row.tolist()}')
                # A command that comes long after the last one is the measured pose of a new arming.
                if 0 < later - at <= self._config.row_period and (np.abs(after - row) > longest).any():
                    self.problems.append(f'{side.value} at {later:.2f} s: {np.abs(after - row).max():.3f} rad at once')

    def _explain(self, name, causes, now, last=EXPLAINS):
        self.faults[name] += 1
        self._history.append((now, name))
        for cause in causes:
            self._explained[cause] = max(self._explained.get(cause, 0.0), now + last)

    def _start(self, name):
        self._begun[name] = time.monotonic()
        self._processes.start([self._specs[name]])

    def _kill(self, now):
        name = self._rng.choice(list(self._specs))
        causes = {'policy_node': {'policy_starved'}, 'supervisor_node': LOST | SENSING, 'sim_node': LOST | SENSING,
                  'safety_monitor_node': {'camera_frozen', 'policy_starved'}, 'rollout_node': {'policy_starved'},
                  # The middleware announces the dead one for some seconds more, beside the new one.
                  'guard_node': {'duplicate_publisher'}}
        self._explain(f'kill {name}', causes.get(name, set()), now, 60)
        os.kill(self._processes.pid(name), signal.SIGKILL)
        while self._processes.first_death() is None:
            time.sleep(0.01)
        self._undo.append((now + self._rng.uniform(0.0, 4.0), lambda: self._start(name)))
        self._wait_for(name)

    def _wait_for(self, name):
        """Nothing else is looked at until the process runs again: its death is known."""
        while any(True for _ in self._undo) and self._processes.first_death():
            due, function = self._undo[-1]
            time.sleep(max(0.0, due - time.monotonic()))
            self._undo.pop()
            function()

    def _press(self, now):
        self._explain('press', {'stop_pressed'}, now)
        self.station.press()
        self._undo.append((now + self._rng.uniform(0.05, 3.0), self.station.release))

    def _camera(self, name, change, now, causes):
        self._explain(name, causes, now)
        self._image = change
        self._undo.append((now + self._rng.uniform(0.5, 5.0), self._mend_camera))

    def _mend_camera(self):
        self._image = lambda image: image

    def _freeze_camera(self, now):
        frozen = self._last_image

        def change(image):
            image.data = frozen.data if frozen is not None else image.data
            return image
        self._camera('frozen camera', change, now, {'camera_frozen', 'policy_starved'})

    def _drop_camera(self, now):
        self._camera('lost camera', lambda image: None, now, {'camera_stale', 'camera_frozen', 'policy_starved'})

    def _flood(self, now):
        from std_msgs.msg import Header

        from cosmos_policy_ros.msg import ActionChunk, JointSetpoint, PictureFingerprint, StopSource
        kind, topic = self._rng.choice([(JointSetpoint, 'setpoint'), (ActionChunk, 'chunk'), (StopSource, 'stop'),
                                        (PictureFingerprint, 'picture_fingerprint'), (Header, 'source_heartbeat')])
        self._explain(f'flood {topic}', {'policy_starved', 'stop_source_lost', 'loop_overrun', 'clock_step'}, now)
        publisher = self._probe.publisher(kind, f'/cosmos_policy/{topic}')
        for _ in range(2000):
            publisher.publish(kind())
        self._probe.forget(publisher)

    def _set_clock(self, now):
        """The clock jumps by an hour and, with the simulator's next step, back again."""
        from rosgraph_msgs.msg import Clock

        from cosmos_policy_ros.nodes.clock import time_message
        if self.watch.now is None:
            return
        self._explain('set clock', SENSING | LOST, now)
        publisher = self._probe.publisher(Clock, '/clock')
        time.sleep(0.3)
        publisher.publish(Clock(clock=time_message(max(0.01, self.watch.now + self._rng.choice((-3600.0, 3600.0))))))
        time.sleep(0.1)
        self._probe.forget(publisher)

    def _stop_process(self, now):
        """A process stands still for a while; the simulator waits for it, or does not."""
        name = self._rng.choice(list(self._specs))
        self._explain(f'pause {name}', SENSING | LOST, now, 40)
        os.kill(self._processes.pid(name), signal.SIGSTOP)
        time.sleep(self._rng.uniform(0.05, 1.5))
        os.kill(self._processes.pid(name), signal.SIGCONT)

    def _intrude(self, now):
        from interbotix_xs_msgs.msg import JointGroupCommand
        self._explain('second publisher', {'duplicate_publisher'}, now)
        publisher = self._probe.publisher(JointGroupCommand, '/follower_right/commands/joint_group')
        self._undo.append((now + 3.0, lambda: self._probe.forget(publisher)))

    def _send_bad_rows(self, now):
        from cosmos_policy_ros.msg import JointSetpoint
        from cosmos_policy_ros.nodes.clock import time_message
        status = self.watch.status
        if status is None or self.watch.now is None:
            return
        self._explain('bad rows', BAD_ROWS, now)
        publisher = self._probe.publisher(JointSetpoint, '/cosmos_policy/setpoint')
        time.sleep(0.3)
        for number in range(20):
            row = JointSetpoint(source='policy', epoch=status.epoch, sequence=10_000 + number, positions=[
                self._rng.choice((float('nan'), 3.0, -1e9)) for _ in range(14)])
            row.header.stamp = time_message(self.watch.now)
            publisher.publish(row)
        self._probe.forget(publisher)

    def _mend(self):
        for _, function in self._undo:
            function()
        self._undo.clear()
        self._mend_camera()

    def growth(self):
        """(executable, MB, MB/h, MB/h in the second half, s) of the longest life of each process, after ``WARM_UP``."""
        longest = {}
        for (name, _), samples in self._memory.items():
            kept = [(at, size) for at, size in samples if at > samples[0][0] + WARM_UP]
            if len(kept) > 10 and len(kept) > len(longest.get(name, ())):
                longest[name] = kept
        for name, kept in longest.items():
            at, size = np.array(kept).T
            late = at > (at[0] + at[-1]) / 2
            yield name, size[-1], slope(at, size), slope(at[late], size[late]), at[-1] - at[0]


def slope(at, size):
    """MB/h of sizes (MB) at times (s)."""
    return 3600 * np.polyfit(at - at[0], size, 1)[0]


def own_memory(pid):
    """MB of memory that a process holds for itself: without files and without the shared memory of DDS, of which it touches
    more and more, up to the segments' 128 MB for each process that sends pictures.
    """
    try:
        status = Path(f'/proc/{pid}/status').read_text()
    except OSError:
        return 0.0
    anonymous = re.search(r'^RssAnon:\s+(\d+) kB', status, re.MULTILINE)
    return int(anonymous[1]) * 1024 / 1e6 if anonymous else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hours', type=float, default=0.17)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--no-kills', action='store_true', help='every process lives on, so that its memory can be judged')
    parser.add_argument('--calm', action='store_true', help='nothing is broken: what grows then grows by itself')
    options = parser.parse_args()
    with free_domain() as domain, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(ros_environment(domain))
        own = {'supervisor_node': {'latch_file': str(folder / 'latch.json')}, 'sim_node': {'cam_high_topic': FRONT},
               'rollout_node': {'record': False}}
        specs = {spec.executable: replace(spec, parameters={**spec.parameters, **own.get(spec.executable, {})})
                 for spec in graph(GraphOptions(output=str(folder)), simulated=True) if spec.executable != 'recorder_node'}
        with ProcessGroup(ros_environment(domain), folder / 'logs') as processes, Probe(domain) as probe:
            processes.start(specs.values())
            soak = Soak(processes, specs, probe, random.Random(options.seed), not options.no_kills, options.calm)
            try:
                soak.run(time.monotonic() + 3600 * options.hours)
            finally:
                soak.station.close()
    print(f'{options.hours} h, seed {options.seed}: {soak.checked} commands checked, episodes {dict(soak.outcomes)}')
    print(f'faults {dict(soak.faults)}')
    print(f'stops {dict(soak.stops)}')
    for executable, size, whole, late, lasted in soak.growth():
        print(f'{executable}: {size:.0f} MB, {whole:+.1f} MB/h over {lasted:.0f} s, {late:+.1f} MB/h in the second half')
    for problem in soak.problems[:20]:
        print(f'PROBLEM {problem}')
    print(f'{len(soak.problems)} problems  [python benchmarks/soak.py]')
    sys.exit(1 if soak.problems or not soak.checked or not soak.outcomes else 0)


if __name__ == '__main__':
    main()
