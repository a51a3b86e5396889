"""Find what is wrong with this machine and installation, and say the fix."""
import importlib
import os
import shutil
import sys
from dataclasses import asdict, dataclass

from cosmos_policy_ros.bringup.share import config_file

from .console import CommandError
from .preflight import GL_HINT, check_checkpoint, check_rendering

SHARED_MEMORY = 256 << 20
"""Bytes of /dev/shm that a graph of five processes needs: each maps a segment of 32 MB."""

FREE_DISK = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, what was found, and the fix."""

    check: str
    good: bool
    found: str
    fix: str = ''


def add_arguments(parser):
    """Options of ``doctor``."""
    parser.add_argument('--checkpoint', default='', help='checkpoint folder to look at; empty takes the shipped one')


def _python():
    version = '.'.join(map(str, sys.version_info[:3]))
    return Finding('python', (3, 10) <= sys.version_info[:2] <= (3, 13), version, 'use Python 3.10 to 3.13')


def _module(name, fix):
    try:
        module = importlib.import_module(name)
        return Finding(f'import {name}', True, getattr(module, '__version__', 'found'))
    except ImportError as error:
        return Finding(f'import {name}', False, str(error), fix)


def _rendering():
    try:
        check_rendering()
        return Finding('rendering', True, os.environ.get('MUJOCO_GL', 'egl'))
    except CommandError as error:
        return Finding('rendering', False, str(error), GL_HINT)


def _checkpoint(path):
    try:
        return Finding('checkpoint', True, str(check_checkpoint(path)))
    except CommandError as error:
        return Finding('checkpoint', False, str(error), error.hint)


def _shared_memory():
    free = shutil.disk_usage('/dev/shm').free
    return Finding('shared memory', free >= SHARED_MEMORY, f'{free >> 20} MB free in /dev/shm',
                   'remove segments of dead processes there (fastrtps_*), or start the container with --shm-size=512m')


def _disk():
    free = shutil.disk_usage(os.getcwd()).free
    return Finding('disk', free >= FREE_DISK, f'{free / 1e9:.1f} GB free here', 'make space, or record elsewhere with --output')


def _safety():
    try:
        from cosmos_policy_ros.safety.config import load_config
        load_config(config_file('safety.yaml'))
        return Finding('safety configuration', True, str(config_file('safety.yaml')))
    except (OSError, ValueError) as error:
        return Finding('safety configuration', False, str(error), 'mend config/safety.yaml')


def run(args):
    """Run all checks; exit code 1 when one fails."""
    reinstall = 'run "make setup" in the checkout, or source the ROS 2 workspace'
    modules = ('rclpy', 'cosmos_policy_ros.msg', 'interbotix_xs_msgs.msg', 'torch', 'diffusers', 'mujoco', 'rosbags', 'mcap', 'av')
    findings = [_python(), *(_module(name, reinstall) for name in modules), _rendering(), _checkpoint(args.checkpoint),
                _safety(), _shared_memory(), _disk()]
    for finding in findings:
        print(f'{"ok  " if finding.good else "FAIL"}  {finding.check}: {finding.found}'
              + ('' if finding.good else f'\n      fix: {finding.fix}'), file=sys.stderr)
    bad = [finding for finding in findings if not finding.good]
    return {'findings': [asdict(finding) for finding in findings]}, f'doctor: {len(bad)} of {len(findings)} checks failed', int(bool(bad))
