"""Graph options as command line options."""
import os

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.graph import GraphOptions

from .console import CommandError


def _boolean(text):
    if text.lower() in ('true', 'false'):
        return text.lower() == 'true'
    raise ValueError(text)


def add_graph_options(parser, without=()):
    """Add an option for each field of ``GraphOptions``, and the ROS domain."""
    for name, kind, default, description, choices in GraphOptions.describe():
        if name not in without:
            parser.add_argument(f'--{name.replace("_", "-")}', type=_boolean if kind is bool else kind,
                                default=default, choices=choices, help=description)
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id, 0 to 101; the environment\'s by default')


def graph_options(args, **fixed):
    """``GraphOptions`` of parsed arguments."""
    names = [name for name, *_ in GraphOptions.describe()]
    return GraphOptions(**{name: getattr(args, name) for name in names if hasattr(args, name)} | fixed)


def add_attach_options(parser):
    """Options of a command that joins a running graph: see ``attach``."""
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id; the environment\'s by default')
    parser.add_argument('--one-host', action='store_true', help='use the shipped loopback profile, as "up" does')


def attach(args):
    """Set this process's environment for the graph to join; returns the ROS domain id.

    Raises:
        CommandError: see ``chosen_domain``.
    """
    number = chosen_domain(args.domain)
    os.environ.update(ros_environment(number) if args.one_host else {'ROS_DOMAIN_ID': str(number)})
    return number


def add_rollout_options(parser, starts):
    """Options of the rollouts that ``starts``, a key or a button, begins."""
    parser.add_argument('--task', default='plate', help=f'task of the rollouts that "{starts}" starts')
    parser.add_argument('--seed', type=int, default=0, help='seed of the first one; rises by one a rollout')
    parser.add_argument('--step-limit', type=int, default=1100, help='rows of 40 ms that a rollout may take')
    parser.add_argument('--mode', default='direct', help='mode of the rollouts: that of the graph')


def add_operator_options(parser):
    """Options of a command whose terminal is the operator's."""
    parser.add_argument('--lines', action='store_true', help='keys followed by Enter and one line of state, in place of the full '
                        'screen of a terminal')


def chosen_domain(given):
    """The ROS domain id to use: ``given``, else that of the environment, else 0.

    Raises:
        CommandError: it is no number from 0 to 101.
    """
    domain = os.environ.get('ROS_DOMAIN_ID') or 0 if given is None else given
    try:
        if 0 <= int(domain) <= 101:
            return int(domain)
    except ValueError:
        pass
    raise CommandError(f'ROS domain {domain} is none of 0 to 101',
                       'choose another --domain' if given is not None else 'set ROS_DOMAIN_ID, or give --domain')
