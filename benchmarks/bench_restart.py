"""How soon a receiver that was killed and started again hears its peer, by UDP against shared memory in the same run.

    python benchmarks/bench_restart.py --kills 40

A process that receives thousands of messages a second is killed (kill -9) in a random moment and started anew, again and
again, while its peer goes on sending. Exit code 1 when one that talks by UDP stayed deaf for ``DEAF`` s.
"""
import argparse
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rclpy
from comparison import line
from std_msgs.msg import Header

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'test' / 'system'))
from graph_probe import free_domain  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment, without_shared_memory  # noqa: E402

TOPICS = 4
PAUSE = 0.0007
"""s between two messages of a topic."""

DEAF = 12.0
"""s after which a receiver counts as deaf."""

RECEIVER = f'''
import rclpy
from cosmos_policy_ros.nodes.running import StreamExecutor
from std_msgs.msg import Header
rclpy.init()
node, heard = rclpy.create_node('receiver'), []
def receive(_):
    if not heard:
        heard.append(True)
        print('heard', flush=True)
for number in range({TOPICS}):
    node.create_subscription(Header, f'/stream_{{number}}', receive, 10)
executor = StreamExecutor()
executor.add_node(node)
print('up', flush=True)
while True:
    executor.spin_once(timeout_sec=1.0)
'''


@contextmanager
def sender():
    """A thread that publishes; yields the list of s that each message took."""
    took, ended = [], threading.Event()
    rclpy.init()
    node = rclpy.create_node('sender')
    publishers = [node.create_publisher(Header, f'/stream_{number}', 10) for number in range(TOPICS)]

    def send():
        message = Header(frame_id='x' * 200)
        while not ended.wait(PAUSE):
            for publisher in publishers:
                begun = time.perf_counter()
                publisher.publish(message)
                took.append(time.perf_counter() - begun)
    thread = threading.Thread(target=send)
    thread.start()
    yield took
    ended.set()
    thread.join()
    node.destroy_node()
    rclpy.shutdown()


def hearing(environment, draw):
    """s from being up to the first message of a receiver that is then killed; None where it stayed deaf."""
    process = subprocess.Popen([sys.executable, '-c', RECEIVER], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == 'up\n'
    begun, heard = time.perf_counter(), []
    listener = threading.Thread(target=lambda: heard.append(process.stdout.readline() and time.perf_counter() - begun))
    listener.start()
    listener.join(DEAF)
    soon = heard[0] if heard else None
    time.sleep(draw.uniform(0.1, 0.3))
    process.kill()
    process.wait()
    listener.join()
    return soon


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=10)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    draw, results = random.Random(options.seed), {'shared memory': [], 'UDP': []}
    with free_domain() as domain:
        os.environ.update(ros_environment(domain))
        receivers = {'shared memory': dict(os.environ), 'UDP': {**os.environ, **without_shared_memory(os.environ)}}
        longest = {}
        for name, environment in receivers.items():
            with sender() as took:
                results[name] = [hearing(environment, draw) for _ in range(options.kills)]
            longest[name] = max(took)
    middle = {}
    for name, times in results.items():
        heard = [seconds for seconds in times if seconds is not None]
        middle[name] = float(np.median(heard))
        print(f'{name}: {len(times) - len(heard)} of {len(times)} deaf, heard after {middle[name]:.2f} s, at most {max(heard):.2f} s; '
              f'the sender was held up for {longest[name]:.2f} s at most')
    ratio = middle['UDP'] / middle['shared memory']
    print(line('bench_restart', ('heard again by UDP after', middle['UDP']), [(ratio, 'shared memory', middle['shared memory'])]))
    sys.exit(None in results['UDP'])


if __name__ == '__main__':
    main()
