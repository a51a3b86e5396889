"""The node graph as data: which nodes run, with which parameters, for the simulator and for the robot.

Launch files turn it into ``launch_ros`` actions, the command line into supervised processes; a node cannot tell.
"""
from dataclasses import dataclass, field, fields, replace

from .share import config_file, default_checkpoint

NAMESPACE = '/cosmos_policy'
"""Namespace of this package's own topics, services and actions."""

ROBOT = 'aloha'
"""Which robot's checkpoints this graph can run: the word in a checkpoint's ``config.json``."""

LOCKSTEP_LATENCY = 0.28
"""s of simulated time from an observation to its chunk in lock-step, however busy the machine is; as in ``evaluate``."""

MODES = ('direct', 'planning')
"""How a policy infers; in place of one, the modes "teleop" and "replay" take rows from leader arms or from a recording."""

EVERY = ('sim', 'policy', 'teleop', 'replay')
"""The graphs; one launch file each, and two for the policy."""

JUDGING = ('bringup_node', 'supervisor_node', 'guard_node', 'safety_monitor_node', 'teleop_node', 'jog_node', 'replay_node')
"""Nodes that read the safety configuration; all have to read the same."""

RESPAWNED = ('safety_monitor_node',)
"""Nodes that a launch file starts again when they die: those that hold no state and command nothing."""


def _option(default, description, choices=None, graphs=EVERY):
    return field(default=default, metadata={'description': description, 'choices': choices, 'graphs': graphs})


@dataclass(frozen=True)
class GraphOptions:
    """What a user may choose when starting a graph; each field is a launch argument and a command line option."""

    mode: str = _option('direct', 'direct inference, or planning: the best of several imagined futures', MODES,
                        ('policy',))
    task: str = _option('plate', 'task told to the policy and noted with an episode; one of config/tasks.yaml')
    checkpoint: str = _option('', 'checkpoint folder; empty takes the tiny simulator policy that is shipped',
                              graphs=('policy',))
    device: str = _option('cpu', 'torch device of the network', graphs=('policy',))
    server: str = _option('', 'URL of an /act server that infers in place of the policy node; empty: none',
                          graphs=('policy',))
    planner: str = _option('', 'planning only: file in config/, or full path; empty takes planning.yaml, or '
                               'planning_tiny.yaml for the shipped checkpoint', graphs=('policy',))
    workers: int = _option(0, 'planning only: Ray workers, one GPU each unless the device is cpu; 0 plans in the node',
                           graphs=('policy',))
    episode: str = _option('', 'replay only: folder of the recorded episode whose rows are played', graphs=('replay',))
    reduced: bool = _option(False, 'teleop only: hold the hands to the reduced_speed of config/safety.yaml',
                            graphs=('teleop',))
    robot: str = _option('interbotix_main', 'names and grippers of the arms: config/robot_<name>.yaml, or the full path of '
                                            'such a file')
    cameras: str = _option('realsense', 'topics, size, rate and encodings of the cameras: config/cameras_<name>.yaml, or '
                                        'the full path of such a file')
    safety: str = _option('safety.yaml', 'limits, cell, deadlines and stop sources: a file in config/, or a full path',
                          graphs=('policy', 'teleop', 'replay'))
    output: str = _option('rollouts', 'folder that receives one folder an episode: bag, report, video',
                          graphs=('policy', 'teleop', 'replay'))
    bringup: bool = _option(True, 'start the node that checks, prepares and parks the arms',
                            graphs=('policy', 'teleop', 'replay'))
    board: bool = _option(False, 'start the operator board, which RViz shows and which is a stop source',
                          graphs=('policy', 'teleop', 'replay'))
    jog: bool = _option(False, 'start the source of rows that moves the hands by handles in RViz and by a gamepad',
                        graphs=('policy', 'teleop', 'replay'))
    leaders: bool = _option(False, 'start the source of rows that follows the leader arms beside the policy, for takeovers',
                            graphs=('policy', 'replay'))
    seed: int = _option(0, 'seed of the simulated scene and of the policy noise')
    denoising_steps: int = _option(5, 'network calls a chunk, 1 to 50', graphs=('policy',))
    executed_rows: int = _option(25, 'rows of a chunk that are executed before the next one takes over, 1 to 50',
                                 graphs=('policy',))
    real_time_factor: float = _option(1.0, 'simulator only: upper bound on simulated seconds per second, 0.05 to 1')
    lockstep: bool = _option(True, 'simulator only: wait for late nodes instead of letting time run on')

    @classmethod
    def describe(cls, graph=None):
        """(name, type, default, description, choices) of every option, or of those that one of ``EVERY`` graph reads."""
        for item in fields(cls):
            if graph is None or graph in item.metadata['graphs']:
                yield item.name, item.type, item.default, item.metadata['description'], item.metadata['choices']


@dataclass(frozen=True)
class NodeSpec:
    """One process: a module ``cosmos_policy_ros.nodes.<executable>`` and its parameters."""

    executable: str
    parameter_files: tuple = ()
    parameters: dict = field(default_factory=dict)

    def ros_arguments(self):
        """Arguments after the executable's name."""
        arguments = ['--ros-args']
        for path in self.parameter_files:
            arguments += ['--params-file', str(path)]
        for name, value in self.parameters.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            arguments += ['-p', f"{name}:='{text}'" if isinstance(value, str) else f'{name}:={text}']
        return arguments


def robot_files(options):
    """Parameter files with the names of arms and cameras, shared by all nodes that know the robot."""
    def file(kind, chosen):
        return config_file(chosen if chosen.endswith('.yaml') else f'{kind}_{chosen}.yaml')
    return file('robot', options.robot), file('cameras', options.cameras)


def simulator_nodes(options):
    """The simulated robot alone: arms, cameras, clock; with teleoperation also leaders, and a script that moves them."""
    leaders = {'leaders': 'scripted'} if options.mode == 'teleop' or options.leaders else {}
    return (NodeSpec('sim_node', (config_file('sim.yaml'), *robot_files(options)), {
        'task': options.task, 'seed': options.seed, 'real_time_factor': float(options.real_time_factor),
        'lockstep': options.lockstep, **leaders}),)


def teleop_node(options, simulated):
    """The node that follows the leader arms; a simulated operator cannot squeeze."""
    return NodeSpec('teleop_node', (config_file('teleop.yaml'), robot_files(options)[0]), {'clutch_when_armed': simulated})


def source_node(options, simulated):
    """The node that offers rows to the supervisor, by the mode."""
    arms, cameras = robot_files(options)
    if options.mode == 'teleop':
        return teleop_node(options, simulated)
    if options.mode == 'replay':
        return NodeSpec('replay_node', (config_file('replay.yaml'),), {'episode': options.episode})
    checkpoint = options.checkpoint or str(default_checkpoint())
    planner = config_file(options.planner or ('planning.yaml' if options.checkpoint else 'planning_tiny.yaml'))
    planning = [planner] if options.mode == 'planning' else []
    return NodeSpec('policy_node', (config_file('policy.yaml'), *planning, arms, cameras), {
        'checkpoint': checkpoint, 'mode': options.mode, 'task': options.task, 'seed': options.seed,
        'device': options.device, 'server': options.server, 'workers': options.workers,
        'denoising_steps': options.denoising_steps, 'executed_rows': options.executed_rows})


def control_nodes(options, simulated):
    """Arm bring-up, supervisor, guard, monitor, source of rows, recorder, conductor; ``simulated``: who resets and judges."""
    robot = robot_files(options)
    arms = (NodeSpec('bringup_node', (config_file('bringup.yaml'), robot[0])),) if options.bringup else ()
    board = (NodeSpec('board_node', (config_file('board.yaml'),), {
        'task': options.task, 'mode': options.mode, 'seed': options.seed,
        'hands': 'jog' if options.jog else 'teleop'}),) if options.board else ()
    leaders = (teleop_node(options, simulated),) if options.leaders and options.mode != 'teleop' else ()
    jog = (NodeSpec('jog_node', (config_file('jog.yaml'), robot[0])),) if options.jog else ()
    nodes = (
        *arms, *board, *leaders, *jog,
        NodeSpec('supervisor_node', (config_file('supervisor.yaml'), *robot)),
        NodeSpec('guard_node', (config_file('guard.yaml'), *robot)),
        NodeSpec('safety_monitor_node', (config_file('safety_monitor.yaml'), *robot)),
        source_node(options, simulated),
        NodeSpec('recorder_node', (config_file('recorder.yaml'), *robot), {'output': str(options.output)}),
        NodeSpec('rollout_node', (config_file('rollout.yaml'),), {'simulated': simulated, 'reduced': options.reduced}),
    )
    return tuple(replace(node, parameters={**node.parameters, 'safety_config': options.safety})
                 if node.executable in JUDGING else node for node in nodes)


def graph(options, simulated):
    """All nodes of one run; with ``simulated`` the simulator joins and everybody follows its clock."""
    nodes = control_nodes(options, simulated)
    if not simulated:
        return nodes
    # A simulated robot begins anew with each run: it keeps no stop, and parts of the graph may run without the others.
    special = {'supervisor_node': {'latch_file': '', 'companions_required': False},
               'policy_node': {'simulated_latency': LOCKSTEP_LATENCY} if options.lockstep else {}}
    return (*simulator_nodes(options), *(replace(node, parameters={
        **node.parameters, 'use_sim_time': True, **special.get(node.executable, {})}) for node in nodes))
