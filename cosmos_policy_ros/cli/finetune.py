"""Fine-tune the published 2B network on your data, all weights over one or more GPUs or adapters (LoRA) on one.

Several GPUs: torchrun --nproc-per-node 8 -m cosmos_policy_ros.cli.main finetune ...; several machines: torchrun's own
options, and a folder --out that all machines see. A run that was stopped goes on with --resume.
"""
import os
from dataclasses import replace
from pathlib import Path

from .console import CommandError, say
from .train import STAGES


def add_arguments(parser):
    """Options of ``finetune``."""
    parser.add_argument('--data', nargs='+', required=True, help='folders written by "collect --image-size 224"')
    parser.add_argument('--init-from', required=True, help='what to start from: released files, their hub id, or a '
                        'checkpoint folder')
    parser.add_argument('--out', required=True, help='folder that receives state/, latest/, final/, log.jsonl, tensorboard/')
    parser.add_argument('--preset', default=None, help='robot of released files whose names do not tell it')
    parser.add_argument('--statistics', default=None, help='where not beside released weights: a file, or "data" for '
                        'those of --data, as for the base model')
    parser.add_argument('--text-embeddings', default=None, help='where not beside released weights: a file or hub id')
    parser.add_argument('--vae', default=None, help='where not beside released weights: a file, folder or hub id')
    parser.add_argument('--steps', type=int, required=True, help='optimiser steps in all, those before --resume included')
    parser.add_argument('--batch', type=int, default=200, help='samples a step, over all GPUs')
    parser.add_argument('--part', type=int, default=25, help='samples that a GPU holds at once; less takes less memory')
    parser.add_argument('--recomputed', type=int, default=None, help='blocks whose activations are computed twice; all '
                        'by default, fewer are faster and take more memory')
    parser.add_argument('--adapter-rank', type=int, default=0, help='train adapters of this rank; 0 trains all weights')
    parser.add_argument('--refine', default='', choices=('', *STAGES), help='make a planning model: futures and this kind '
                        'of value, from rollouts')
    parser.add_argument('--learning-rate', type=float, default=1e-4, help='peak of the schedule')
    parser.add_argument('--warm-up', type=int, default=2000, help='steps to the peak')
    parser.add_argument('--decay-until', type=int, default=20000, help='step until which the rate falls')
    parser.add_argument('--ema', type=float, default=0.0, help='decay of an average of the weights to export; 0 for none')
    parser.add_argument('--save-every', type=int, default=1000, help='steps between two states and checkpoints')
    parser.add_argument('--log-every', type=int, default=10, help='steps between two lines of the log')
    parser.add_argument('--no-augmentation', action='store_true', help='pictures as they are')
    parser.add_argument('--deterministic', action='store_true', help='sums in a fixed order: a resumed run repeats to the '
                        'last bit; slower')
    parser.add_argument('--resume', action='store_true', help='go on from OUT/state, with the same options')
    parser.add_argument('--device', default='cuda', choices=('cuda', 'cpu'), help='kind of device')
    parser.add_argument('--seed', type=int, default=0, help='of split, batches and noise')


def run(args):
    """Train until the last step."""
    import torch

    from cosmos_policy_ros.learning.shards import read_shards
    from cosmos_policy_ros.policy.errors import PolicyError
    try:
        from cosmos_policy_ros.learning.fine_tuning import fine_tune
        import accelerate  # noqa: F401  looked for before the weights are read
    except ImportError as error:
        raise CommandError(f'{error.name} is not installed', 'pip install "cosmos_policy_ros[train]"') from error
    from cosmos_policy_ros.learning.published_augmentation import published_augmentation
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise CommandError('no GPU here', 'install torch for this GPU; --device cpu is for miniatures only')
    try:
        episodes = [demonstration for folder in args.data for demonstration in read_shards(folder, stored=True)]
    except (OSError, ValueError) as error:
        raise CommandError(str(error), 'make shards first: cosmos-policy-ros collect --image-size 224') from error
    if args.deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    first = os.environ.get('RANK', '0') == '0'
    args.json = args.json and first
    try:
        start = _start(args, episodes)
        result = fine_tune(start, episodes, args.out, _config(args), args.device, args.resume,
                           None if args.no_augmentation else published_augmentation, say)
    except (PolicyError, ValueError, ArithmeticError) as error:
        what, _, advice = str(error).rpartition('; ')
        raise CommandError(what or advice, advice if what else '') from error
    line = f'finetune: steps={result["steps"]} loss={result["loss"]:.4f} checkpoint={result["checkpoint"]}'
    return result, line if first else None, 0


def _start(args, episodes):
    from cosmos_policy_ros.learning.dataset import statistics_of
    from cosmos_policy_ros.policy.checkpoint import STATISTICS, load_checkpoint
    parts = {name: getattr(args, name) for name in ('statistics', 'text_embeddings', 'vae')}
    parts = {name: value for name, value in parts.items() if value is not None}
    if args.statistics == 'data':
        path = Path(args.out, f'{os.environ.get("RANK", "0")}_{STATISTICS}')
        path.parent.mkdir(parents=True, exist_ok=True)
        statistics_of(episodes).save(path)
        parts['statistics'] = path
    return load_checkpoint(args.init_from, args.preset, **parts)


def _config(args):
    from cosmos_policy_ros.learning.objective import ObjectiveConfig
    from cosmos_policy_ros.learning.optimisation import FineTuningConfig
    from cosmos_policy_ros.learning.presets import PLANNING_QUESTIONS
    from cosmos_policy_ros.policy.layout import Stage
    objective = ObjectiveConfig()
    if args.refine:
        objective = replace(objective, questions=PLANNING_QUESTIONS, value_stage=Stage(args.refine))
    names = ('steps', 'batch', 'part', 'recomputed', 'adapter_rank', 'learning_rate', 'warm_up', 'decay_until', 'ema',
             'save_every', 'log_every', 'deterministic', 'seed')
    return FineTuningConfig(objective=objective, **{name: getattr(args, name) for name in names})
