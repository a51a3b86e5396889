"""Set up .venv when it is missing or outdated, then run a command in it.

    python3 tools/setup_env.py [command [argument ...]]

Brings ROS 2, the simulator and the tests to a machine that has Python 3.10 to 3.13 and a C and C++ compiler. Steps
whose inputs did not change since they last succeeded are skipped, so that a second run starts at once. The environment
sees the checkout: changed Python, launch and configuration files take effect without another set-up.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from machine import GL_PACKAGES, SetupError, advice, check_python, environment_of, missing_packages, provide, succeeds

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
PYTHON = VENV / 'bin' / 'python'
CMAKE = VENV / 'bin' / 'cmake'
BUILD = ROOT / 'build'
LOG = BUILD / 'setup.log'
STAMP = VENV / 'setup_stamp.json'
ROBOT_MESSAGES = 'interbotix_xs_msgs'
SHARED_FOLDERS = ('launch', 'config', 'rviz', 'foxglove', 'plotjuggler', 'web', 'checkpoints')
PIP_INSTALL = (str(PYTHON), '-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off')


def main(command):
    environment = environment_of(VENV, os.environ)
    try:
        with setup_lock():
            set_up(environment)
    except SetupError as error:
        sys.exit(f'set-up stopped: {error}')
    except KeyboardInterrupt:
        sys.exit('set-up interrupted; finished steps are kept, repeat to go on')
    if command:
        sys.path.insert(0, str(ROOT))
        from cosmos_policy_ros.bringup.environment import ros_environment  # needs the standard library only
        environment = environment_of(VENV, ros_environment())
        program = shutil.which(command[0], path=environment['PATH'])
        if program is None:
            sys.exit(f'{command[0]}: neither in {PYTHON.parent} nor on PATH')
        os.execve(program, [program, *command[1:]], environment)


def set_up(environment):
    """Run the steps whose inputs changed since they last succeeded; a step is recorded only when it ended well."""
    steps = (
        ('packages', install_packages, ['constraints.txt']),
        (ROBOT_MESSAGES, build_robot_messages, ['interfaces', 'cmake']),
        ('checkout', install_checkout, [
            'CMakeLists.txt', 'package.xml', 'setup.py', 'pyproject.toml', 'requirements.txt', 'cmake', 'scripts',
            'msg', 'srv', 'action']),
        ('rendering', check_rendering, []),
    )
    stamp = read_stamp()
    due = [(name, step, digest(inputs)) for name, step, inputs in steps if stamp.get(name) != digest(inputs)]
    if due:
        check_python()
        provide(missing_packages(python_is_new=not PYTHON.exists()), say)
        LOG.write_text('')
        if not PYTHON.exists():
            say(f'making {VENV.name} with Python {platform.python_version()}')
            run([sys.executable, '-m', 'venv', str(VENV)], environment)
        stamp.update(made_for=made_for())
    started = time.monotonic()
    for number, (name, step, inputs_digest) in enumerate(due, 1):
        begun = time.monotonic()
        say(f'[{number}/{len(due)}] {step.__doc__}')
        step(environment)
        stamp[name] = inputs_digest
        STAMP.write_text(json.dumps(stamp, indent=1) + '\n')
        say(f'[{number}/{len(due)}] done in {time.monotonic() - begun:.0f} s')
    link_shared_folders()
    if due:
        say(f'set-up complete after {time.monotonic() - started:.0f} s')


def read_stamp():
    """The record of finished steps; removes an environment that was made in another place or has lost its Python."""
    stamp = json.loads(STAMP.read_text()) if STAMP.is_file() else {}
    if stamp and stamp['made_for'] != made_for():
        say(f'{VENV.name} was made for {stamp["made_for"]}: starting over')
        shutil.rmtree(VENV)
        return {}
    return stamp


def made_for():
    """Checkout and Python of the environment; scripts in it name the first, compiled modules need the second."""
    version = ''
    with contextlib.suppress(OSError):
        version = subprocess.run([str(PYTHON), '-V'], capture_output=True, text=True).stdout.strip()
    return f'{version} in {ROOT}'


def digest(names):
    """Hash over the names and contents of these files, and of all files below these folders."""
    total = hashlib.sha256()
    for name in names:
        path = ROOT / name
        for file in sorted(path.rglob('*')) if path.is_dir() else [path]:
            if file.is_file():
                total.update(f'{file.relative_to(ROOT)}\0'.encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def install_packages(environment):
    """installing the pinned Python packages, ROS 2 among them"""
    found = set()

    def progress(line):
        if line.startswith(('Collecting', 'Requirement already satisfied')):
            found.add(line)
            return f'{len(found)} packages found'
        return 'unpacking them' if line.startswith('Installing collected') else None

    run([*PIP_INSTALL, '-r', str(ROOT / 'constraints.txt')], environment, progress)


def build_robot_messages(environment):
    """building interbotix_xs_msgs, unless the robot's own are here"""
    stand_in = VENV / 'share' / ROBOT_MESSAGES / 'stand_in'
    if not stand_in.exists() and succeeds([str(PYTHON), '-c', f'import {ROBOT_MESSAGES}.msg'], environment):
        say(f'      {ROBOT_MESSAGES} is installed already and stays')
        return
    work = BUILD / ROBOT_MESSAGES
    shutil.rmtree(work, ignore_errors=True)  # its cache may name folders of an earlier environment
    environment = dict(environment, AMENT_PREFIX_PATH=str(VENV))
    run([str(CMAKE), '-G', 'Ninja', '-S', str(ROOT / 'interfaces' / ROBOT_MESSAGES), '-B', str(work),
         f'-DCMAKE_PREFIX_PATH={VENV}', f'-DCMAKE_INSTALL_PREFIX={VENV}', f'-DPython3_EXECUTABLE={PYTHON}',
         f'-DCMAKE_PROJECT_INCLUDE={ROOT / "cmake" / "relocate_wheel_imports.cmake"}', '-DBUILD_TESTING=OFF'],
        environment)
    run([str(CMAKE), '--build', str(work), '--target', 'install'], environment, build_progress)
    stand_in.touch()


def install_checkout(environment):
    """building this package's messages and installing the checkout in place"""
    run([*PIP_INSTALL, '-v', '--no-deps', '--no-build-isolation', '-e', str(ROOT)], environment, build_progress)


def check_rendering(environment):
    """drawing without a display"""
    backend = environment.get('MUJOCO_GL', 'egl')
    probe = 'import mujoco; context = mujoco.GLContext(64, 64); context.make_current(); context.free()'
    if not succeeds([str(PYTHON), '-c', probe], dict(environment, MUJOCO_GL=backend)):
        raise SetupError(f'MuJoCo cannot draw with MUJOCO_GL={backend}. {advice(GL_PACKAGES)} '
                         'Where that does not help: "sudo apt-get install libosmesa6" and MUJOCO_GL=osmesa.')


def link_shared_folders():
    """Let share/cosmos_policy_ros/ in the environment show the checkout's folders."""
    for name in SHARED_FOLDERS:
        link = VENV / 'share' / 'cosmos_policy_ros' / name
        if (ROOT / name).is_dir() and not link.exists():
            link.symlink_to(ROOT / name)


@contextlib.contextmanager
def setup_lock():
    """One set-up at a time in this checkout; a second one waits."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / 'setup.lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('another set-up is running in this checkout, waiting for it')
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text):
    print(text, flush=True)


def build_progress(line):
    """'[12/345] Building ...' of ninja as '12/345 build steps'."""
    done = line.split(']')[0].lstrip('[')
    return f'{done} build steps' if line.startswith('[') and '/' in done else None


def run(command, environment, progress=lambda line: None):
    """Run a command with its output in the log file; raise SetupError with the last lines when it fails.

    Args:
        progress: turns a line of output into a short text or None; shown at once on a terminal, in a pipe every 15 s.
    """
    terminal = sys.stdout.isatty()
    shown = time.monotonic()
    with open(LOG, 'a') as log:
        log.write(f'$ {" ".join(command)}\n')
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors='replace') as process:
            for line in process.stdout:
                log.write(line)
                text = progress(line.strip())
                if text and terminal:
                    print(f'\r      {text:60}', end='', flush=True)
                elif text and time.monotonic() - shown > 15:
                    say(f'      {text}')
                    shown = time.monotonic()
    if terminal:
        print('\r' + ' ' * 66 + '\r', end='', flush=True)
    if process.returncode:
        tail = ''.join(f'    {line}\n' for line in LOG.read_text(errors='replace').splitlines()[-15:])
        raise SetupError(f'"{" ".join(command[:4])} ..." ended with {process.returncode}:\n{tail}'
                         f'The whole output is in {LOG}. Mend what it names and repeat; finished steps are kept.')


if __name__ == '__main__':
    main(sys.argv[1:])
