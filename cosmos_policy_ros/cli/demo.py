"""One supervised episode of the simulated ALOHA: recorded, judged, with report and video."""
import time
from pathlib import Path

from cosmos_policy_ros.bringup.graph import graph

from .console import CommandError, LiveLine, say
from .options import add_graph_options, graph_options
from .preflight import check_checkpoint, check_rendering, check_space, check_task
from .session import POLL, Interruption, running_graph, writable_folder

START_PATIENCE = 120.0
"""s that a loaded machine may need to start five processes."""

CLOSE_PATIENCE = 60.0
JUDGED = ('success', 'timeout', 'failure')


def add_arguments(parser):
    """Options of ``demo``."""
    add_graph_options(parser, without=('bringup',))
    parser.add_argument('--step-limit', type=int, default=500, help='rows of 40 ms after which the episode ends')


def run(args):
    """Start simulator, supervisor, policy, recorder and conductor; run one episode; end them all."""
    with Interruption() as interruption:
        output = writable_folder(args.output)
        options = graph_options(args, output=str(output), bringup=False)  # the simulated arms are up
        check_task(options.task, simulated=True)
        check_space(output)
        if not options.server:
            check_checkpoint(options.checkpoint)
        check_rendering()
        say(f'demo: task {options.task}, seed {options.seed}; logs in {output / "logs"}')
        specs = graph(options, simulated=True)
        interruption.check()  # an import may have dropped it
        with running_graph(specs, args.domain, output, source='operator') as session:
            result = _episode(session, options, args.step_limit)
    return _summary(result, options)


def _goal(options, step_limit):
    from cosmos_policy_ros.action import RunRollout
    return RunRollout.Goal(task=options.task, seed=options.seed, step_limit=step_limit, mode=options.mode)


def _episode(session, options, step_limit):
    """The action's result. On Ctrl-C the episode is cancelled first, so that its bag is closed and marked."""
    line, begun = LiveLine(), time.monotonic()
    rollout = session.station.rollout(_goal(options, step_limit))
    try:
        while True:
            session.check()
            result = _advance(rollout)
            if result is not None:
                return result
            if not rollout.accepted and time.monotonic() - begun > START_PATIENCE:
                raise CommandError(f'the graph is not up after {START_PATIENCE:.0f} s',
                                   f'see the logs in {session.processes.folder}')
            line.show(_status(session.station, step_limit))
            time.sleep(POLL)
    except KeyboardInterrupt:
        line.end()
        _cancel(rollout, session.processes)
        raise
    finally:
        line.end()


def _cancel(rollout, processes):
    if not rollout.accepted:
        return
    say('interrupted: braking and closing the episode')
    rollout.cancel()
    deadline = time.monotonic() + CLOSE_PATIENCE
    while time.monotonic() < deadline and processes.first_death() is None:
        result = rollout.advance()
        if result is not None:
            say(f'bag of the interrupted episode: {result.bag or "none"}')
            return
        time.sleep(POLL)


def _advance(rollout):
    try:
        return rollout.advance()
    except RuntimeError as error:
        raise CommandError(str(error), 'wait for its end') from error


def _status(station, step_limit):
    feedback = station.feedback
    if feedback is None:
        return 'starting: simulator, supervisor, policy, recorder'
    done = min(1.0, feedback.step / step_limit)
    bar = ('#' * round(20 * done)).ljust(20, '.')
    return (f'{feedback.stage:<5} [{bar}] row {feedback.step}/{step_limit}  chunks {feedback.chunks}  '
            f'value {feedback.value:.2f}  safety {feedback.state}')


def _summary(result, options):
    """Result object, last line and exit code: an episode that was judged is a done job, whatever the judgement."""
    if result.outcome == 'refused':
        raise CommandError(f'the episode did not start: {result.message}', 'see the logs beside the episodes')
    bag = Path(result.bag) if result.bag else None
    video = str(bag / 'episode.mp4') if bag and (bag / 'episode.mp4').is_file() else 'none'
    report = str(bag / 'report.html') if bag and (bag / 'report.html').is_file() else 'none'
    if result.message:
        say(f'demo: {result.outcome}: {result.message}')
    say(f'demo: report {report}')
    facts = {'outcome': result.outcome, 'task': options.task, 'steps': result.steps, 'chunks': result.chunks,
             'interventions': result.interventions, 'bag': str(bag or 'none'), 'video': video}
    line = 'demo: ' + ' '.join(f'{key}={value}' for key, value in facts.items())
    code = 0 if result.outcome in JUDGED and bag else 1
    return facts | {'report': report, 'message': result.message}, line, code
