"""Find what is wrong with machine, robot and running graph, and say the fix. Only looks: nothing is sent or changed."""
from dataclasses import asdict

from cosmos_policy_ros.bringup.diagnosis.catalogue import AREAS
from cosmos_policy_ros.bringup.diagnosis.check import examine
from cosmos_policy_ros.bringup.graph import GraphOptions

from .console import say
from .options import add_graph_options, chosen_domain, graph_options

OPTIONS = ('task', 'checkpoint', 'device', 'server', 'robot', 'cameras', 'safety', 'output')
"""Graph options that tell what has to be there."""

EXPECT = ('auto', 'nothing', 'robot', 'graph')


def add_arguments(parser):
    """Options of ``doctor``."""
    add_graph_options(parser, without=[name for name, *_ in GraphOptions.describe() if name not in OPTIONS])
    parser.add_argument('--expect', choices=EXPECT, default='auto',
                        help='what has to run already: robot (drivers of arms and cameras), graph (and the nodes of this '
                             'package), nothing (look at the machine only), auto (judge what is there)')
    parser.add_argument('--network', choices=('one-host', 'as-set'), default='one-host',
                        help='one-host: look as the nodes do that this command starts; as-set: with the settings of this '
                             'terminal, as launch files do')
    parser.add_argument('--window', type=float, default=3.0, help='s for which cameras and joint states are listened to')


def run(args):
    """Run all checks; exit code 1 when one finds something."""
    from .snapshot import Snapshot
    domain = chosen_domain(args.domain)
    findings = Snapshot(graph_options(args), args.expect, domain, args.window, args.network == 'one-host').take()
    verdicts = examine(findings, AREAS)
    for area in AREAS:
        mine = [verdict for verdict in verdicts if verdict.area == area]
        for verdict in mine:
            if verdict.looked:
                say(_line(verdict))
        unseen = [verdict.check for verdict in mine if not verdict.looked]
        if unseen:
            say(f'--     {area}: not looked at: {", ".join(unseen)}')
    if args.expect == 'auto' and not findings.expected.robot:
        say(f'no robot and no graph runs in ROS domain {domain}: start one, then ask again')
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    looked = sum(verdict.looked for verdict in verdicts)
    summary = f'doctor: wrong={len(wrong)} looked={looked} checks={len(verdicts)}'
    return {'wrong': len(wrong), 'findings': [asdict(verdict) for verdict in verdicts]}, summary, int(bool(wrong))


def _line(verdict):
    name = f'{verdict.area}: {verdict.check}'
    if not verdict.wrong:
        return f'ok     {name}'
    return '\n'.join(f'WRONG  {name}: {found}\n       fix: {fix}' for found, fix in verdict.found)
