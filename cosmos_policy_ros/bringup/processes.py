"""The node graph as supervised processes: started together, watched, and ended together."""
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

GRACE = 8.0
"""Seconds a process has after SIGINT to brake, close its bag and leave, before SIGTERM and then SIGKILL."""

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Death:
    """A process that ended by itself."""

    name: str
    code: int
    log: Path

    def __str__(self):
        how = f'was killed by signal {-self.code}' if self.code < 0 else f'ended with exit code {self.code}'
        return f'{self.name} {how}; the end of {self.log}:\n{tail(self.log)}'


def tail(path, lines=12):
    """Last lines of a text file."""
    try:
        return '\n'.join(Path(path).read_text(errors='replace').splitlines()[-lines:])
    except OSError as error:
        return f'({error})'


def follow_parent(parent):
    """In the child: ask the kernel for a SIGINT when the parent dies, however it dies (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)


class ProcessGroup:
    """Node processes with one log file each. Use as a context manager; leaving it ends every process."""

    def __init__(self, environment, log_folder):
        self._environment = environment
        self.folder = Path(log_folder)
        self._processes, self._dismissed = {}, {}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self, name):
        """Path of one process's log."""
        return self.folder / f'{name}.log'

    def pid(self, name):
        """Process id of one node."""
        return self._processes[name].pid

    def start(self, specs):
        """Start a process for every ``NodeSpec``."""
        parent = os.getpid()
        for spec in specs:
            command = [sys.executable, '-m', f'cosmos_policy_ros.nodes.{spec.executable}', *spec.ros_arguments()]
            with open(self.log(spec.executable), 'wb') as log:
                self._processes[spec.executable] = subprocess.Popen(
                    command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    start_new_session=True, preexec_fn=partial(follow_parent, parent))

    def first_death(self):
        """The first process found ended, or None."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                return Death(name, process.returncode, self.log(name))
        return None

    def dismiss(self, name):
        """Ask one process to end, so that another can be started in its place once ``dismissed``."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGINT)
        self._dismissed[name] = process, time.monotonic() + GRACE

    def dismissed(self, name):
        """Whether a dismissed process has ended; past its grace it is killed."""
        process, deadline = self._dismissed[name]
        if process.poll() is None and time.monotonic() > deadline:
            process.kill()
        return process.poll() is not None

    def stop(self):
        """End all processes: SIGINT, then SIGTERM, then SIGKILL; returns {name: exit code}. Repeated calls do nothing."""
        for number, grace in ((signal.SIGINT, GRACE), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
            dismissed = (process for process, _ in self._dismissed.values())
            running = [p for p in (*self._processes.values(), *dismissed) if p.poll() is None]
            for process in running:
                process.send_signal(number)
            deadline = time.monotonic() + grace
            for process in running:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    pass
        codes = {name: process.poll() for name, process in self._processes.items()}
        self._processes.clear()
        return codes
