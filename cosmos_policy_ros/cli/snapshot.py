"""Fills the doctor's snapshot: this machine, the checkpoint, and the graph that runs in the domain."""
import importlib
import os
from dataclasses import fields, replace

import yaml

from cosmos_policy_ros.bringup.diagnosis.findings import Expected, Findings, Model
from cosmos_policy_ros.bringup.diagnosis.graph import OWN_NODES, SOURCES, SUPERVISOR
from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.graph import ROBOT, robot_files
from cosmos_policy_ros.bringup.machine_reading import read_machine
from cosmos_policy_ros.bringup.share import config_file, default_checkpoint

from .console import CommandError
from .preflight import check_checkpoint, check_rendering, known_tasks, weights_size

MODULES = ('numpy', 'rclpy', 'sensor_msgs.msg', 'cosmos_policy_ros.msg', 'interbotix_xs_msgs.msg', 'torch', 'diffusers',
           'rosbags', 'mcap', 'av')
SIMULATION = ('mujoco',)
SERVER_TIME = 5.0
"""s that an /act server has to say who it is."""

ARM_SERVICES = ('torque_enable', 'reboot_motors', 'get_robot_info', 'set_operating_modes', 'set_motor_pid_gains',
                'set_motor_registers', 'get_motor_registers')


def shipped(path):
    """{parameter: value} of a parameter file."""
    return yaml.safe_load(path.read_text())['/**']['ros__parameters']


def import_problems(modules):
    """{module: why it cannot be imported, '' if it can}."""
    problems = {}
    for name in modules:
        try:
            importlib.import_module(name)
            problems[name] = ''
        except (ImportError, AttributeError, ValueError) as error:  # the last two: built against another numpy
            problems[name] = str(error) or repr(error)
    return problems


def read_model(source, device, instruction, policy_runs):
    """The ``Model``; reads no weights. ``policy_runs``: it is on the device already, so what is free there tells nothing."""
    try:
        path = check_checkpoint(source, robot=None)
    except CommandError as error:
        return Model(str(source or default_checkpoint()), problem=str(error))
    from cosmos_policy_ros.policy.checkpoint_folder import load_config
    config = load_config(path)
    model = Model(str(path), robot=config.robot, preset=config.preset, size=weights_size(path), device=device,
                  instruction=instruction, instructions=_instructions(path, config),
                  start_range=_start_range(path) if config.robot == ROBOT else {})
    if device == 'cpu':
        return model
    import torch
    try:
        free, total = torch.cuda.mem_get_info(torch.device(device))
        return replace(model, device_memory=total, device_free=total if policy_runs else free)
    except (RuntimeError, AssertionError, ValueError) as error:
        return replace(model, device_problem=f'{device} cannot be used: {str(error).splitlines()[0]}')


def why_not_served(url, parameters, instruction):
    """Why the server at ``url`` cannot be used for ``instruction``, '' when it can; ``parameters``: of the policy node."""
    from cosmos_policy_ros.policy.serving.client import RemoteBackend
    from cosmos_policy_ros.policy.serving.errors import RemoteError
    from cosmos_policy_ros.policy.serving.settings import read_token
    try:
        backend = RemoteBackend(url, timeout=SERVER_TIME, patience=0.0, token=read_token(parameters['server_token_file']),
                                authority=parameters['server_authority'])
        backend.warm_up()
    except (OSError, ValueError, RemoteError) as error:
        return str(error)
    known = backend.instructions
    return f'{url} knows {", ".join(map(repr, known))}, not {instruction!r}' if known and instruction not in known else ''


def _instructions(path, config):
    from cosmos_policy_ros.policy.checkpoint_folder import TEXT
    from cosmos_policy_ros.policy.text_embeddings import stored_values
    stored = path / TEXT
    return tuple(sorted(stored_values(stored))) if config.text_encoder == 'stored' and stored.is_file() else None


def _start_range(path):
    from cosmos_policy_ros.embodiment.joints import ARM_SLICE, SIDES
    from cosmos_policy_ros.policy.checkpoint_folder import STATISTICS
    from cosmos_policy_ros.policy.statistics import START_TOLERANCE, DatasetStatistics
    statistics = DatasetStatistics.load(path / STATISTICS)
    lower, upper = statistics.proprio_min - START_TOLERANCE, statistics.proprio_max + START_TOLERANCE
    return {side.value: (tuple(lower[ARM_SLICE[side]]), tuple(upper[ARM_SLICE[side]])) for side in SIDES}


def _safety(file):
    """(``SafetyConfig`` or None, why it cannot be read)."""
    from cosmos_policy_ros.safety.config import load_config
    try:
        return load_config(config_file(file)), ''
    except (OSError, ValueError) as error:
        return None, f'{file}: {error}'


class Snapshot:
    """Fills ``Findings``.

    Args:
        options: ``GraphOptions``. expect: 'auto', 'nothing', 'robot' or 'graph'. domain: number. window: s to listen, and
        up to ``PATIENCE`` times as long to streams that are slow.
        one_host: look with the network settings that the command gives its own nodes, else with the terminal's.
    """

    PATIENCE = 4

    def __init__(self, options, expect, domain, window, one_host):
        self._options, self._expect, self._window = options, expect, window
        self._terminal = dict(os.environ)
        self._domain = domain
        if expect != 'nothing':
            os.environ.update(ros_environment(domain) if one_host else {'ROS_DOMAIN_ID': str(domain)})
        self._running = {}

    def take(self):
        """The ``Findings``."""
        imports = import_problems(MODULES)
        if self._expect == 'nothing' or any(imports[name] for name in MODULES[:5]):
            return self._findings(imports, None)
        from cosmos_policy_ros.nodes import graph_snapshot
        with graph_snapshot.GraphLook() as look:
            return self._findings(imports, look)

    def _findings(self, imports, look):
        graph = look.settled_graph() if look else None
        if graph:
            self._running = look.parameters(graph)
            graph = replace(graph, parameters=self._running)
        ours = graph and set(graph.nodes) & {*OWN_NODES, *SOURCES, '/sim'}
        robot = self._robot() if graph else None
        there = bool(ours) or bool(graph and any(graph.at(f'{arm}/joint_states') for arm in _arms(robot)))
        wanted = there or self._expect in ('robot', 'graph')
        simulated = bool(graph and '/sim' in graph.nodes)
        if not (graph and not simulated and wanted):
            imports |= import_problems(SIMULATION)
        safety_file = self._of(SUPERVISOR, 'safety_config', self._options.safety)
        safety, problem = _safety(safety_file)
        expected = self._expected(robot, wanted and bool(graph), bool(ours - {'/sim'} if ours else ()), simulated, safety,
                                  problem)
        latch = self._of(SUPERVISOR, 'latch_file', shipped(config_file('supervisor.yaml'))['latch_file'])
        findings = Findings(
            expected, read_machine(self._terminal, self._of('/recorder', 'output', self._options.output), imports,
                                   _state_path(latch), _rendering() if 'mujoco' in imports else ''), self._model(graph),
            server=self._server())
        return replace(findings, graph=graph, **self._heard(look, graph, robot, safety, wanted)) if graph else findings

    def _expected(self, robot, wanted, nodes, simulated, safety, problem):
        from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
        from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER
        from cosmos_policy_ros.embodiment.poses import SLEEP_ARM
        files = [shipped(path) for path in robot_files(self._options)]
        values = vars(robot) if robot else {name: value for part in files for name, value in part.items()}
        linkage = GRIPPER_MAPS[values['gripper_map']]
        envelope = (safety.arm_lower, safety.arm_upper) if safety else (ARM_LOWER, ARM_UPPER)
        return Expected(
            domain=str(self._domain), robot=wanted, nodes=nodes or self._expect == 'graph', sim=simulated,
            state_rate=shipped(config_file('bringup.yaml'))['state_rate'], arm_services=ARM_SERVICES,
            park=tuple(map(float, SLEEP_ARM)), envelope=tuple(tuple(map(float, bound)) for bound in envelope),
            linkage=(linkage.horn, linkage.arm), transport=values['camera_transport'],
            encodings=tuple(values['camera_encodings']), width=values['image_width'], height=values['image_height'],
            camera_rate=values['camera_rate'], skew=self._of('/policy', 'max_image_skew',
                                                              shipped(config_file('policy.yaml'))['max_image_skew']),
            serials={name.removesuffix('_serial'): value for name, value in values.items() if name.endswith('_serial')},
            disk_kept=int(1e9 * self._of('/recorder', 'minimum_free_gb',
                                         shipped(config_file('recorder.yaml'))['minimum_free_gb'])),
            checkpoint_robot=ROBOT, safety_problem=problem, safety_digest=safety.digest if safety else '')

    def _heard(self, look, graph, robot, safety, wanted):
        """Fields of ``Findings`` that the graph's streams fill."""
        from cosmos_policy_ros.embodiment.cameras import CAMERAS
        from cosmos_policy_ros.embodiment.joints import SIDES
        from cosmos_policy_ros.nodes import graph_snapshot as seen
        ears, eyes = look.listen(robot, self._window, self.PATIENCE * self._window) if wanted else (
            {side: seen.ArmEar() for side in SIDES}, {camera: seen.CameraEar() for camera in CAMERAS})
        state = look.safety()
        asked = {side: (None, None, '') for side in SIDES}
        if wanted and not (state and state.armed):
            motors = self._motors()
            judge = motors.expectations(safety.gripper_map if safety else motors.gripper_map)
            asked |= {side: look.motors(robot.arm(side), motors, ears[side], judge) for side in SIDES
                      if f'{robot.arm(side)}/get_robot_info' in graph.services}
        return {
            'arms': tuple(seen.arm_findings(side, robot.arm(side), ears[side], *asked[side]) for side in SIDES),
            'cameras': tuple(seen.camera_findings(camera, robot.picture_topic(camera), eyes[camera],
                                                  seen.serial_of(graph, robot.picture_topic(camera)))
                             for camera in CAMERAS),
            'safety': state, 'wrist_cameras': seen.pairing(ears, eyes)}

    def _robot(self):
        """``RobotParameters`` of the chosen files, or those with which the running supervisor sees the robot."""
        from cosmos_policy_ros.nodes.robot import RobotParameters
        return self._record(RobotParameters, *robot_files(self._options))

    def _motors(self):
        from cosmos_policy_ros.nodes.robot import MotorParameters
        return self._record(MotorParameters, *robot_files(self._options), config_file('bringup.yaml'))

    def _record(self, record, *files):
        values = {name: value for file in files for name, value in shipped(file).items()}
        values |= self._running.get(SUPERVISOR, {})
        names = {item.name for item in fields(record)}
        return record(**{name: list(value) if isinstance(value, (list, tuple)) else value
                         for name, value in values.items() if name in names})

    def _of(self, node, name, otherwise):
        """A parameter of a running node, or what holds without that node."""
        return self._running.get(node, {}).get(name, otherwise)

    def _server(self):
        """Why the /act server cannot be used, '' when it can, None without one; asks it who it is."""
        url = self._options.server or self._of('/policy', 'server', '')
        parameters = shipped(config_file('policy.yaml')) | self._running.get('/policy', {})
        return why_not_served(url, parameters, self._instruction()) if url else None

    def _instruction(self):
        return known_tasks().get(self._of('/policy', 'task', self._options.task), '')

    def _model(self, graph):
        if self._options.server or self._of('/policy', 'server', ''):
            return None
        options, runs = self._options, bool(graph and '/policy' in graph.nodes)
        source = options.checkpoint or self._of('/policy', 'checkpoint', '')
        device = options.device if options.device != 'cpu' else self._of('/policy', 'device', 'cpu')
        return read_model(source, device, self._instruction(), runs)


def _arms(robot):
    from cosmos_policy_ros.embodiment.joints import SIDES
    return [robot.arm(side) for side in SIDES]


def _state_path(latch):
    if not latch:
        return ''
    from cosmos_policy_ros.nodes.robot import state_path
    return state_path(latch)


def _rendering():
    try:
        check_rendering()
        return ''
    except CommandError as error:
        return str(error)
