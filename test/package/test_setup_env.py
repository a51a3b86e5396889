"""Set-up does what changed, says what is wrong and what to type, and keeps another ROS 2 out."""
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
import machine  # noqa: E402
import setup_env  # noqa: E402


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small checkout with an environment, and a list of the steps that ran in it."""
    ran = []
    for name in ('ROOT', 'VENV', 'PYTHON', 'BUILD', 'LOG', 'STAMP'):
        monkeypatch.setattr(setup_env, name, tmp_path / getattr(setup_env, name).relative_to(ROOT))
    for name in ('install_packages', 'build_robot_messages', 'install_checkout', 'check_rendering'):
        def step(environment, name=name):
            """a step"""
            ran.append(name)
        monkeypatch.setattr(setup_env, name, step)
    for name in ('constraints.txt', 'CMakeLists.txt', 'package.xml', 'setup.py', 'pyproject.toml', 'requirements.txt',
                 'msg/A.msg', 'config/a.yaml', 'cosmos_policy_ros/a.py', 'interfaces/b/B.msg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('one')
    for folder in ('build', '.venv/bin', '.venv/share/cosmos_policy_ros'):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / '.venv/bin/python').symlink_to(sys.executable)
    return tmp_path, ran


def test_a_second_run_does_nothing(tree):
    _, ran = tree
    setup_env.set_up({})
    assert ran == ['install_packages', 'build_robot_messages', 'install_checkout', 'check_rendering']
    setup_env.set_up({})
    assert len(ran) == 4


@pytest.mark.parametrize('changed, expected', [
    ('constraints.txt', ['install_packages']),
    ('msg/A.msg', ['install_checkout']),
    ('srv/New.srv', ['install_checkout']),
    ('interfaces/b/B.msg', ['build_robot_messages']),
    ('cosmos_policy_ros/a.py', []),
    ('config/a.yaml', []),
])
def test_only_the_steps_with_changed_inputs_run_again(tree, changed, expected):
    root, ran = tree
    setup_env.set_up({})
    ran.clear()
    (root / changed).parent.mkdir(exist_ok=True)
    (root / changed).write_text('two')
    setup_env.set_up({})
    assert ran == expected


def test_a_failed_step_is_repeated_and_the_finished_ones_are_kept(tree, monkeypatch):
    _, ran = tree
    step = setup_env.install_checkout

    def fail(environment):
        """a step"""
        raise machine.SetupError('broken')
    monkeypatch.setattr(setup_env, 'install_checkout', fail)
    with pytest.raises(machine.SetupError):
        setup_env.set_up({})
    ran.clear()
    monkeypatch.setattr(setup_env, 'install_checkout', step)
    setup_env.set_up({})
    assert ran == ['install_checkout', 'check_rendering']


def test_an_environment_that_was_made_elsewhere_is_made_anew(tree):
    root, _ = tree
    setup_env.set_up({})
    stamp = json.loads(setup_env.STAMP.read_text())
    setup_env.STAMP.write_text(json.dumps(dict(stamp, made_for='Python 3.11.0 in /elsewhere')))
    assert setup_env.read_stamp() == {} and not (root / '.venv').exists()


def test_an_environment_without_our_stamp_is_never_removed(tree):
    root, _ = tree
    assert setup_env.read_stamp() == {} and (root / '.venv').exists()


def test_shared_folders_show_the_checkout(tree):
    root, _ = tree
    setup_env.set_up({})
    (root / 'config/a.yaml').write_text('edited')
    assert (root / '.venv/share/cosmos_policy_ros/config/a.yaml').read_text() == 'edited'


def test_the_last_lines_and_the_log_are_shown_when_a_command_fails(tree):
    with pytest.raises(machine.SetupError, match='(?s)ended with 3.*no such thing.*setup.log'):
        setup_env.run(['sh', '-c', 'echo no such thing >&2; exit 3'], dict(os.environ))


def test_an_edited_module_takes_effect_without_a_reinstall():
    """The environment imports the checkout itself."""
    try:
        origin = json.loads(importlib.metadata.distribution('cosmos_policy_ros').read_text('direct_url.json') or '{}')
    except importlib.metadata.PackageNotFoundError:
        origin = {}
    if not origin.get('dir_info', {}).get('editable'):
        pytest.skip('not the environment of make setup, but colcon\'s or an ordinary installation')
    code = 'import cosmos_policy_ros.embodiment as room; print(room.__file__)'
    result = subprocess.run([sys.executable, '-c', code], cwd='/', text=True, stdout=subprocess.PIPE, check=True)
    assert Path(result.stdout.strip()) == ROOT / 'cosmos_policy_ros' / 'embodiment' / '__init__.py'


@pytest.fixture
def bare_path(tmp_path, monkeypatch):
    """A PATH on which nothing is installed, not even apt-get."""
    monkeypatch.setenv('PATH', str(tmp_path))


def test_a_missing_compiler_is_named_with_the_line_to_type(bare_path):
    missing = machine.missing_packages(python_is_new=False)
    assert {'a C compiler', 'a C++ compiler'} <= set(missing)
    with pytest.raises(machine.SetupError, match=r'lacks a C compiler.*Type "sudo apt-get install gcc libc6-dev g\+\+'):
        machine.provide(missing, print)


def test_missing_software_opengl_is_named_with_the_line_to_type(bare_path, monkeypatch):
    monkeypatch.setattr(machine, 'loads', lambda library: False)
    with pytest.raises(machine.SetupError, match='software OpenGL.*install .*libegl1 libgl1 libgl1-mesa-dri'):
        machine.provide(machine.missing_packages(python_is_new=False), print)


def test_a_python_without_venv_is_named_with_the_line_to_type(bare_path, monkeypatch):
    monkeypatch.setattr(machine, 'find_spec', lambda name: None)
    with pytest.raises(machine.SetupError, match=r'venv module.*sudo apt-get install .*python3\.\d+-venv'):
        machine.provide(machine.missing_packages(python_is_new=True), print)


def test_packages_are_installed_where_the_user_may(monkeypatch):
    commands = []
    monkeypatch.setattr(machine.os, 'geteuid', lambda: 0)
    monkeypatch.setattr(machine.shutil, 'which', lambda name: f'/usr/bin/{name}')
    monkeypatch.setattr(machine, 'succeeds', lambda command: commands.append(command) or len(commands) > 1)
    machine.provide({'software OpenGL': ['libegl1']}, print)
    assert [command[1] for command in commands] == ['install', 'update', 'install']


def test_an_unsupported_python_is_refused(monkeypatch):
    monkeypatch.setattr(machine.sys, 'version_info', (3, 9, 18))
    with pytest.raises(machine.SetupError, match='Python 3.10 to 3.13 is needed.*make PYTHON='):
        machine.check_python()


@pytest.mark.skipif(not shutil.which('make'), reason='make is not installed here')
def test_make_says_what_to_do_without_a_python(tmp_path):
    result = subprocess.run([shutil.which('make'), '-C', str(ROOT), 'setup'], env={'PATH': str(tmp_path)}, text=True,
                            capture_output=True)
    assert result.returncode and 'Python 3.10 to 3.13 is needed' in result.stderr


def test_a_sourced_ros_2_is_left_aside():
    """Two ROS 2 installs in one process mix their libraries."""
    environment = machine.environment_of(Path('/tree/.venv'), {
        'AMENT_PREFIX_PATH': '/ws/install/robot:/opt/ros/jazzy', 'CMAKE_PREFIX_PATH': '/opt/ros/jazzy',
        'PYTHONPATH': '/ws/install/robot/lib/python3.12/site-packages:/home/me/lib',
        'LD_LIBRARY_PATH': '/opt/ros/jazzy/lib', 'PATH': '/opt/ros/jazzy/bin:/usr/bin', 'HOME': '/home/me'})
    assert environment == {'PYTHONPATH': '/home/me/lib', 'LD_LIBRARY_PATH': '', 'PATH': '/tree/.venv/bin:/usr/bin',
                           'HOME': '/home/me', 'VIRTUAL_ENV': '/tree/.venv'}


def test_libraries_of_another_wheel_environment_are_left_aside():
    environment = machine.environment_of(Path('/tree/.venv'), {
        '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1', 'LD_LIBRARY_PATH': '/other/.venv/lib', 'PATH': '/usr/bin'})
    assert environment == {'PATH': '/tree/.venv/bin:/usr/bin', 'VIRTUAL_ENV': '/tree/.venv'}
