"""How a node's process ends when it is asked to, in the middle of its work."""
import signal
import subprocess
import sys

import pytest

BUSY = '''
from rclpy.node import Node
from std_msgs.msg import String
from cosmos_policy_ros.nodes.running import run

class Busy(Node):
    def __init__(self):
        super().__init__('busy')
        self._publisher = self.create_publisher(String, '/talk', 10)
        self.create_timer(0.001, self._talk)
        self._said = False

    def _talk(self):
        if not self._said:
            self._said = True
            print('ready', flush=True)
        for _ in range(1_000_000):
            try:
                self._publisher.publish(String(data='x'))
            except KeyboardInterrupt:  # as when it is dropped inside a destructor
                pass

run(Busy)
'''


LARGE = BUSY + '''
import time
from cosmos_policy_ros.nodes.running import LEAVE
time.sleep(LEAVE + 0.5)  # as long as an interpreter full of torch may take on a busy machine
'''


def ended(program=BUSY):
    process = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == 'ready\n'
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        return process.returncode, said
    finally:
        process.kill()


@pytest.mark.parametrize('attempt', range(4))
def test_an_interrupt_inside_a_callback_is_no_error(domain, attempt):
    code, said = ended()
    assert (code, said) == (0, '')


def test_a_process_that_takes_long_to_take_down_is_left_alone(domain):
    assert ended(LARGE) == (0, '')
