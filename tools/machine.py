"""What a machine has to bring that pip cannot install, and variables that must not leak into .venv."""
import contextlib
import ctypes
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

GL_PACKAGES = ('libegl1', 'libgl1', 'libgl1-mesa-dri')


class SetupError(Exception):
    """What is wrong, and what to do next."""


def check_python():
    """Raise SetupError unless the ROS 2 wheels exist for this platform and Python."""
    if sys.platform != 'linux' or platform.machine() != 'x86_64':
        raise SetupError(f'the ROS 2 wheels exist for Linux on x86_64, this is {sys.platform} on {platform.machine()}. '
                         'Build with colcon in a ROS 2 workspace instead, see README.')
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        raise SetupError(f'Python 3.10 to 3.13 is needed, this is {platform.python_version()} ({sys.executable}). '
                         'Install one of those, or name it: make PYTHON=/path/to/python3.11')


def missing_packages(python_is_new):
    """{what is missing: the distribution's packages that bring it}.

    Args:
        python_is_new: this Python is about to make the environment, so its venv module and headers matter.
    """
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    missing = {}
    if python_is_new and not (find_spec('venv') and find_spec('ensurepip')):
        missing['Python\'s venv module'] = [f'python{version}-venv']
    if python_is_new and not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        missing['Python\'s headers'] = [f'python{version}-dev']
    if not any(map(shutil.which, ('cc', 'gcc', 'clang'))):
        missing['a C compiler'] = ['gcc', 'libc6-dev']
    if not any(map(shutil.which, ('c++', 'g++', 'clang++'))):
        missing['a C++ compiler'] = ['g++']
    if not loads('libEGL.so.1') and not loads('libOSMesa.so.8'):
        missing['software OpenGL'] = list(GL_PACKAGES)
    return missing


def provide(missing, say):
    """Install what is missing with apt-get where this user may, else raise SetupError with the line to type."""
    if not missing:
        return
    packages = [name for names in missing.values() for name in names]
    what = ', '.join(missing)
    as_root = [] if os.geteuid() == 0 else ['sudo', '-n']
    if not shutil.which('apt-get') or (as_root and not succeeds(['sudo', '-n', 'true'])):
        raise SetupError(f'this machine lacks {what}. {advice(packages)}')
    say(f'this machine lacks {what}: installing {" ".join(packages)} with apt-get')
    install = [*as_root, 'apt-get', 'install', '-y', '--no-install-recommends', *packages]
    if not succeeds(install) and not (succeeds([*as_root, 'apt-get', 'update']) and succeeds(install)):
        raise SetupError(f'apt-get could not install {" ".join(packages)}. {advice(packages)}')


def advice(packages):
    return f'Type "sudo apt-get install {" ".join(packages)}" (or its like on your distribution) and repeat.'


def loads(library):
    with contextlib.suppress(OSError):
        return bool(ctypes.CDLL(library))
    return False


def succeeds(command, environment=None):
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, env=environment, **quiet).returncode == 0
    return False


def environment_of(venv, environ):
    """`environ` with `venv` active, and without a sourced ROS 2 or another environment's ROS 2 wheels.

    Two ROS 2 installs in one process mix their libraries; the environment brings its own.
    """
    environment = dict(environ)
    sourced = [p for p in environment.pop('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    if environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None):
        environment.pop('LD_LIBRARY_PATH', None)  # set by those wheels
    for name in ('CMAKE_PREFIX_PATH', 'COLCON_PREFIX_PATH', 'PYTHONHOME'):
        environment.pop(name, None)
    for name in ('PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH'):
        if name in environment:
            folders = [p for p in environment[name].split(os.pathsep) if p]
            environment[name] = os.pathsep.join(
                p for p in folders if not any(Path(p).is_relative_to(prefix) for prefix in sourced))
    environment['PATH'] = os.pathsep.join([str(venv / 'bin'), environment.get('PATH', os.defpath)])
    environment['VIRTUAL_ENV'] = str(venv)
    return environment
