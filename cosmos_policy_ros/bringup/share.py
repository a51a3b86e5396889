"""Where the package's configuration, checkpoints and launch files lie."""
import os
import sys
from pathlib import Path

NAME = 'cosmos_policy_ros'


def share_folder():
    """Folder that holds ``config/``, ``checkpoints/``, ``launch/``, ``rviz/``, ``web/`` and the other layouts.

    A checkout that is run in place uses its own files; otherwise the sourced ROS 2 prefixes are searched, then the
    Python environment.

    Raises:
        FileNotFoundError: the package is imported but not installed.
    """
    checkout = Path(__file__).resolve().parents[2]
    candidates = [checkout] if (checkout / 'package.xml').is_file() else []
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p] + [sys.prefix]
    candidates += [Path(prefix, 'share', NAME) for prefix in prefixes]
    for folder in candidates:
        if (folder / 'config').is_dir():
            return folder
    raise FileNotFoundError(f'{NAME} is not installed: no config/ folder in {", ".join(map(str, candidates))}; '
                            'run "make setup" in a checkout or "colcon build" in a workspace')


def config_file(name):
    """Path of ``config/<name>``."""
    return share_folder() / 'config' / name


def default_checkpoint():
    """The checkpoint shipped with the package: the tiny preset for the simulated ALOHA."""
    return share_folder() / 'checkpoints' / 'tiny_aloha'
