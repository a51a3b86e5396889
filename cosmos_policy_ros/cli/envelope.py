"""Write a safety configuration whose speed and acceleration limits come from good demonstrations."""
import hashlib
import json
import re
from pathlib import Path

import numpy as np

from .console import CommandError

ROW_RATE = 25


def add_arguments(parser):
    """Options of ``envelope``."""
    parser.add_argument('--from', dest='demonstrations', nargs='+', required=True, metavar='PATH',
                        help='folders or files: shards of "collect", or HDF5 episodes in the published ALOHA layout')
    parser.add_argument('--margin', type=float, default=1.25, help='factor on what the demonstrations needed')
    parser.add_argument('--percentile', type=float, default=99.9, help='of the rows; 100 takes the fastest one')
    parser.add_argument('--rate', type=int, default=ROW_RATE, help=f'rows a second of HDF5 episodes, a multiple of '
                                                                   f'{ROW_RATE}; shards have {ROW_RATE}')
    parser.add_argument('--base', default='safety.yaml', help='configuration to take everything else from')
    parser.add_argument('--date', default='', help='noted down with the source')
    parser.add_argument('--out', required=True, help='file to write; must not exist')


def run(args):
    """Learn the limits, write them into a copy of the base configuration, and load it as a check."""
    from cosmos_policy_ros.bringup.share import config_file
    from cosmos_policy_ros.safety.config import ConfigError, load_config
    from cosmos_policy_ros.safety.demonstrated import demonstrated_limits
    out = Path(args.out)
    if out.exists():
        raise CommandError(f'{out} exists', 'choose another --out, or delete it')
    if args.rate < ROW_RATE or args.rate % ROW_RATE:
        raise CommandError(f'--rate {args.rate} is no multiple of {ROW_RATE}',
                           f'resample the episodes to {ROW_RATE} Hz')
    files = _files(args.demonstrations)
    try:
        episodes = [rows for path in files for rows in _episodes(path, args.rate // ROW_RATE)]
        limits = demonstrated_limits(episodes, 1 / ROW_RATE, args.margin, args.percentile)
    except (OSError, ValueError) as error:
        raise CommandError(str(error), 'give shards of "collect" or ALOHA episodes with successful motion') from error
    source = (f'{len(episodes)} demonstrations, {limits.rows} rows, percentile {args.percentile:g}, '
              f'margin {args.margin:g}, files {_digest(files)}' + (f', {args.date}' if args.date else ''))
    base = Path(config_file(args.base))
    text = base.read_text(encoding='utf-8')
    for key, value in (('arm_speed', _rounded(limits.arm_speed)), ('gripper_speed', _rounded(limits.gripper_speed)),
                       ('arm_acceleration', _rounded(limits.arm_acceleration)),
                       ('gripper_acceleration', _rounded(limits.gripper_acceleration)), ('limits_source', source)):
        text, found = _replaced(text, key, value)
        if found != 1:
            raise CommandError(f'{base}: {found} lines begin with "{key}:", expected one',
                               'use the shipped file as --base')
    out.write_text(text, encoding='utf-8')
    try:
        load_config(out)
    except ConfigError as error:
        out.unlink()
        raise CommandError(str(error), f'check --base {args.base}') from error
    facts = {'out': str(out), 'episodes': len(episodes), 'rows': limits.rows, 'beyond': limits.beyond, 'source': source,
             'arm_speed': limits.arm_speed.tolist(), 'arm_acceleration': limits.arm_acceleration.tolist()}
    return facts, f'envelope: episodes={len(episodes)} rows={limits.rows} beyond={limits.beyond} out={out}', 0


def _rounded(values):
    """Towards zero, so that a limit of the hardware stays one."""
    return (np.floor(np.asarray(values) * 1000) / 1000).tolist()


def _replaced(text, key, value):
    """``text`` with the line of ``key`` and its comments replaced, for they speak of the old value; and how often."""
    entry = f'{key}: {json.dumps(value)}'
    return re.subn(rf'^{key}:.*(\n +#.*)*$', lambda _: entry, text, flags=re.MULTILINE)


def _digest(files):
    """First half of the SHA-256 of the files' SHA-256s, in the order of their names."""
    digests = sorted((path.name, hashlib.sha256(path.read_bytes()).digest()) for path in files)
    return 'sha256 ' + hashlib.sha256(b''.join(digest for _, digest in digests)).hexdigest()[:32]


def _files(paths):
    files = []
    for path in map(Path, paths):
        found = sorted(p for p in path.glob('*') if p.suffix in ('.h5', '.hdf5')) if path.is_dir() else [path]
        if not found or not all(p.is_file() for p in found):
            raise CommandError(f'{path}: no *.h5 or *.hdf5 file there',
                               'collect demonstrations first: cosmos-policy-ros collect')
        files += found
    return files


def _episodes(path, stride):
    """Commanded rows (T, 14) of each good episode in a file, at 25 Hz."""
    import h5py
    from cosmos_policy_ros.learning.shards import read_shard
    with h5py.File(path, 'r') as file:
        if 'observations' in file:
            if 'action' not in file:
                raise ValueError(f'{path}: an episode in the ALOHA layout has /action, this one has {sorted(file)}')
            return [file['action'][::stride]] if file.attrs.get('success', True) else []
    return [demonstration.action for demonstration in read_shard(path) if demonstration.success]
