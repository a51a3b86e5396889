"""Attach to a running graph as its operator: stop button, reset, rollouts, state.

Started beside a launch file, this terminal is the stop source that the supervisor requires. Commands, each followed by
Enter: (nothing) stop, "r" release and reset, "g" run a rollout, "c" cancel it, "q" quit.
"""
import os
import select
import sys
import time

from cosmos_policy_ros.bringup.environment import ros_environment

from .console import CommandError, LiveLine, say
from .options import chosen_domain
from .preflight import check_task

POLL = 0.05
PATIENCE = 10.0
"""s in which a supervisor has to be heard."""


def add_arguments(parser):
    """Options of ``operate``."""
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id; the environment\'s by default')
    parser.add_argument('--one-host', action='store_true', help='use the shipped loopback profile, as "up" does')
    parser.add_argument('--task', default='plate', help='task of the rollouts that "g" starts')
    parser.add_argument('--seed', type=int, default=0, help='seed of the first one; rises by one a rollout')
    parser.add_argument('--step-limit', type=int, default=1100, help='rows of 40 ms that a rollout may take')


def run(args):
    """Attach until "q" or Ctrl-C, which presses the stop first when the arms are armed."""
    check_task(args.task, simulated=False)
    number = chosen_domain(args.domain)
    os.environ.update(ros_environment(number) if args.one_host else {'ROS_DOMAIN_ID': str(number)})
    from cosmos_policy_ros.nodes.station import Station
    with Station('operator') as station:
        deadline = time.monotonic() + PATIENCE
        while station.status is None:
            if time.monotonic() > deadline:
                raise CommandError(f'no supervisor was heard in domain {number} for {PATIENCE:.0f} s',
                                   'start the graph first, check the domain, and --one-host if it was started by "up"')
            time.sleep(POLL)
        return _Desk(station, args).serve()


class _Desk:
    """The loop of one operator: keys in, one line out."""

    def __init__(self, station, args):
        self._station, self._args = station, args
        self._rollout, self._seed, self._line = None, args.seed, LiveLine()
        self._results = []

    def serve(self):
        """Serve keys until the operator leaves; returns what a command returns."""
        say('Enter: stop   r: reset   g: run a rollout   c: cancel it   q: quit')
        try:
            while self._key(_typed(POLL)):
                self._follow()
                self._line.show(self._state())
        except KeyboardInterrupt:
            self._line.end()
        if self._station.status.armed:
            say('stopping the arms before this stop source leaves')
            self._station.press()
            time.sleep(3 * POLL)
        return {'rollouts': self._results}, f'operate: rollouts={len(self._results)}', 0

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
        elif key == 'c' and self._rollout is not None:
            self._rollout.cancel()
        return key != 'q'

    def _reset(self):
        self._station.release()
        time.sleep(1.0)  # the supervisor wants it released for half a second
        reply = self._station.reset()
        say('reset: ' + ('accepted; nothing moves until you arm again' if reply and reply.accepted
                         else '; '.join(reply.blockers) if reply else 'the supervisor does not answer'))

    def _start(self):
        from cosmos_policy_ros.action import RunRollout
        if self._rollout is not None:
            say('a rollout is running; "c" cancels it')
            return
        self._rollout = self._station.start(RunRollout.Goal(
            task=self._args.task, seed=self._seed, step_limit=self._args.step_limit, mode='direct'))
        self._seed += 1

    def _follow(self):
        if self._rollout is None:
            return
        try:
            result = self._rollout.advance()
        except RuntimeError as error:
            say(str(error))
            self._rollout = None
            return
        if result is not None:
            self._line.end()
            say(f'rollout: outcome={result.outcome} steps={result.steps} bag={result.bag or "none"} {result.message}'.rstrip())
            self._results.append({'outcome': result.outcome, 'steps': result.steps, 'bag': result.bag})
            self._rollout = None

    def _state(self):
        status = self._station.status
        causes = ', '.join(cause.id for cause in status.causes) or 'none'
        row = f'  row {self._station.feedback.step}' if self._rollout is not None and self._station.feedback else ''
        return f'safety {status.state_name}  authority {status.authority or "none"}  causes {causes}{row}'


def _typed(patience):
    """A line typed within ``patience`` s, without its end; None when there was none. An end of input counts as "q"."""
    if not select.select([sys.stdin], [], [], patience)[0]:
        return None
    line = sys.stdin.readline()
    return line.strip().lower() if line else 'q'
