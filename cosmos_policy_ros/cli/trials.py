"""Run an evaluation session in the simulator: several policies in random order, blinded; goes on where it ended."""
import os
from dataclasses import asdict

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.share import config_file

from .console import CommandError, say
from .preflight import check_checkpoint, check_rendering
from .trial_session import add_session_options, contents, named_errors, opened_log, plain, read_session, show_results

PLAYED = 'Played in the simulator, in lock-step'


def add_arguments(parser):
    """Options of ``trials``."""
    add_session_options(parser)
    parser.add_argument('--checkpoint', default='',
                        help='checkpoint of policies that name none; empty takes the shipped one')
    parser.add_argument('--device', default='cpu', help='torch device of the policies')


def run(args):
    """Play what is missing, then write and show the results."""
    check_rendering()
    os.environ.update(ros_environment())
    from cosmos_policy_ros.learning.simulated_trials import SimulatedTrials
    session = read_session(args.description, simulated=True)
    policies, weights = _policies(args, session)
    plan = session.plan
    # Without the paths, so that a session may move: weights and safety configuration are known by their contents.
    paths = 'task', 'checkpoint', 'planning_checkpoint', 'safety'
    settings = plain({name: {key: value for key, value in asdict(own).items() if key not in paths}
                      for name, own in policies.items()})
    frozen = {'policies': settings, 'weights': weights, 'safety': contents(own.safety for own in policies.values())}
    with opened_log(args.out, plan, frozen) as log:
        missing = [trial for trial in plan.trials() if trial.number not in log.results]
        if missing and not args.reveal:
            with SimulatedTrials(policies) as cell:
                _play(plan, missing, log, cell)
        return show_results(args, session, log, log.results, settings, PLAYED)


def _play(plan, missing, log, cell):
    for trial in missing:
        say(plan.announcement(trial))
        log.begin(trial.number)
        result = cell.play(trial)
        log.end(trial.number, result)
        say(f'  {result["outcome"]}, score {result["score"]:.2f}')


def _policies(args, session):
    """({name: ``EvaluationSettings``}, {name: digests of its checkpoints})."""
    from cosmos_policy_ros.learning.evaluation import EvaluationSettings
    from cosmos_policy_ros.learning.study import read_cells
    from cosmos_policy_ros.policy.checkpoint_folder import checkpoint_digest
    base = EvaluationSettings(str(check_checkpoint(args.checkpoint)), session.plan.tasks[0],
                              str(config_file('safety.yaml')), device=args.device)
    with named_errors(args.description):
        cells = read_cells({'common': session.common, 'cells': session.policies}, base)
    if any(cell.settings.task != base.task for cell in cells):
        raise CommandError(f'{args.description}: a policy names a task', 'the tasks of a session are under "tasks"')
    weights = {cell.name: [checkpoint_digest(str(check_checkpoint(path))) for path in (
        cell.settings.checkpoint, cell.settings.planning_checkpoint) if path] for cell in cells}
    return {cell.name: cell.settings for cell in cells}, weights
