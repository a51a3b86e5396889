"""Train a tiny preset on collected demonstrations; the result is a checkpoint folder."""
from dataclasses import replace

from .console import CommandError, say

STAGES = ('future_value', 'action_value')
"""V(s') and Q(s, a): wire values of ``policy.layout.Stage``."""


def add_arguments(parser):
    """Options of ``train``."""
    parser.add_argument('--data', nargs='+', required=True, help='folders written by "collect"')
    parser.add_argument('--out', required=True, help='folder that receives latest/, final/ and log.jsonl')
    parser.add_argument('--preset', default='tiny-64', help='network and picture size')
    parser.add_argument('--init-from', default='', help='checkpoint folder to go on from, with its tokenizer and statistics')
    parser.add_argument('--refine', default='', choices=('', *STAGES), help='make a planning model of the policy given by '
                        '--init-from: futures and this kind of value, from rollouts')
    parser.add_argument('--minutes', type=float, default=None, help='wall clock limit')
    parser.add_argument('--steps', type=int, default=None, help='step limit')
    parser.add_argument('--batch', type=int, default=512, help='samples a step')
    parser.add_argument('--learning-rate', type=float, default=None, help='peak of the schedule; that of the kind of '
                        'training by default')
    parser.add_argument('--device', default='cpu', help='torch device: cpu, cuda')
    parser.add_argument('--seed', type=int, default=0, help='of weights, split and batches')


def run(args):
    """Train until the limit."""
    from cosmos_policy_ros.learning.presets import PRESETS, TINY_TRAINING, refinement
    from cosmos_policy_ros.learning.shards import read_shards
    from cosmos_policy_ros.learning.trainer import train
    from cosmos_policy_ros.policy.layout import Stage
    if args.preset not in PRESETS:
        raise CommandError(f'unknown preset {args.preset!r}', f'use one of {", ".join(PRESETS)}')
    if args.refine and not args.init_from:
        raise CommandError('--refine goes on from a policy', 'give its checkpoint folder with --init-from')
    if args.minutes is None and args.steps is None:
        raise CommandError('training has no end', 'give --minutes, --steps or both')
    try:
        episodes = [demonstration for folder in args.data for demonstration in read_shards(folder)]
    except (OSError, ValueError) as error:
        raise CommandError(str(error), 'collect demonstrations first: cosmos-policy-ros collect') from error
    kind = refinement(Stage(args.refine)) if args.refine else TINY_TRAINING
    config = replace(kind, minutes=args.minutes, steps=args.steps, batch=args.batch, seed=args.seed,
                     learning_rate=args.learning_rate or kind.learning_rate)
    try:
        result = train(None if args.init_from else PRESETS[args.preset], episodes, args.out, config, args.device,
                       init_from=args.init_from or None, progress=say)
    except (ValueError, ArithmeticError) as error:
        raise CommandError(str(error)) from error
    return result, f'train: steps={result["steps"]} seconds={result["seconds"]:.0f} checkpoint={result["checkpoint"]}', 0
