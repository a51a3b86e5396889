"""ALOHA HDF5 demonstrations and rollouts as episodes of this package (docs/exports.md)."""
from tqdm import tqdm

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS

from .console import CommandError, say

RATES = (25, 50)


def add_arguments(parser):
    """Options of ``import``."""
    parser.add_argument('files', nargs='+', metavar='FILE', help='HDF5 files of one episode each')
    parser.add_argument('--out', default='rollouts', help='folder that receives one folder an episode')
    parser.add_argument('--instruction', default='', help='of files that do not name their own')
    parser.add_argument('--rate', type=int, default=25, choices=RATES, help='Hz of the files; of 50, every second row')
    parser.add_argument('--gripper-map', default='ros1', choices=tuple(GRIPPER_MAPS), help='of the recorded arms')


def run(args):
    """Import every file that can be; the others are named."""
    from cosmos_policy_ros.rollouts.aloha_import import import_episode
    from cosmos_policy_ros.rollouts.bag import RecordingError
    gripper, made, refused = GRIPPER_MAPS[args.gripper_map], [], {}
    for file in tqdm(args.files, unit='file', mininterval=1.0, disable=None):
        try:
            made.append(str(import_episode(file, args.out, gripper, args.instruction, args.rate)))
        except (OSError, ValueError, RecordingError) as error:
            refused[file] = str(error)
            say(f'BROKEN: {file}: {error}')
    if not made:
        raise CommandError(f'none of {len(args.files)} files could be imported',
                           'give ALOHA HDF5 files; --instruction says what was to be done')
    return ({'episodes': made, 'refused': refused, 'out': args.out},
            f'import: episodes={len(made)} refused={len(refused)} out={args.out}', 1 if refused else 0)
