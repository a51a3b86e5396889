"""The node graph as ``launch_ros`` actions; imported by launch files only, where ROS 2's launch is installed."""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from .environment import THREADS
from .graph import RESPAWNED, GraphOptions, graph, simulator_nodes
from .processes import GRACE

RESPAWN_DELAY = 2.0
"""s before a node that died is started again."""

_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a word'}


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(context, name, fixed):
    values = dict(fixed)
    for option, kind, *_ in GraphOptions.describe(name):
        text = LaunchConfiguration(option).perform(context)
        try:
            values[option] = {'true': True, 'false': False}[text.lower()] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise RuntimeError(f'launch argument {option}:={text}: expected {_KINDS[kind]}') from None
    return GraphOptions(**values)


def describe(name, **fixed):
    """The ``LaunchDescription`` of one graph.

    Args:
        name: 'sim' for the simulated robot alone, else the graph of a policy, of teleop or of a replay.
        fixed: ``GraphOptions`` that this launch file decides; defaults of those that are its arguments, too.
    """
    arguments = []
    for option, kind, default, description, choices in GraphOptions.describe(name):
        arguments.append(DeclareLaunchArgument(
            option, default_value=_text(fixed.get(option, default)), description=description,
            choices=['true', 'false'] if kind is bool else choices and list(choices)))
    if name != 'sim':
        arguments.append(DeclareLaunchArgument('simulated', default_value='false', choices=['true', 'false'],
                                               description='start the simulated robot, too, and follow its clock'))

    def nodes(context):
        options = _read(context, name, fixed)
        specs = simulator_nodes(options) if name == 'sim' else graph(
            options, LaunchConfiguration('simulated').perform(context) == 'true')
        return [Node(package='cosmos_policy_ros', executable=spec.executable, output='screen',
                     respawn=spec.executable in RESPAWNED, respawn_delay=RESPAWN_DELAY, sigterm_timeout=str(GRACE),
                     parameters=[*map(str, spec.parameter_files), spec.parameters]) for spec in specs]

    # The network stays as the user has set it up: the robot's own nodes have to be found.
    return LaunchDescription([*arguments, *(SetEnvironmentVariable(key, value) for key, value in THREADS.items()),
                              OpaqueFunction(function=nodes)])
