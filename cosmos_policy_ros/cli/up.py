"""Start a node graph and operate it from this terminal; Ctrl-C stops the arms and ends it."""
from dataclasses import replace
from pathlib import Path

from cosmos_policy_ros.bringup.graph import MODES, graph, simulator_nodes

from .console import CommandError, say
from .desk import operate
from .options import add_graph_options, add_operator_options, graph_options
from .preflight import check_checkpoint, check_rendering, check_space, check_task, known_tasks
from .session import running_graph, writable_folder

GRAPHS = ('sim', *MODES, 'teleop', 'replay')
REPLAY_APPROACH = 250
"""Rows more than a recording has that its replay may take: to go to where it begins, and to hold its last row."""


def add_arguments(parser):
    """Options of ``up``."""
    parser.add_argument('graph', choices=GRAPHS, help='sim: the simulated robot alone; direct, planning: the whole policy graph; '
                        'teleop: leader arms in place of the policy; replay: a recorded episode')
    parser.add_argument('--simulated', action='store_true', help='start the simulated robot too, and what else it needs')
    add_graph_options(parser, without=('mode',))
    parser.add_argument('--step-limit', type=int, default=1100, help='rows of 40 ms that a rollout may take')
    add_operator_options(parser)


def recorded(folder):
    """The ``EpisodeRecord`` of an episode's folder; ``CommandError`` when it is none."""
    from cosmos_policy_ros.rollouts.episode import EpisodeRecord
    try:
        return EpisodeRecord.load(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f'{folder or "no folder"} is no recorded episode: {error}',
                           'give --episode the folder of one, with its episode.json') from error


def run(args):
    """Run until the operator leaves or a process dies."""
    output = writable_folder(args.output)
    mode = 'direct' if args.graph == 'sim' else args.graph
    options = graph_options(args, output=str(output), mode=mode)
    step_limit = args.step_limit
    if mode == 'replay':
        record = recorded(options.episode)
        options = replace(options, task=record.task, seed=record.seed, episode=str(Path(options.episode).resolve()))
        step_limit = (record.steps or 0) + REPLAY_APPROACH
    check_task(options.task, simulated=args.simulated or args.graph == 'sim')
    if args.graph == 'sim' or args.simulated:
        check_rendering()
    if args.graph == 'sim':
        specs = simulator_nodes(options)
    else:
        check_space(output)
        if mode in MODES and not options.server:
            check_checkpoint(options.checkpoint)
        specs = graph(options, simulated=args.simulated)
    from cosmos_policy_ros.nodes.operator import Operator
    with running_graph(specs, args.domain, output, source='operator') as session:
        say(f'up: {", ".join(spec.executable for spec in specs)}; logs in {output / "logs"}; Ctrl-C or "q" ends')
        operator = Operator(session.station, options.task, options.seed, step_limit, mode)
        operate(operator, session.station, sorted(known_tasks()), session.check, session.interruption.deferred, args.lines)
    return {'rollouts': operator.results}, f'up: rollouts={len(operator.results)}', 0
