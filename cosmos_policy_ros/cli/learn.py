"""From nothing to a policy by a recipe: collect, train, correct, evaluate; goes on where it was stopped."""
import os
import shlex
import sys
from pathlib import Path

import yaml

from cosmos_policy_ros.bringup.environment import THREADS
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.rollouts.whole_text import write_whole

from .console import CommandError, LiveLine
from .preflight import check_rendering
from .study import commit

HEAD = '\n## Recipe\n\n'
"""Begins the part of the model card that this command adds."""


def add_arguments(parser):
    """Options of ``learn``."""
    parser.add_argument('recipe', help='YAML file of stages; see config/learning')
    parser.add_argument('--out', required=True, help='folder that receives a folder for each stage, and table.md')
    parser.add_argument('--device', default='cpu', help='torch device: cpu, cuda')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes that simulate')


def run(args):
    """Do what is missing and write the table; exit code 1 when a figure is outside its band."""
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    if args.workers < 1:
        raise CommandError('--workers must be at least 1')
    check_rendering()
    import torch
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise CommandError(f'no {args.device} here', 'leave out --device, or install torch for this GPU')
    from cosmos_policy_ros.learning.pipeline import Machine, run_recipe
    from cosmos_policy_ros.learning.recipe import read_recipe
    from cosmos_policy_ros.learning.recipe_table import table
    try:
        recipe = read_recipe(yaml.safe_load(Path(args.recipe).read_text()))
    except (OSError, AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CommandError(f'{args.recipe}: {error}', 'see config/learning for what such a file looks like') from error
    machine = Machine(args.device, args.workers, str(config_file('safety.yaml')))
    line, results = LiveLine(), []
    try:
        for result in run_recipe(recipe, args.out, machine, lambda stage, text: line.show(f'{stage}: {text}')):
            line.end()
            results.append(result)
    except (OSError, ValueError, ArithmeticError) as error:
        raise CommandError(str(error)) from error
    lines, command = table(recipe, results), shlex.join(['cosmos-policy-ros', *sys.argv[1:]])
    page = '\n'.join([*lines, '', f'`{command}`, {commit()}.', ''])
    path = write_whole(Path(args.out, 'table.md'), page)
    outside = {f'{result.name}.{figure}': band for result in results for figure, band in result.outside.items()}
    checkpoint = Path(args.out, recipe.last_policy(), 'final')
    card = checkpoint / 'README.md'
    write_whole(card, card.read_text().partition(HEAD)[0] + HEAD + page)
    facts = {'stages': {result.name: {'seconds': result.seconds, **result.figures} for result in results},
             'outside': outside, 'table': str(path), 'checkpoint': str(checkpoint)}
    text = '\n'.join([*lines, f'learn: checkpoint={checkpoint} table={path}' + (
        f' outside their bands: {", ".join(outside)}' if outside else '')])
    return facts, text, 1 if outside else 0
