"""Checks before anything is started, shared by the commands and by ``doctor``."""
import os
import shutil
import subprocess
import sys

import yaml

from cosmos_policy_ros.bringup.graph import ROBOT
from cosmos_policy_ros.bringup.share import config_file, default_checkpoint

from .console import CommandError

GL_HINT = 'apt-get install libegl1 libgl1 libgl1-mesa-dri   (or: libosmesa6, with MUJOCO_GL=osmesa)'


def known_tasks():
    """Instruction by task name, from ``config/tasks.yaml``."""
    return {name: task['instruction'] for name, task in yaml.safe_load(config_file('tasks.yaml').read_text()).items()}


def check_task(task, simulated):
    """Raise ``CommandError`` for a task that is not known, or not simulated."""
    names = sorted(known_tasks())
    if simulated:
        from cosmos_policy_ros.sim.tasks import TASKS
        names = sorted(TASKS)
    if task not in names:
        raise CommandError(f'unknown task {task!r}', f'use one of {", ".join(names)}')


def check_checkpoint(source, robot=ROBOT):
    """Path of the checkpoint: a folder of ours, released files, or what a hub id was downloaded to. Reads no weights.

    Raises:
        CommandError: it is missing, incomplete or for another robot than ``robot`` (None: any will do).
    """
    from cosmos_policy_ros.policy.checkpoint_folder import is_own, load_config, missing_files
    from cosmos_policy_ros.policy.errors import CheckpointError
    from cosmos_policy_ros.policy.hub import local_path
    advice = 'give --checkpoint a complete checkpoint, or leave it out; "cosmos-policy-ros checkpoint inspect" tells more'
    try:
        path = local_path(source or default_checkpoint())
        trained = load_config(path).robot
        missing = missing_files(path) if is_own(path) else ()
    except CheckpointError as error:
        raise CommandError(str(error), advice) from error
    if robot and trained != robot:
        raise CommandError(f'{path} was trained for the robot {trained!r}, this is {robot!r}',
                           'give --checkpoint one for this robot, or leave it out')
    if missing:
        raise CommandError(f'{path}: {", ".join(missing)} missing', advice)
    return path


def weights_size(path):
    """Bytes of the weights of a checkpoint, as they lie on the disk."""
    files = path.rglob('*') if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.suffix in ('.safetensors', '.pt', '.pth'))


def check_space(output):
    """Raise ``CommandError`` when the recorder would refuse to record into ``output`` for lack of space."""
    parameters = yaml.safe_load(config_file('recorder.yaml').read_text())['/**']['ros__parameters']
    free, kept = shutil.disk_usage(output).free / 1e9, parameters['minimum_free_gb']
    if free < kept:
        raise CommandError(f'{free:.2f} GB free in {output}; the recorder keeps {kept:g} GB free',
                           'make space, choose another --output, or lower minimum_free_gb in config/recorder.yaml')


def check_rendering():
    """Raise ``CommandError`` when no OpenGL is there for the simulated cameras."""
    environment = dict(os.environ, MUJOCO_GL=os.environ.get('MUJOCO_GL', 'egl'))
    probe = subprocess.run([sys.executable, '-c', 'import mujoco; mujoco.GLContext(8, 8).make_current()'],
                           env=environment, capture_output=True, text=True)
    if probe.returncode:
        reason = (probe.stderr.strip().splitlines() or ['no message'])[-1]
        raise CommandError(f'the simulated cameras cannot render ({environment["MUJOCO_GL"]}): {reason}', GL_HINT)
