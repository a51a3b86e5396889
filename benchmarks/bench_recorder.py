"""CPU of the recorder's process at three cameras of 640x480 and 30 Hz, against one that subscribes and keeps nothing.

    python benchmarks/bench_recorder.py

Twice: raw pictures, which the recorder compresses, and cameras that send JPEG, which it keeps as they come. Both
processes listen at the same time. A busy computer cannot publish 30 Hz; the shares are scaled to that rate by the
frames that arrived.
"""
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

for room in ('system', 'rollouts'):
    sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / room))

from comparison import line  # noqa: E402
from graph_probe import free_domain  # noqa: E402
from recorder_process import Recorder  # noqa: E402
from robot_streams import RobotStreams  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402
from cosmos_policy_ros.msg import EpisodeEvent  # noqa: E402
from cosmos_policy_ros.rollouts.bag import BagReader  # noqa: E402
from cosmos_policy_ros.rollouts.topics import RobotTopics, recorded_topics  # noqa: E402

RATE = 30.0
SECONDS = 60.0
START_PATIENCE = 120.0
TICKS = os.sysconf('SC_CLK_TCK')


def subscribe(domain, robot, received):
    """The baseline: the recorder's subscriptions, executor and memory, nothing else. ``received`` counts pictures."""
    os.environ.update(ros_environment(domain))
    from cosmos_policy_ros.nodes.background import BackgroundNode
    from cosmos_policy_ros.nodes.realtime import keep_freed_memory
    from cosmos_policy_ros.nodes.recorder_node import BEST_EFFORT, RELIABLE
    from cosmos_policy_ros.nodes.running import StreamExecutor
    pictures = {*robot.images, *robot.compressed_images()}
    keep_freed_memory()

    def count(_):
        received.value += 1

    with BackgroundNode('subscribe_only', executor=StreamExecutor) as background:
        for topic in recorded_topics(robot):
            package, _, name = topic.type.split('/')
            background.node.create_subscription(
                getattr(import_module(f'{package}.msg'), name), topic.topic,
                count if topic.topic in pictures else lambda _: None,
                RELIABLE if topic.reliable else BEST_EFFORT, raw=True)
        signal.pause()


def cpu(pid):
    """s of CPU that a process has used."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(compressed, root):
    """(s of CPU a frame of the recorder, of the baseline, frames/s that arrived)."""
    robot = RobotTopics(compressed=compressed)
    context = multiprocessing.get_context('spawn')
    received = context.Value('l', 0)
    transport = 'compressed' if compressed else 'raw'
    output = Path(root, transport)
    with free_domain() as domain:
        os.environ.update(ros_environment(domain))
        baseline = context.Process(target=subscribe, args=(domain, robot, received), daemon=True)
        baseline.start()
        recording = Recorder(domain, output, minimum_free_gb=0.1, report='false', video='false',
                             camera_transport=transport)
        with RobotStreams(domain, tick=1 / RATE / 4, compressed=compressed) as streams, recording as recorder:
            try:
                streams.wait_for_recorder(START_PATIENCE, listeners=2)
                streams.wait(lambda: received.value > 100, START_PATIENCE)
                streams.event(EpisodeEvent.BEGIN, 'episode')
                streams.wait_for_state('episode', 'recording', patience=START_PATIENCE)
                before, frames = [cpu(process.pid) for process in (recorder.process, baseline)], received.value
                begun = time.monotonic()
                time.sleep(SECONDS)
                used = [cpu(process.pid) - old for process, old in zip((recorder.process, baseline), before)]
                frames, elapsed = received.value - frames, time.monotonic() - begun
                streams.event(EpisodeEvent.END, 'episode', outcome='success', score=1.0)
                streams.wait_for_state('episode', 'finished', patience=START_PATIENCE)
                recorder.end(signal.SIGINT)
            finally:
                baseline.kill()
                baseline.join()
    with BagReader(output / 'episode') as bag:
        audits = [audit for audit in bag.record.topics if audit.topic in robot.compressed_images()]
    kept, dropped = sum(audit.received for audit in audits), sum(audit.dropped for audit in audits)
    assert not dropped and kept >= 0.9 * frames, f'{kept} frames kept, {dropped} dropped, the baseline got {frames}'
    return used[0] / frames, used[1] / frames, frames / elapsed


def main():
    with tempfile.TemporaryDirectory() as root:
        for compressed in (False, True):
            recorder, baseline, rate = measure(compressed, root)
            share = 100 * 3 * RATE * recorder
            print(line('bench_recorder', (f'{"JPEG" if compressed else "raw"} cameras: recorder, a frame', recorder),
                       [(recorder / baseline, 'a subscriber that keeps nothing', baseline)],
                       f'{share:.0f} % of a core at three cameras of 30 Hz (measured at {rate:.0f} frames/s)'),
                  flush=True)


if __name__ == '__main__':
    main()
