"""Attach to a running graph as its operator: stop, reset, rollouts, state.

Beside a launch file this terminal is the stop source "operator" that the supervisor requires; "up" brings its own.
"""
import time

from .console import CommandError
from .desk import POLL, operate
from .options import add_attach_options, add_operator_options, add_rollout_options, attach
from .preflight import check_task, known_tasks
from .session import Interruption

PATIENCE = 10.0
"""s in which a supervisor has to be heard."""


def add_arguments(parser):
    """Options of ``operate``."""
    add_attach_options(parser)
    add_rollout_options(parser, 'g')
    add_operator_options(parser)


def run(args):
    """Attach until "q" or Ctrl-C; the stop is pressed first when the arms are armed."""
    check_task(args.task, simulated=False)
    number = attach(args)
    from cosmos_policy_ros.nodes.operator import Operator
    from cosmos_policy_ros.nodes.station import Station
    with Interruption() as interruption, Station('operator') as station:
        deadline = time.monotonic() + PATIENCE
        while station.status is None:
            if time.monotonic() > deadline:
                raise CommandError(f'no supervisor was heard in domain {number} for {PATIENCE:.0f} s',
                                   'start the graph first, check the domain, and --one-host if it was started by "up"')
            time.sleep(POLL)
        operator = Operator(station, args.task, args.seed, args.step_limit, args.mode)
        operate(operator, station, sorted(known_tasks()), interruption.check, interruption.deferred, args.lines)
    return {'rollouts': operator.results}, f'operate: rollouts={len(operator.results)}', 0
