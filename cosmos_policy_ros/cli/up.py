"""Start a node graph and keep it in view; Ctrl-C brakes the arms and ends it."""
import time

from cosmos_policy_ros.bringup.graph import graph, simulator_nodes

from .console import LiveLine, say
from .options import add_graph_options, graph_options
from .preflight import check_checkpoint, check_rendering, check_space, check_task
from .session import POLL, running_graph, writable_folder

GRAPHS = ('sim', 'direct', 'planning')


def add_arguments(parser):
    """Options of ``up``."""
    parser.add_argument('graph', choices=GRAPHS, help='sim: the simulated robot alone; direct, planning: the whole policy graph')
    parser.add_argument('--simulated', action='store_true', help='with direct and planning: start the simulated robot too')
    add_graph_options(parser, without=('mode',))


def run(args):
    """Run until Ctrl-C or until a process dies."""
    output = writable_folder(args.output)
    mode = 'planning' if args.graph == 'planning' else 'direct'
    options = graph_options(args, output=str(output), mode=mode)
    check_task(options.task, simulated=args.simulated or args.graph == 'sim')
    if args.graph == 'sim' or args.simulated:
        check_rendering()
    if args.graph == 'sim':
        specs = simulator_nodes(options)
    else:
        check_checkpoint(options.checkpoint)
        check_space(output)
        specs = graph(options, simulated=args.simulated)
    line = LiveLine()
    with running_graph(specs, args.domain, output, source='operator') as session:
        say(f'up: {", ".join(spec.executable for spec in specs)}; logs in {output / "logs"}; Ctrl-C ends')
        try:
            while True:
                session.check()
                line.show(_status(session.station.status))
                time.sleep(POLL)
        except KeyboardInterrupt:
            line.end()
            if session.station.status is not None and session.station.status.armed:
                say('up: braking the arms')
                session.station.arm('')
            raise


def _status(status):
    if status is None:
        return 'waiting for the safety supervisor'
    causes = ', '.join(cause.id for cause in status.causes) or 'none'
    return (f'safety {status.state_name}  authority {status.authority or "none"}  epoch {status.epoch}  '
            f'causes {causes}  clamped {status.rows_clamped}  refused {status.rows_refused}')
