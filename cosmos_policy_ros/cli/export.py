"""Recorded episodes as data sets: the published ALOHA layout, LeRobot, Rerun (docs/exports.md)."""
from tqdm import tqdm

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS

from .console import CommandError, say

FORMATS = {'aloha': '', 'lerobot': 'lerobot', 'rerun': 'rerun'}
"""Formats with the extra of this package that each needs."""

LABELS = ['success', 'partial', 'failure']


def add_arguments(parser):
    """Options of ``export``."""
    parser.add_argument('episodes', nargs='+', metavar='FOLDER', help='episodes, or folders of episodes')
    parser.add_argument('--format', required=True, choices=tuple(FORMATS), help='layout to write')
    parser.add_argument('--out', required=True, help='folder to make; nothing may be there yet')
    parser.add_argument('--keep', nargs='+', default=LABELS, choices=LABELS, help='labels of the episodes to export')
    parser.add_argument('--gripper-map', default='ros1', choices=tuple(GRIPPER_MAPS), help='of the recorded arms')


def _exporter(name):
    from cosmos_policy_ros.rollouts.export.aloha import AlohaExport
    from cosmos_policy_ros.rollouts.export.lerobot import LeRobotExport
    from cosmos_policy_ros.rollouts.export.rerun import RerunExport
    return {'aloha': AlohaExport, 'lerobot': LeRobotExport, 'rerun': RerunExport}[name]


def run(args):
    """Export what the labels allow; every episode that stays out is named."""
    from cosmos_policy_ros.rollouts.export.selection import LeftOut, select
    from cosmos_policy_ros.rollouts.export.target import new_folder
    from cosmos_policy_ros.rollouts.labels import Verdict
    try:
        selection = select(args.episodes, [Verdict(word) for word in args.keep])
    except OSError as error:
        raise CommandError(str(error), 'give the folders that "demo", "operate" or "import" made') from error
    left_out, done, rows = list(selection.left_out), 0, 0
    try:
        with new_folder(args.out) as folder:
            exporter = _exporter(args.format)(folder, GRIPPER_MAPS[args.gripper_map])
            for episode in tqdm(selection.episodes, unit='episode', mininterval=1.0, disable=None):
                try:
                    rows += exporter.add(episode)
                    done += 1
                except (OSError, ValueError) as error:
                    reason = str(error).removeprefix(f'{episode.folder}: ')
                    left_out.append(LeftOut(str(episode.folder), reason, broken=True))
            _tell(left_out)
            if not done:
                raise CommandError(f'no episode of {len(left_out)} became data: nothing was written',
                                   'label episodes with "cosmos-policy-ros label", or give others')
            exporter.finish()
    except ImportError as error:
        raise CommandError(f'--format {args.format} needs {error.name}',
                           f'pip install "cosmos_policy_ros[{FORMATS[args.format]}]"') from error
    except OSError as error:
        raise CommandError(str(error), 'choose another --out, or make space') from error
    broken = sum(entry.broken for entry in left_out)
    facts = {'episodes': done, 'rows': rows, 'out': args.out, 'format': args.format,
             'left_out': [vars(entry) for entry in left_out]}
    line = f'export: episodes={done} rows={rows} left_out={len(left_out) - broken} broken={broken} out={args.out}'
    return facts, line, 1 if broken else 0


def _tell(left_out):
    for entry in left_out:
        say(f'{"BROKEN" if entry.broken else "left out"}: {entry.folder}: {entry.reason}')
