"""A running node graph as a command holds it: processes, station, and their common end."""
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.processes import ProcessGroup

from .console import CommandError, say
from .options import chosen_domain

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


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handling(handler):
    """Let ``handler`` take the signals that ask for an end."""
    before = {number: signal.signal(number, handler) for number in ENDINGS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def ended_in_full(processes, output):
    """On the way out, end all processes and close what a killed recorder left, whoever asks for hurry meanwhile."""
    try:
        yield
    finally:
        with handling(signal.SIG_IGN):
            processes.stop()
            _close_abandoned_recordings(output)


def _close_abandoned_recordings(output):
    from cosmos_policy_ros.rollouts.bag import RecordingError
    from cosmos_policy_ros.rollouts.recovery import recover
    try:
        for folder in recover(output):
            say(f'the recorder was killed; what it had written is in {folder}')
    except (OSError, RecordingError) as error:
        say(f'a recording in {output} could not be closed: {error}')


@contextmanager
def running_graph(specs, domain, output, source):
    """Start the processes and a station beside them; yields (station, processes). All are gone afterwards.

    Every signal that asks for an end takes the same way out as Ctrl-C. Logs go to ``<output>/logs``, and ``output`` is
    where a recorder among the processes puts its episodes.

    Raises:
        CommandError: nodes of this package already run in the domain.
    """
    number = chosen_domain(domain)
    environment = ros_environment(number)
    os.environ.update(environment)  # the station is a node of this very process
    from cosmos_policy_ros.nodes.station import Station
    with handling(signal.default_int_handler), Station(source) as station:
        others = station.others()
        if others:
            raise CommandError(f'ROS domain {number} already has {", ".join(others)}',
                               'end them, or choose a free domain with --domain N')
        with ProcessGroup(environment, output / 'logs') as processes, ended_in_full(processes, output):
            processes.start(specs)
            yield station, processes


def check_alive(processes):
    """Raise ``CommandError`` with the end of its log when a process has died."""
    death = processes.first_death()
    if death:
        raise CommandError(str(death), 'mend what the log says, then start again')

