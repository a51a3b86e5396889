"""One operator's loop in a terminal: keys in, state out; a full screen where there is one, else one line."""
import select
import sys
import time
from contextlib import nullcontext

from .console import LiveLine, say
from .keys import HELP, LEAVE, press

POLL = 0.05


def operate(operator, station, tasks, check=lambda: None, unbroken=nullcontext, lines=False):
    """Serve an operator until the key "q" or ``KeyboardInterrupt``, which is passed on; then the stop is pressed if the arms
    are armed.

    Args:
        operator: an ``Operator`` at ``station``, a ``Station``. tasks: names to choose from. check: called in every round;
            raises when the graph is no longer whole. unbroken: makes a context in which signals only take effect in ``check``.
            lines: no full screen, even on a terminal.
    """
    try:
        if lines or not (sys.stdin.isatty() and sys.stderr.isatty()):
            Desk(operator, station, tasks, check).serve()
        else:
            from .terminal_station import TerminalStation
            with unbroken():
                TerminalStation(operator, station, tasks, check).serve()
    finally:
        if station.status is not None and station.status.armed:
            say('stopping the arms before this stop source leaves')
            station.press()
            time.sleep(3 * POLL)


class Desk:
    """Serves ``keys``, each followed by Enter, and shows the supervisor's state in one line. Arguments as for ``operate``."""

    def __init__(self, operator, station, tasks, check):
        self._operator, self._station, self._tasks, self._check = operator, station, tasks, check
        self._line, self._reading, self._told = LiveLine(), True, 0

    def serve(self):
        """Serve until "q" or ``KeyboardInterrupt``, which is passed on."""
        say(HELP)
        try:
            while True:
                self._check()
                if not self._key(self._typed()):
                    return
                self._operator.follow()
                self._tell()
                self._line.show(self._state())
        finally:
            self._line.end()

    def _typed(self):
        """A line typed within one poll, without its end; None when there was none. Without a terminal nothing is read."""
        if not self._reading:
            time.sleep(POLL)
            return None
        if not select.select([sys.stdin], [], [], POLL)[0]:
            return None
        line = sys.stdin.readline()
        self._reading = bool(line)
        return line.strip().lower() if line else None

    def _key(self, key):
        if key not in (None, LEAVE) and not press(self._operator, self._tasks, key):
            self._line.end()
            say(HELP)
        return key != LEAVE

    def _tell(self):
        for number, line in list(self._operator.said):
            if number > self._told:
                self._line.end()
                say(line)
                self._told = number

    def _state(self):
        status = self._station.status
        if status is None:
            return 'waiting for the safety supervisor'
        causes = ', '.join(cause.id for cause in status.causes) or 'none'
        running = self._operator.situation().rollout and self._station.feedback
        row = f'  row {running.step}' if running else ''
        return (f'safety {status.state_name}  authority {status.authority or "none"}  causes {causes}  '
                f'clamped {status.rows_clamped}  refused {status.rows_refused}{row}')
