"""The command line as a process of its own, and a look at what it leaves behind."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = 'COSMOS_POLICY_TEST'
"""Environment variable that every process of a test inherits; its value names the test."""

SMALL_CAMERAS = str(Path(__file__).with_name('small_cameras.yaml'))
"""Parameter file of cameras with pictures of a quarter of the size."""

FULL_CAMERAS = 'cameras_realsense.yaml'
"""The default, named: for tests that judge pictures."""

SEED = 1000
"""A scene of the task "plate" in which the shipped checkpoint succeeds."""


def marked(mark):
    """Process ids that carry a mark, without this process."""
    found = []
    for entry in Path('/proc').iterdir():
        try:
            if entry.name.isdigit() and f'{MARK}={mark}'.encode() in (entry / 'environ').read_bytes().split(b'\0'):
                found.append(int(entry.name))
        except OSError:  # gone meanwhile, or a kernel thread
            pass
    return [pid for pid in found if pid != os.getpid()]


class Command:
    """``cosmos-policy-ros`` with arguments; a context manager that kills what is left."""

    def __init__(self, *arguments, folder, **environment):
        self.output, self.mark = Path(folder), f'{os.getpid()}-{time.monotonic_ns()}'
        self._out, self._err = (open(self.output / name, 'w+') for name in ('stdout.txt', 'stderr.txt'))
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'cosmos_policy_ros.cli.main', *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=self._out, stderr=self._err, start_new_session=True,
            env={**os.environ, 'PYTHONFAULTHANDLER': '1', **environment, MARK: self.mark})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in [self.process.pid, *self.left()]:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait()

    def end(self, patience):
        """Wait for the exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # for Python to show where it hangs
            self.process.wait()
            raise AssertionError(f'still running after {patience} s:\n{self.said()}') from None

    def said(self):
        """Everything it wrote to standard error so far."""
        return Path(self._err.name).read_text()

    def last_line(self):
        """Last line of standard output."""
        return (Path(self._out.name).read_text().splitlines() or [''])[-1]

    def facts(self):
        """``key=value`` pairs of the last line."""
        return dict(re.findall(r'(\w+)=(\S+)', self.last_line()))

    def left(self):
        """Process ids of this command that still run, itself excluded."""
        return [pid for pid in marked(self.mark) if pid != self.process.pid or self.process.poll() is None]
