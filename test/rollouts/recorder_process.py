"""The recorder as a process with a log."""
import subprocess
import sys
from pathlib import Path

from cosmos_policy_ros.bringup.environment import ros_environment


class Recorder:
    """A recorder in a ROS domain, with its parameters; its log lies beside the folder ``output``."""

    def __init__(self, domain, output, **parameters):
        arguments = [word for name, value in {'output': output, **parameters}.items()
                     for word in ('-p', f'{name}:={value}')]
        self.log = open(f'{output}.log', 'w')
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'cosmos_policy_ros.nodes.recorder_node', '--ros-args', *arguments],
            env=ros_environment(domain), stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def end(self, number):
        """Send a signal and wait; returns what it said."""
        self.process.send_signal(number)
        self.process.wait(60)
        return self.said()

    def said(self):
        """Its log so far."""
        return Path(self.log.name).read_text()
