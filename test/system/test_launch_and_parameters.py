"""Parameter files, node records and launch files agree with each other."""
import ast
import importlib
import re
import runpy
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

from cosmos_policy_ros.bringup.graph import GraphOptions, graph

ROOT = Path(__file__).resolve().parents[2]
CONFIG, LAUNCH = ROOT / 'config', ROOT / 'launch'
EXECUTABLES = re.search(r'foreach\(node ([^)]+)\)', (ROOT / 'CMakeLists.txt').read_text()).group(1).split()
SPECS = {spec.executable: spec for spec in graph(GraphOptions(), simulated=True)}
RECORDS = {'sim_node': 'SimParameters', 'supervisor_node': 'SupervisorParameters', 'policy_node': 'PolicyParameters',
           'guard_node': 'GuardParameters', 'safety_monitor_node': 'MonitorParameters', 'recorder_node': 'RecorderParameters', 'rollout_node': 'RolloutParameters'}

FOR_SIMULATORS = {'latch_file', 'companions_required'}
"""In a file for robots, chosen by the graph for the simulator."""


def declared(executable):
    module = importlib.import_module(f'cosmos_policy_ros.nodes.{executable}')
    return {item.name for item in fields(getattr(module, RECORDS[executable]))}


def parameters_of(path):
    content = yaml.safe_load(path.read_text())
    assert list(content) == ['/**'] and list(content['/**']) == ['ros__parameters'], path
    return content['/**']['ros__parameters']


def test_every_node_of_the_graph_has_its_record():
    assert set(SPECS) == set(RECORDS)


@pytest.mark.parametrize('executable', RECORDS)
def test_every_parameter_is_written_down_in_a_file_or_chosen_by_the_graph(executable):
    """No undocumented parameter, no unknown one, and none in two places."""
    spec = SPECS[executable]
    files = [set(parameters_of(path)) for path in spec.parameter_files]
    given = [*files, set(spec.parameters) - {'use_sim_time', 'simulated_latency', *FOR_SIMULATORS}]
    # What only planning reads is in a file that only a planning graph adds.
    planning = set(parameters_of(CONFIG / 'planning.yaml')) if executable == 'policy_node' else set()
    assert set.union(*given, planning) == declared(executable)
    assert sum(map(len, given)) == len(set.union(*given))


def test_every_robot_file_names_the_same_things():
    robots = [parameters_of(path) for path in CONFIG.glob('robot_*.yaml')]
    assert len(robots) >= 2 and all(set(robot) == set(robots[0]) for robot in robots)


@pytest.mark.parametrize('executable', RECORDS)
def test_what_a_file_says_is_the_default_in_the_code(executable):
    """A node that is started by hand behaves as one that is started with its file."""
    module = importlib.import_module(f'cosmos_policy_ros.nodes.{executable}')
    record = getattr(module, RECORDS[executable])()
    for path in SPECS[executable].parameter_files:
        for name, value in parameters_of(path).items():
            assert getattr(record, name) == value, f'{path.name}: {name}'


class Recorded:
    """Stands in for a class of ``launch``: keeps what it was made of."""

    def __init__(self, *arguments, **keywords):
        self.arguments, self.keywords = arguments, keywords

    def perform(self, context):
        return context[self.arguments[0]]


@pytest.fixture
def launch(monkeypatch):
    """``launch`` and ``launch_ros``, which are not among the wheels, as recorders."""
    kinds = {}
    for module, names in {'launch': ['LaunchDescription'], 'launch.substitutions': ['LaunchConfiguration'],
                          'launch.actions': ['DeclareLaunchArgument', 'OpaqueFunction', 'SetEnvironmentVariable'],
                          'launch_ros': [], 'launch_ros.actions': ['Node']}.items():
        stub = ModuleType(module)
        for name in names:
            kinds[name] = type(name, (Recorded,), {})
            setattr(stub, name, kinds[name])
        monkeypatch.setitem(sys.modules, module, stub)
    monkeypatch.delitem(sys.modules, 'cosmos_policy_ros.bringup.launch_actions', raising=False)
    yield SimpleNamespace(**kinds)
    sys.modules.pop('cosmos_policy_ros.bringup.launch_actions', None)


@pytest.mark.parametrize('path', sorted(LAUNCH.glob('*.launch.py')), ids=lambda path: path.stem)
def test_a_launch_file_starts_installed_nodes_with_files_that_exist(launch, path):
    ast.parse(path.read_text(), feature_version=(3, 10))
    description = runpy.run_path(str(path))['generate_launch_description']()
    entities, = description.arguments
    arguments = [entity for entity in entities if isinstance(entity, launch.DeclareLaunchArgument)]
    chosen = {entity.arguments[0]: entity.keywords['default_value'] for entity in arguments}
    alone = path.stem.startswith('aloha_sim')
    assert set(chosen) == {item.name for item in fields(GraphOptions)} | (set() if alone else {'simulated'})
    assert all(entity.keywords['description'] for entity in arguments)
    function, = (entity.keywords['function'] for entity in entities if isinstance(entity, launch.OpaqueFunction))
    nodes = function(chosen)
    assert nodes
    for node in nodes:
        assert node.keywords['package'] == 'cosmos_policy_ros' and node.keywords['executable'] in EXECUTABLES
        *files, values = node.keywords['parameters']
        assert files and all(Path(file).is_file() for file in files)
        assert set(values) - {'use_sim_time'} <= declared(node.keywords['executable'])
    started = {node.keywords['executable'] for node in nodes}
    assert started == ({'sim_node'} if alone else set(RECORDS) - {'sim_node'})
    if not alone:
        together = function({**chosen, 'simulated': 'true'})
        assert {node.keywords['executable'] for node in together} == set(RECORDS)
