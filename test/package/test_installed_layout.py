"""An installation has what ros2 run, ros2 launch, the ament index and the type support loader look for."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = 'cosmos_policy_ros'
EXECUTABLES = re.search(r'foreach\(node ([^)]+)\)', (ROOT / 'CMakeLists.txt').read_text()).group(1).split()


@pytest.fixture(scope='module')
def prefix():
    """The colcon prefix or the Python environment that the package is installed to."""
    prefixes = [*filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)), sys.prefix]
    return next(Path(p) for p in prefixes if Path(p, 'share', NAME, 'package.xml').is_file())


def test_the_ament_index_knows_package_and_interfaces(prefix):
    index = prefix / 'share' / 'ament_index' / 'resource_index'
    assert (index / 'packages' / NAME).is_file()
    listed = (index / 'rosidl_interfaces' / NAME).read_text().split()
    assert {f'{kind}/{p.name}' for kind in ('msg', 'srv', 'action') for p in (ROOT / kind).iterdir()} <= set(listed)


@pytest.mark.parametrize('folder', ['launch', 'config', 'rviz', 'foxglove', 'plotjuggler', 'web', 'checkpoints'])
def test_shared_files_are_those_of_the_tree(prefix, folder):
    for path in (ROOT / folder).rglob('*'):
        if path.is_file() and path.suffix != '.pyc':
            assert (prefix / 'share' / NAME / path.relative_to(ROOT)).read_bytes() == path.read_bytes(), path


def test_type_support_libraries_lie_where_the_loader_looks(prefix):
    assert {f'lib{NAME}__rosidl_{kind}.so' for kind in ('typesupport_c', 'typesupport_fastrtps_c', 'generator_c')} <= {
        path.name for path in (prefix / 'lib').glob('*.so')}


@pytest.mark.parametrize('name', EXECUTABLES)
def test_every_executable_has_its_node_module(prefix, name):
    assert os.access(prefix / 'lib' / NAME / name, os.X_OK)
    assert importlib.util.find_spec(f'{NAME}.nodes.{name}'), f'{NAME}/nodes/{name}.py is missing'


def test_an_executable_runs_the_module_of_its_name_with_the_python_of_its_environment(tmp_path):
    """Not with the system's Python, and with arguments and exit code handed through."""
    script = tmp_path / 'lib' / NAME / 'probe_node'
    module = tmp_path / 'modules' / NAME / 'nodes' / 'probe_node.py'
    python = tmp_path / 'bin' / 'python3'
    for folder in (script.parent, module.parent, python.parent):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / 'scripts' / 'node', script)
    python.write_text(f'#!/bin/sh\nPROBE=own exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for package in (module.parent, module.parents[1]):
        (package / '__init__.py').touch()
    module.write_text('import os, sys\ndef main():\n    print(os.environ["PROBE"], sys.argv[1:])\n    return 3\n')
    result = subprocess.run([script, '--ros-args', 'a b'], text=True, stdout=subprocess.PIPE,
                            env=dict(os.environ, PYTHONPATH=str(tmp_path / 'modules')))
    assert (result.stdout.strip(), result.returncode) == ("own ['--ros-args', 'a b']", 3)
