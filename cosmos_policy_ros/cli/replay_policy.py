"""Show a recorded episode to a policy: what would it have done? Nothing moves (docs/exports.md)."""
import os

from cosmos_policy_ros.bringup.environment import THREADS
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS

from .console import CommandError, say
from .preflight import check_checkpoint


def add_arguments(parser):
    """Options of ``replay-policy``."""
    parser.add_argument('episode', help='folder of one episode')
    parser.add_argument('--checkpoint', default='', help='checkpoint folder; empty takes the shipped one')
    parser.add_argument('--instruction', default='', help='sentence for the policy; empty takes the recorded one')
    parser.add_argument('--every', type=int, default=25, help='rows between two questions')
    parser.add_argument('--seed', type=int, default=0, help='noise seed of the first question; rises by one')
    parser.add_argument('--denoising-steps', type=int, default=5, help='network calls a question')
    parser.add_argument('--device', default='cpu', help='torch device')
    parser.add_argument('--gripper-map', default='ros1', choices=tuple(GRIPPER_MAPS), help='of the recorded arms')


def run(args):
    """Ask, compare, and summarise."""
    checkpoint = check_checkpoint(args.checkpoint)
    if args.every < 1:
        raise CommandError('--every must be at least 1')
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    from cosmos_policy_ros.learning.open_loop import ask
    from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
    from cosmos_policy_ros.policy.errors import PolicyError
    from cosmos_policy_ros.rollouts.table import read_table
    try:
        table = read_table(args.episode, GRIPPER_MAPS[args.gripper_map], args.every)
    except (OSError, ValueError) as error:
        raise CommandError(f'{args.episode}: {error}', 'give the folder of an episode, as "demo" prints it') from error
    answers = []
    try:
        policy = CosmosPolicy.load(checkpoint, device=args.device)
        for answer in ask(policy, table, args.seed, args.denoising_steps, args.instruction):
            answers.append(answer)
            say(f'row {answer.row:4d}: arms {answer.arm_error:.4f} rad (first row {answer.first_arm_error:.4f}, '
                f'standing still {answer.still_error:.4f}), grippers {answer.gripper_error:.3f}, '
                f'value {answer.value:.3f}')
    except PolicyError as error:
        hint = 'give an --instruction that the checkpoint knows, or another --checkpoint'
        raise CommandError(str(error), hint) from error
    facts = {name: sum(getattr(answer, name) for answer in answers) / len(answers)
             for name in ('arm_error', 'first_arm_error', 'gripper_error', 'still_error')}
    entries = [{'row': answer.row, 'seed': answer.seed, 'rows': len(answer.predicted), 'value': answer.value,
                **{name: getattr(answer, name) for name in facts}} for answer in answers]
    line = (f'replay-policy: questions={len(answers)} arms={facts["arm_error"]:.4f}rad '
            f'first_row={facts["first_arm_error"]:.4f}rad '
            f'standing_still={facts["still_error"]:.4f}rad grippers={facts["gripper_error"]:.3f}')
    return {'episode': args.episode, 'checkpoint': str(checkpoint), **facts, 'answers': entries}, line, 0
