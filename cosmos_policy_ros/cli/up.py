"""Start a node graph and operate it from this terminal; Ctrl-C stops the arms and ends it."""
from cosmos_policy_ros.bringup.graph import graph, simulator_nodes

from .console import say
from .desk import Desk
from .options import add_graph_options, graph_options
from .preflight import check_checkpoint, check_rendering, check_space, check_task
from .session import running_graph, writable_folder

GRAPHS = ('sim', 'direct', 'planning')


def add_arguments(parser):
    """Options of ``up``."""
    parser.add_argument('graph', choices=GRAPHS, help='sim: the simulated robot alone; direct, planning: the whole policy graph')
    parser.add_argument('--simulated', action='store_true', help='with direct and planning: start the simulated robot too')
    add_graph_options(parser, without=('mode',))
    parser.add_argument('--step-limit', type=int, default=1100, help='rows of 40 ms that a rollout may take')


def run(args):
    """Run until the operator leaves or a process dies."""
    output = writable_folder(args.output)
    mode = 'planning' if args.graph == 'planning' else 'direct'
    options = graph_options(args, output=str(output), mode=mode)
    check_task(options.task, simulated=args.simulated or args.graph == 'sim')
    if args.graph == 'sim' or args.simulated:
        check_rendering()
    if args.graph == 'sim':
        specs = simulator_nodes(options)
    else:
        check_space(output)
        if not options.server:
            check_checkpoint(options.checkpoint)
        specs = graph(options, simulated=args.simulated)
    with running_graph(specs, args.domain, output, source='operator') as session:
        say(f'up: {", ".join(spec.executable for spec in specs)}; logs in {output / "logs"}; Ctrl-C or "q" ends')
        desk = Desk(session.station, options.task, options.seed, args.step_limit, mode, session.check)
        desk.serve()
    return {'rollouts': desk.results}, f'up: rollouts={len(desk.results)}', 0
