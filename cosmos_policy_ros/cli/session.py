"""A running node graph as a command holds it: processes, station, and their common end."""
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.processes import ProcessGroup

from .console import CommandError
from .options import check_domain

POLL = 0.05


def writable_folder(path):
    """The folder, made if missing, as an absolute ``Path``; ``CommandError`` when nothing can be written there."""
    folder = Path(path).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f'.probe-{os.getpid()}'
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandError(f'cannot write to {folder}: {error.strerror}', 'choose another folder with --output') from error
    return folder


@contextmanager
def interruptible():
    """Turn SIGTERM and SIGHUP into ``KeyboardInterrupt``, so that every end takes the same way out."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running_graph(specs, domain, logs, source):
    """Start the processes and a station beside them; yields (station, processes). All are gone afterwards.

    Raises:
        CommandError: nodes of this package already run in the domain.
    """
    check_domain(domain)
    environment = ros_environment(domain)
    os.environ.update(environment)  # the station is a node of this very process
    from cosmos_policy_ros.nodes.station import Station
    with interruptible(), Station(source) as station:
        others = station.others()
        if others:
            number = environment.get('ROS_DOMAIN_ID', '0')
            raise CommandError(f'ROS domain {number} already has {", ".join(others)}',
                               'end them, or choose a free domain with --domain N')
        with ProcessGroup(environment, logs) as processes:
            processes.start(specs)
            yield station, processes


def check_alive(processes):
    """Raise ``CommandError`` with the end of its log when a process has died."""
    death = processes.first_death()
    if death:
        raise CommandError(str(death), 'mend what the log says, then start again')


def wait_for(condition, processes, patience, what):
    """Wait until ``condition()`` is true while all processes live; ``CommandError`` naming ``what`` after ``patience`` s."""
    deadline = time.monotonic() + patience
    while not condition():
        check_alive(processes)
        if time.monotonic() > deadline:
            raise CommandError(f'{what} after {patience:.0f} s', f'see the logs in {processes.folder}')
        time.sleep(POLL)
