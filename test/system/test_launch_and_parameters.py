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

from cosmos_policy_ros.bringup.graph import RESPAWNED, GraphOptions, graph, simulator_nodes
from cosmos_policy_ros.cli.up import GRAPHS

ROOT = Path(__file__).resolve().parents[2]
CONFIG, LAUNCH = ROOT / 'config', ROOT / 'launch'
EXECUTABLES = re.search(r'foreach\(node ([^)]+)\)', (ROOT / 'CMakeLists.txt').read_text()).group(1).split()
SPECS = {spec.executable: spec for mode in ('teleop', 'replay', 'direct')
         for spec in graph(GraphOptions(mode=mode, board=True, jog=True), simulated=True)}
SOURCES = {'direct': 'policy_node', 'planning': 'policy_node', 'teleop': 'teleop_node', 'replay': 'replay_node'}
RECORDS = {'sim_node': 'SimParameters', 'supervisor_node': 'SupervisorParameters', 'policy_node': 'PolicyParameters',
           'guard_node': 'GuardParameters', 'bringup_node': 'BringupParameters', 'safety_monitor_node': 'MonitorParameters', 'recorder_node': 'RecorderParameters', 'rollout_node': 'RolloutParameters',
           'teleop_node': 'TeleopParameters', 'replay_node': 'ReplayParameters', 'board_node': 'BoardParameters',
           'jog_node': 'JogParameters'}

FOR_SIMULATORS = {'latch_file', 'companions_required'}
"""In a file for robots, chosen by the graph for the simulator."""


def declared(executable):
    module = importlib.import_module(f'cosmos_policy_ros.nodes.{executable}')
    return {item.name for item in fields(getattr(module, RECORDS[executable]))}


def parameters_of(path):
    content = yaml.safe_load(path.read_text())
    assert list(content) == ['/**'] and list(content['/**']) == ['ros__parameters'], path
    return content['/**']['ros__parameters']


def test_every_node_of_the_graphs_has_its_record():
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


@pytest.mark.parametrize('files', ['robot_*.yaml', 'cameras_*.yaml'])
def test_every_preset_of_a_kind_sets_the_same_things(files):
    presets = [parameters_of(path) for path in CONFIG.glob(files)]
    assert len(presets) >= 2 and all(set(preset) == set(presets[0]) for preset in presets)


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


@pytest.fixture
def launched(launch):
    """launched(path, **arguments): arguments that a launch file declares, and the nodes that it starts."""
    def start(path, **arguments):
        entities, = runpy.run_path(str(path))['generate_launch_description']().arguments
        declared = [entity for entity in entities if isinstance(entity, launch.DeclareLaunchArgument)]
        chosen = {entity.arguments[0]: entity.keywords['default_value'] for entity in declared}
        function, = (entity.keywords['function'] for entity in entities if isinstance(entity, launch.OpaqueFunction))
        return declared, function({**chosen, **arguments})
    return start


PATHS = pytest.mark.parametrize('path', sorted(LAUNCH.glob('*.launch.py')), ids=lambda path: path.stem)


def kind(path):
    """'sim', 'direct', 'planning', 'teleop' or 'replay'."""
    return path.name.removeprefix('aloha_').removesuffix('.launch.py')


def test_there_is_a_launch_file_for_every_graph_of_the_command():
    assert {kind(path) for path in LAUNCH.glob('*.launch.py')} == set(GRAPHS)


@PATHS
def test_a_launch_file_has_the_arguments_that_its_graph_reads(launched, path):
    """Each with a description, and a switch with its choices."""
    ast.parse(path.read_text(), feature_version=(3, 10))
    arguments, _ = launched(path)
    graph_name = 'policy' if SOURCES.get(kind(path)) == 'policy_node' else kind(path)
    read = {name for name, *_ in GraphOptions.describe(graph_name)}
    assert {entity.arguments[0] for entity in arguments} == read | (set() if graph_name == 'sim' else {'simulated'})
    for entity in arguments:
        assert len(entity.keywords['description']) > 15
        assert (entity.keywords['choices'] == ['true', 'false']) == (entity.keywords['default_value'] in ('true', 'false'))


@PATHS
@pytest.mark.parametrize('simulated', [False, True])
def test_a_launch_file_starts_the_nodes_of_the_command_with_the_same_parameters(launched, path, simulated):
    _, nodes = launched(path, simulated=str(simulated).lower())
    options = GraphOptions(mode='direct' if kind(path) == 'sim' else kind(path))
    specs = simulator_nodes(options) if kind(path) == 'sim' else graph(options, simulated)
    started = [(node.keywords['executable'], node.keywords['parameters']) for node in nodes]
    assert started == [(spec.executable, [*map(str, spec.parameter_files), spec.parameters]) for spec in specs]
    assert SOURCES.get(kind(path), 'sim_node') in [spec.executable for spec in specs]
    for node in nodes:
        assert node.keywords['package'] == 'cosmos_policy_ros' and node.keywords['executable'] in EXECUTABLES
        *files, values = node.keywords['parameters']
        assert files and all(Path(file).is_file() for file in files)
        assert set(values) - {'use_sim_time'} <= declared(node.keywords['executable'])
        assert node.keywords['respawn'] == (node.keywords['executable'] in RESPAWNED)


def test_nothing_that_commands_or_remembers_is_started_again():
    """A supervisor, guard or source of rows that died must not come back by itself."""
    assert set(RESPAWNED) == {'safety_monitor_node'}


@pytest.mark.parametrize('name, text, word', [('seed', 'many', 'a whole number'), ('lockstep', '1', 'true or false'),
                                              ('real_time_factor', 'fast', 'a number')])
def test_an_argument_of_the_wrong_kind_is_named(launched, name, text, word):
    with pytest.raises(RuntimeError, match=f'{name}:={text}: expected {word}'):
        launched(LAUNCH / 'aloha_sim.launch.py', **{name: text})
