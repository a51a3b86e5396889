"""Break the simulated robot, list what can be broken, mend it. There is no such command for a robot."""
import os

from cosmos_policy_ros.bringup.environment import ros_environment

from .console import CommandError
from .options import chosen_domain

ACTIONS = ('list', 'inject', 'mend', 'clear')


def add_arguments(parser):
    """Options of ``fault``."""
    parser.add_argument('action', choices=ACTIONS,
                        help='list: the catalogue and what is active; inject and mend: one fault; clear: mend all')
    parser.add_argument('name', nargs='?', default='', help='which fault, with inject and mend')
    parser.add_argument('--target', default='',
                        help='arm, arm/motor, arm/service or camera, as the list says; all by default')
    parser.add_argument('--value', type=float, default=0.0, help='in the unit that the list gives; 0 takes its default')
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id; the environment\'s by default')


def run(args):
    """Ask the simulator, and print what it says."""
    one = args.action in ('inject', 'mend')
    if one != bool(args.name):
        raise CommandError(f'"fault {args.action}" takes {"the name of a fault" if one else "no name"}',
                           '"cosmos-policy-ros fault list" shows the names')
    domain = chosen_domain(args.domain)
    os.environ.update(ros_environment(domain))
    from cosmos_policy_ros.nodes.fault_client import ask
    name = {'list': '', 'clear': 'clear'}.get(args.action, args.name)
    reply = ask(name, args.target, args.value, args.action == 'inject')
    if reply is None:
        raise CommandError(f'no simulated robot answers in ROS domain {domain}',
                           'start it with "cosmos-policy-ros up sim", or give its --domain')
    if not reply.accepted:
        raise CommandError(reply.message, '"cosmos-policy-ros fault list" shows names, targets and values')
    return {'message': reply.message}, reply.message, 0
