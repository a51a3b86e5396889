"""One operator's loop in a terminal: keys in, one line out."""
import select
import sys
import time

from cosmos_policy_ros.control.operation import Control
from cosmos_policy_ros.control.playback import STEPS

from .console import LiveLine, say

POLL = 0.05
KEYS = ('Enter: stop   r: reset   g: run a rollout   s, f: end it as success, failure   c: cancel it   t: take over   '
        'b: hand back   a: prepare the arms   p: park them   1, 2, 3, 4: a quarter to all of the speed   q: quit')
CONTROLS = {'': Control.STOP, 'r': Control.RESET, 'g': Control.START, 's': Control.SUCCESS, 'f': Control.FAILURE,
            'c': Control.CANCEL, 't': Control.TAKE, 'b': Control.HAND_BACK, 'a': Control.PREPARE, 'p': Control.PARK}
SPEEDS = {str(i + 1): share for i, share in enumerate(STEPS)}


class Desk:
    """Serves the keys of ``KEYS``, each followed by Enter, and shows the supervisor's state.

    Args:
        operator: an ``Operator`` at ``station``, a ``Station``. check: called in every round; raises when the graph is no
            longer whole.
    """

    def __init__(self, operator, station, check=lambda: None):
        self._operator, self._station, self._check = operator, station, check
        self._line, self._reading, self._told = LiveLine(), True, 0

    @property
    def results(self):
        """A dict for each rollout that has ended."""
        return self._operator.results

    def serve(self):
        """Serve until "q" or ``KeyboardInterrupt``, which is passed on; then the stop is pressed if the arms are armed."""
        say(KEYS)
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
            if self._station.status is not None and self._station.status.armed:
                say('stopping the arms before this stop source leaves')
                self._station.press()
                time.sleep(3 * POLL)

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
        if key in CONTROLS:
            self._operator.do(CONTROLS[key])
        elif key in SPEEDS:
            self._operator.set_speed(SPEEDS[key])
        elif key not in (None, 'q'):
            self._line.end()
            say(KEYS)
        return key != 'q'

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
