"""Compare settings in closed loop on the same seeds; goes on where it ended, and ends in a table and a plot."""
import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from tqdm import tqdm

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.share import config_file

from .console import CommandError
from .preflight import check_checkpoint, check_rendering


def add_arguments(parser):
    """Options of ``study``."""
    parser.add_argument('description', help='YAML file: common and cells, fields of EvaluationSettings; see config/studies')
    parser.add_argument('--out', required=True, help='folder that receives episodes of cells, table.md and plot.png')
    parser.add_argument('--episodes', type=int, default=200, help='number of seeded episodes a cell')
    parser.add_argument('--seed', type=int, default=20000, help='first seed; the others follow it')
    parser.add_argument('--checkpoint', default='', help='checkpoint folder; empty takes the shipped one')
    parser.add_argument('--planning-checkpoint', default=[], nargs='+', metavar='NAME=FOLDER',
                        help='what a name in the description\'s planning_checkpoint stands for')
    parser.add_argument('--device', default='cpu', help='torch device; on a GPU one process infers for all workers')
    parser.add_argument('--workers', type=int, default=1, help='processes')


def run(args):
    """Evaluate what is missing and write the table."""
    if args.episodes < 1 or args.workers < 1:
        raise CommandError('--episodes and --workers must be at least 1')
    checkpoint = check_checkpoint(args.checkpoint)
    names = dict(text.partition('=')[::2] for text in args.planning_checkpoint)
    check_rendering()
    os.environ.update(ros_environment())
    from cosmos_policy_ros.learning.evaluation import EvaluationSettings
    from cosmos_policy_ros.learning.study import rates, read_cells, run_cell, table
    from cosmos_policy_ros.rollouts.rate_plot import rate_figure
    base = EvaluationSettings(str(checkpoint), 'plate', str(config_file('safety.yaml')), device=args.device)
    try:
        description = yaml.safe_load(Path(args.description).read_text())
        for cell in description['cells'].values():
            name = (cell or {}).get('planning_checkpoint')
            if name:
                cell['planning_checkpoint'] = str(check_checkpoint(names.get(name, name)))
        cells = read_cells(description, base)
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CommandError(f'{args.description}: {error}', 'see config/studies for what such a file looks like') from error
    seeds, outcomes = range(args.seed, args.seed + args.episodes), {}
    for cell in cells:
        entries = outcomes.setdefault(cell.name, [])
        try:
            with tqdm(total=len(seeds), unit='episode', desc=cell.name, mininterval=1.0) as bar:
                for entry in run_cell(cell, seeds, args.out, args.workers):
                    entries.append(entry)
                    bar.set_postfix(success=f'{sum(e["success"] for e in entries)}/{len(entries)}')
                    bar.update()
        except ValueError as error:
            raise CommandError(str(error)) from error
    path = Path(args.out, 'table.md')
    path.write_text('\n'.join([*table(outcomes), '', f'Seeds {seeds[0]} to {seeds[-1]}, '
                               f'`{shlex.join(["cosmos-policy-ros", *sys.argv[1:]])}`, {commit()}.', '']))
    found, plot = rates(outcomes), Path(args.out, 'plot.png')
    rate_figure(found).savefig(plot, dpi=120)
    return ({'rates': {name: rate for name, (rate, _, _) in found.items()}, 'table': str(path), 'plot': str(plot)},
            f'study: {" ".join(f"{name}={100 * rate:.1f}%" for name, (rate, _, _) in found.items())} table={path} '
            f'plot={plot}', 0)


def commit():
    """Which commit this is run from, in words."""
    done = subprocess.run(['git', '-C', str(Path(__file__).parent), 'describe', '--always', '--dirty', '--abbrev=10'],
                          capture_output=True, text=True)
    return f'commit {done.stdout.strip()}' if done.returncode == 0 else 'outside a repository'
