"""A running node graph as a command holds it: processes, station, and their common end."""
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
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


class Interruption:
    """While entered, every signal that asks for an end raises ``KeyboardInterrupt``, as Ctrl-C does.

    Python drops what a signal handler raises inside a fork hook or a destructor, so loops ask ``check`` as well.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self):
        self._asked = self._deferred = False

    def __enter__(self):
        self._before = {number: signal.signal(number, self._ask) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_):
        self._asked = True
        if not self._deferred:
            raise KeyboardInterrupt

    @contextmanager
    def deferred(self):
        """What must not be cut in two: a signal takes effect after it."""
        self._deferred = True
        yield
        self._deferred = False
        self.check()

    def check(self):
        """Raise ``KeyboardInterrupt`` once a signal has come."""
        if self._asked:
            raise KeyboardInterrupt

    def ignore(self):
        """From here on the end is under way and has no more shortcuts."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_IGN)


@dataclass(frozen=True)
class Session:
    """A running graph: the operator's ``Station``, the ``ProcessGroup`` and what may interrupt them."""

    station: object
    processes: ProcessGroup
    interruption: Interruption

    def check(self):
        """Raise ``KeyboardInterrupt`` after a signal, ``CommandError`` when a process has died, with its log's end."""
        self.interruption.check()
        death = self.processes.first_death()
        if death:
            raise CommandError(str(death), 'mend what the log says, then start again')


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
    """Start the processes and a station beside them; yields a ``Session``. On the way out all of it ends, in full.

    Logs go to ``<output>/logs``; ``output`` is also where a recorder among the processes puts its episodes.

    Raises:
        CommandError: nodes of this package already run in the domain.
    """
    number = chosen_domain(domain)
    environment = ros_environment(number)
    os.environ.update(environment)  # the station is a node of this very process
    with Interruption() as interruption:
        # Python also drops what is raised inside some imports, hence the check once a signal could have been lost there.
        from cosmos_policy_ros.nodes.station import Station
        interruption.check()
        with Station(source) as station:
            yield from _running(station, specs, number, environment, output, interruption)


def _running(station, specs, number, environment, output, interruption):
    """The rest of ``running_graph`` once this process is a station in the domain."""
    others = station.others()
    if others:
        raise CommandError(f'ROS domain {number} already has {", ".join(others)}',
                           'end them, or choose a free domain with --domain N')
    with ProcessGroup(environment, output / 'logs') as processes:
        try:
            with interruption.deferred():
                processes.start(specs)
            yield Session(station, processes, interruption)
        finally:
            interruption.ignore()
            processes.stop()
            _close_abandoned_recordings(output)
