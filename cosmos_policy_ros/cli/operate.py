"""Attach to a running graph as its operator: stop, reset, rollouts, state.

Beside a launch file this terminal is the stop source "operator" that the supervisor requires; "up" brings its own.
"""
import os
import time

from cosmos_policy_ros.bringup.environment import ros_environment

from .console import CommandError
from .desk import POLL, Desk
from .options import chosen_domain
from .preflight import check_task

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
    """Attach until "q" or Ctrl-C; the stop is pressed first when the arms are armed."""
    check_task(args.task, simulated=False)
    number = chosen_domain(args.domain)
    os.environ.update(ros_environment(number) if args.one_host else {'ROS_DOMAIN_ID': str(number)})
    from cosmos_policy_ros.nodes.operator import Operator
    from cosmos_policy_ros.nodes.station import Station
    with Station('operator') as station:
        deadline = time.monotonic() + PATIENCE
        while station.status is None:
            if time.monotonic() > deadline:
                raise CommandError(f'no supervisor was heard in domain {number} for {PATIENCE:.0f} s',
                                   'start the graph first, check the domain, and --one-host if it was started by "up"')
            time.sleep(POLL)
        desk = Desk(Operator(station, args.task, args.seed, args.step_limit), station)
        desk.serve()
    return {'rollouts': desk.results}, f'operate: rollouts={len(desk.results)}', 0
