"""Check, prepare, park, recover the arms of a running graph, or calibrate their grippers.

A graph with arm_bringup and an operator's stop source has to run: "up" or a launch file with "operate" beside it.
"""
import sys

from .console import CommandError, LiveLine, say
from .options import add_attach_options, attach

SERVICES = {'check': 'check', 'prepare': 'prepare', 'park': 'park', 'recover': 'recover', 'calibrate': 'calibrate_grippers'}
NODE = '/arm_bringup'
CONFIRM = 'confirm: '


def add_arguments(parser):
    """Options of ``arms``."""
    parser.add_argument('operation', choices=tuple(SERVICES), help='check: start-up checks, each with its fix; prepare: modes, '
                        'gains, torque, then both arms to the start pose; park: to the sleep pose; recover: restart motors '
                        'that have switched themselves off; calibrate: measure the grippers')
    add_attach_options(parser)
    parser.add_argument('--yes', action='store_true', help='somebody supports the arm already: do not ask')
    parser.add_argument('--patience', type=float, default=180.0, help='s that the operation may take')


def run(args):
    """Ask for one operation, twice where a person has to support an arm first."""
    number = attach(args)
    from cosmos_policy_ros.nodes.trigger import TriggerCall
    with TriggerCall(f'{NODE}/{SERVICES[args.operation]}', 'cosmos_policy arms: bring-up') as call:
        reply = _ask(call, args, number)
        if not reply.success and reply.message.startswith(CONFIRM):
            _confirm(reply.message.removeprefix(CONFIRM), args.yes)
            reply = _ask(call, args, number)
    if not reply.success:
        raise CommandError(f'{args.operation}: {reply.message}', 'mend the first line, then repeat this command')
    return {'operation': args.operation, 'message': reply.message}, f'{args.operation}: {reply.message}', 0


def _ask(call, args, number):
    line = LiveLine()
    reply = call.trigger(args.patience, line.show)
    line.end()
    if reply is None:
        raise CommandError(f'{args.operation}: {NODE} in domain {number} has not answered',
                           'start the graph with bringup:=true, check the domain, and --one-host if it was started by "up"')
    return reply


def _confirm(demand, given):
    say(demand)
    if given:
        return
    if not sys.stdin.isatty() or input('supported? [y/N] ').strip().lower() not in ('y', 'yes'):
        raise CommandError('not confirmed; nothing was done', 'support the arm, then repeat this command, or give --yes')
