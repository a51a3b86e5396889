"""The node graph as ``launch_ros`` actions; imported by launch files only, where ROS 2's launch is installed."""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from .environment import THREADS
from .graph import GraphOptions, graph, simulator_nodes


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(context):
    values = {}
    for name, kind, *_ in GraphOptions.describe():
        text = LaunchConfiguration(name).perform(context)
        values[name] = text.lower() in ('true', '1') if kind is bool else kind(text)
    return GraphOptions(**values)


def describe(name, **fixed):
    """The ``LaunchDescription`` of one graph.

    Args:
        name: 'sim' for the simulated robot alone, 'policy' for the policy graph.
        fixed: ``GraphOptions`` that this launch file decides, as defaults of its arguments.
    """
    arguments = []
    for option, _, default, description, choices in GraphOptions.describe():
        arguments.append(DeclareLaunchArgument(option, default_value=_text(fixed.get(option, default)),
                                               description=description, choices=choices))
    if name == 'policy':
        arguments.append(DeclareLaunchArgument('simulated', default_value='false', choices=['true', 'false'],
                                               description='start the simulated robot, too, and follow its clock'))

    def nodes(context):
        options = _read(context)
        specs = simulator_nodes(options) if name == 'sim' else graph(
            options, LaunchConfiguration('simulated').perform(context) == 'true')
        return [Node(package='cosmos_policy_ros', executable=spec.executable, output='screen',
                     parameters=[*map(str, spec.parameter_files), spec.parameters]) for spec in specs]

    # The network stays as the user has set it up: the robot's own nodes have to be found.
    return LaunchDescription([*arguments, *(SetEnvironmentVariable(key, value) for key, value in THREADS.items()),
                              OpaqueFunction(function=nodes)])
