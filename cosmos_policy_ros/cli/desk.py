"""One operator's loop in a terminal: keys in, one line out."""
import select
import sys
import time

from .console import LiveLine, say

POLL = 0.05
KEYS = 'Enter: stop   r: reset   g: run a rollout   s, f: end it as success, failure   c: cancel it   q: quit'
LABELS = {'s': 'success', 'f': 'failure'}
RELEASE_TIME = 1.0
"""s between letting go of the stop and asking for the reset; the supervisor wants half a second."""


class Desk:
    """Serves the keys of ``KEYS``, each followed by Enter, and shows the supervisor's state.

    Args:
        station: a ``Station``. task: of the rollouts. seed: of the first, rises by one. step_limit: rows of a rollout.
        check: called in every round; raises when the graph is no longer whole.
    """

    def __init__(self, station, task, seed, step_limit, mode='direct', check=lambda: None):
        self._station, self._task, self._seed, self._step_limit, self._mode = station, task, seed, step_limit, mode
        self._check, self._line, self._rollout = check, LiveLine(), None
        self._reading = True
        self.results = []

    def serve(self):
        """Serve until "q" or ``KeyboardInterrupt``, which is passed on; then the stop is pressed if the arms are armed."""
        say(KEYS)
        try:
            while True:
                self._check()
                if not self._key(self._typed()):
                    return
                self._follow()
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
        if key is None:
            return True
        self._line.end()
        if key == '':
            self._station.press()
            say('stop pressed')
        elif key == 'r':
            self._reset()
        elif key == 'g':
            self._start()
        elif key in LABELS:
            self._label(LABELS[key])
        elif key == 'c' and self._rollout is not None:
            self._rollout.cancel()
        elif key != 'q':
            say(KEYS)
        return key != 'q'

    def _reset(self):
        self._station.release()
        time.sleep(RELEASE_TIME)
        reply = self._station.reset()
        if reply is None:
            say('reset: the supervisor does not answer')
        else:
            say('reset: accepted; nothing moves until the arms are given away again' if reply.accepted
                else 'reset refused: ' + '; '.join(reply.blockers))

    def _label(self, outcome):
        reply = self._station.label(outcome)
        if reply is None:
            say('label: the conductor does not answer')
        elif not reply.accepted:
            say(f'label refused: {reply.message}')

    def _start(self):
        from cosmos_policy_ros.action import RunRollout
        if self._rollout is not None:
            say('a rollout is running; "c" cancels it')
            return
        self._rollout = self._station.rollout(RunRollout.Goal(task=self._task, seed=self._seed,
                                                            step_limit=self._step_limit, mode=self._mode))
        self._seed += 1

    def _follow(self):
        if self._rollout is None:
            return
        try:
            result = self._rollout.advance()
        except RuntimeError as error:
            self._line.end()
            say(str(error))
            self._rollout = None
            return
        if result is not None:
            self._line.end()
            say(f'rollout: outcome={result.outcome} steps={result.steps} bag={result.bag or "none"} {result.message}'.rstrip())
            self.results.append({'outcome': result.outcome, 'steps': result.steps, 'bag': result.bag})
            self._rollout = None

    def _state(self):
        status = self._station.status
        if status is None:
            return 'waiting for the safety supervisor'
        causes = ', '.join(cause.id for cause in status.causes) or 'none'
        row = f'  row {self._station.feedback.step}' if self._rollout is not None and self._station.feedback else ''
        return (f'safety {status.state_name}  authority {status.authority or "none"}  causes {causes}  '
                f'clamped {status.rows_clamped}  refused {status.rows_refused}{row}')
