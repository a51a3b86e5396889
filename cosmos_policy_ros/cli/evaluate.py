"""Closed-loop success rate in the simulator, in lock-step and reproducible from the seeds."""
import os

from tqdm import tqdm

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.sim.disturbances import CONDITIONS

from .console import CommandError
from .preflight import check_checkpoint, check_rendering, check_task


def add_arguments(parser):
    """Options of ``evaluate``."""
    parser.add_argument('--task', default='plate', help='simulated task')
    parser.add_argument('--episodes', type=int, default=50, help='number of seeded episodes')
    parser.add_argument('--seed', type=int, default=1000, help='first seed; the others follow it')
    parser.add_argument('--checkpoint', default='', help='checkpoint folder; empty takes the shipped one')
    parser.add_argument('--instruction', default='', help='sentence for the policy; empty takes the task\'s own')
    parser.add_argument('--limit', type=float, default=20.0, help='seconds of simulation an episode may take')
    parser.add_argument('--executed-rows', type=int, default=25, help='rows of a chunk executed before the next takes over')
    parser.add_argument('--denoising-steps', type=int, default=5, help='network calls a chunk')
    parser.add_argument('--latency', type=float, default=0.28, help='seconds from an observation to its chunk')
    parser.add_argument('--workers', type=int, default=1, help='processes; on a CPU the outcomes do not depend on it')
    parser.add_argument('--device', default='cpu', help='torch device; on a GPU one process infers for all workers')
    parser.add_argument('--conditions', default='standard', choices=tuple(CONDITIONS), help='disturbances of an episode')
    plan = parser.add_argument_group('planning', 'best of several candidates, see docs/inference.md')
    plan.add_argument('--candidates', type=int, default=1, help='chunks to choose from; 1 is direct')
    plan.add_argument('--ranking', default='model_based', help='which calls rank a candidate: joint, model_based, model_free')
    plan.add_argument('--value-stage', default='future_value', help='what a value is predicted from: future_value, '
                      'action_value, value')
    plan.add_argument('--planning-checkpoint', default='', help='predicts futures and values; empty: the policy itself')
    plan.add_argument('--future-steps', type=int, default=3, help='network calls for a future')
    plan.add_argument('--value-steps', type=int, default=3, help='network calls for a value')
    plan.add_argument('--future-ensemble', type=int, default=0, help='futures of each candidate; 0 is one with all steps')
    plan.add_argument('--value-ensemble', type=int, default=0, help='values of each future; 0 is one with all steps')
    plan.add_argument('--value-aggregation', default='average', help='average, lcb, success_vote, majority_mean')


def _plan(args):
    """``PlanSettings``, or None for direct."""
    if args.candidates == 1:
        return None
    from cosmos_policy_ros.policy.planning.settings import PlanSettings
    try:
        return PlanSettings(
            candidates=args.candidates, mode=args.ranking, action_steps=args.denoising_steps,
            future_steps=args.future_steps, value_steps=args.value_steps, future_ensemble=args.future_ensemble,
            value_ensemble=args.value_ensemble, value_stage=args.value_stage, value_aggregation=args.value_aggregation,
            max_batch=8 if args.device == 'cpu' else 128)
    except ValueError as error:
        raise CommandError(f'planning: {error}') from error


def run(args):
    """Evaluate and summarise."""
    check_task(args.task, simulated=True)
    checkpoint = check_checkpoint(args.checkpoint)
    if args.episodes < 1 or args.workers < 1:
        raise CommandError('--episodes and --workers must be at least 1')
    check_rendering()
    os.environ.update(ros_environment())
    from cosmos_policy_ros.learning.evaluation import EvaluationSettings, evaluate, summarise
    settings = EvaluationSettings(
        checkpoint=str(checkpoint), task=args.task, safety=str(config_file('safety.yaml')), instruction=args.instruction,
        limit=args.limit, executed_rows=args.executed_rows, denoising_steps=args.denoising_steps, latency=args.latency,
        device=args.device, conditions=args.conditions, plan=_plan(args),
        planning_checkpoint=args.planning_checkpoint and str(check_checkpoint(args.planning_checkpoint)))
    seeds = range(args.seed, args.seed + args.episodes)
    results = []
    with tqdm(total=len(seeds), unit='episode', mininterval=1.0) as bar:
        for result in evaluate(settings, seeds, args.workers):
            results.append(result)
            bar.set_postfix(success=f'{sum(r.success for r in results)}/{len(results)}')
            bar.update()
    summary = summarise(settings, results)
    low, high = summary['interval_95']
    line = (f'evaluate: task={args.task} success={summary["successes"]}/{summary["episodes"]} '
            f'({100 * low:.0f}-{100 * high:.0f} %) limit={args.limit:g}s executed_rows={args.executed_rows} '
            f'pauses={summary["pauses"]} interventions={summary["interventions"]}')
    return summary, line, 0
