"""Graph options as command line options."""
import os

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
