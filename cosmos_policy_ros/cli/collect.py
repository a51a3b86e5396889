"""Collect training data: of the scripted experts, their corrections of a policy, its rollouts, or recorded episodes."""
import os
from pathlib import Path

from cosmos_policy_ros.bringup.environment import THREADS
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.sim.disturbances import CONDITIONS

from .console import CommandError, LiveLine
from .preflight import check_checkpoint, check_rendering, check_task


def add_arguments(parser):
    """Options of ``collect``."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--tasks', nargs='+', metavar='TASK=N', help='number of episodes of each task')
    source.add_argument('--recorded', nargs='+', metavar='FOLDER', help='episodes of the recorder, teleoperated ones for '
                        'instance; one shard is made of the successful ones')
    parser.add_argument('--gripper-map', default='ros1', choices=tuple(GRIPPER_MAPS), help='of the recorded arms')
    parser.add_argument('--published-pictures', action='store_true', help='recorded pictures resized as the published 2B '
                        'policies resize live ones')
    parser.add_argument('--out', required=True, help='folder that receives the shards')
    parser.add_argument('--seed', type=int, default=100000, help='first seed; keep it away from those of an evaluation')
    parser.add_argument('--image-size', type=int, default=64, help='pixels; that of the preset to train')
    parser.add_argument('--supersample', type=int, default=3, help='render so many times larger and average')
    parser.add_argument('--image-every', type=int, default=5, help='rows between two images')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    parser.add_argument('--policy', default='', help='checkpoint folder: this policy acts first, the expert corrects it')
    parser.add_argument('--rollouts', action='store_true', help='with --policy: it acts alone, successes and failures are '
                        'kept with their partial scores')
    parser.add_argument('--conditions', default='standard', choices=tuple(CONDITIONS), help='of the rollouts')
    parser.add_argument('--denoising-steps', type=int, default=2, help='network calls a chunk of that policy')
    parser.add_argument('--device', default='cpu', help='torch device of that policy')


def _counts(texts):
    counts = {}
    for text in texts:
        task, _, number = text.partition('=')
        if not number.isdigit():
            raise CommandError(f'--tasks {text}: expected TASK=N', 'for instance --tasks plate=100')
        check_task(task, simulated=True)
        counts[task] = int(number)
    return counts


def _from_recordings(args):
    """One shard of the successful episodes among ``args.recorded``."""
    from cosmos_policy_ros.learning.collection import Imaging
    from cosmos_policy_ros.learning.recorded import demonstration_of
    from cosmos_policy_ros.learning.shards import write_shard
    imaging = Imaging(args.image_size, args.supersample, args.image_every, args.published_pictures)
    demonstrations = []
    for folder in args.recorded:
        try:
            demonstrations.append(demonstration_of(folder, GRIPPER_MAPS[args.gripper_map], imaging))
        except (OSError, ValueError) as error:
            raise CommandError(str(error), 'leave it out, or record it again') from error
    kept = [demonstration for demonstration in demonstrations if demonstration.success]
    if not kept:
        raise CommandError(f'none of {len(demonstrations)} episodes was a success: nothing was written',
                           'label episodes with "s" at their end')
    path, rows = Path(args.out, 'recorded.h5'), sum(len(demonstration.action) for demonstration in kept)
    write_shard(path, kept)
    failed = len(demonstrations) - len(kept)
    return ({'kept': len(kept), 'failed': failed, 'rows': rows, 'out': str(path)},
            f'collect: kept={len(kept)} failed={failed} rows={rows} out={path}', 0)


def run(args):
    """Collect until all episodes were tried."""
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    if args.recorded:
        return _from_recordings(args)
    if args.rollouts and not args.policy:
        raise CommandError('--rollouts needs a policy that acts', 'give its checkpoint folder with --policy')
    counts = _counts(args.tasks)
    check_rendering()
    from cosmos_policy_ros.learning.collection import Imaging, collect
    imaging, line = Imaging(args.image_size, args.supersample, args.image_every), LiveLine()

    def progress(total):
        line.show(f'{sum(total.kept.values())} of {sum(counts.values())} kept, {sum(total.failed.values())} failed, '
                  f'{total.rows} rows, {len(total.shards)} shards')

    if args.policy:
        from cosmos_policy_ros.learning.played import collect_played, correction_jobs, rollout_jobs
        from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
        from cosmos_policy_ros.policy.planning.backends import DirectBackend
        policy = CosmosPolicy.load(check_checkpoint(args.policy), device=args.device)
        imaging = Imaging(policy.config.image_size, args.supersample, args.image_every)
        jobs = list(rollout_jobs(counts, args.seed, args.conditions) if args.rollouts else
                    correction_jobs(counts, args.seed))
        name = f'{"rollout" if args.rollouts else "correction"}_{args.seed:07d}'
        total = collect_played(DirectBackend(policy, args.denoising_steps), jobs, name, args.out, args.workers, imaging,
                               progress=progress)
    else:
        total = collect(counts, args.seed, args.out, args.workers, imaging=imaging, progress=progress)
    line.end()
    kept, failed = sum(total.kept.values()), sum(total.failed.values())
    if not kept:
        raise CommandError(f'all {failed} episodes failed: nothing was written', 'try other seeds')
    facts = {'kept': {f'{task}/{variant}': n for (task, variant), n in sorted(total.kept.items())}, 'failed': failed,
             'rows': total.rows, 'out': args.out}
    return facts, f'collect: kept={kept} failed={failed} rows={total.rows} out={args.out}', 0
