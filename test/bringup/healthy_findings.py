"""A snapshot of a robot on which nothing is wrong, and what the mistakes of the tests are made with."""
from dataclasses import replace

from cosmos_policy_ros.bringup.diagnosis.arms import NAMES
from cosmos_policy_ros.bringup.diagnosis.findings import (
    TRANSIENT_LOCAL, Arm, Camera, Endpoint, Expected, Findings, Graph, Machine, Model, Process, Safety)

SERVICES = ('torque_enable', 'reboot_motors', 'get_robot_info')
SIDES = ('left', 'right')
CAMERAS = ('cam_left_wrist', 'cam_right_wrist', 'cam_high')
LOWER, UPPER = (-3.14, -1.85, -1.76, -3.14, -1.87, -3.14), (3.14, 1.26, 1.61, 3.14, 2.23, 3.14)
OWN = ('safety_supervisor', 'safety_guard', 'safety_monitor', 'policy', 'recorder', 'rollout')
ONE_HOST = {'ROS_DOMAIN_ID': '7', 'FASTDDS_DEFAULT_PROFILES_FILE': '/share/one_host.xml'}
HERE, THERE = '0a0b', '0c0d'
PLAIN = {'use_sim_time': False, 'arm_left': 'follower_left', 'cam_high_topic': '/cam_high/camera/color/image_rect_raw'}


def topic(camera):
    return f'/{camera}/camera/color/image_rect_raw'


def _graph():
    publishers, subscriptions = {}, {}
    for side in SIDES:
        driver = Endpoint(f'/follower_{side}/xs_sdk', 'sensor_msgs/msg/JointState', host=HERE)
        publishers[f'/follower_{side}/joint_states'] = (driver,)
        for command in ('joint_group', 'joint_single'):
            publishers[f'/follower_{side}/commands/{command}'] = (
                Endpoint('/safety_supervisor', 'x', host=HERE), Endpoint('/safety_guard', 'x', host=HERE))
            subscriptions[f'/follower_{side}/commands/{command}'] = (replace(driver, type='x'),)
        subscriptions[f'/follower_{side}/joint_states'] = (
            Endpoint('/safety_supervisor', 'sensor_msgs/msg/JointState', 'best_effort', host=HERE),)
    for camera in CAMERAS:
        publishers[topic(camera)] = (Endpoint(f'/{camera}/camera', 'sensor_msgs/msg/Image', host=HERE),)
        subscriptions[topic(camera)] = (Endpoint('/policy', 'sensor_msgs/msg/Image', 'best_effort', host=HERE),)
    publishers['/cosmos_policy/safety_status'] = (Endpoint('/safety_supervisor', 's', durability=TRANSIENT_LOCAL),)
    subscriptions['/cosmos_policy/safety_status'] = (Endpoint('/policy', 's', durability=TRANSIENT_LOCAL),)
    services = frozenset(f'/follower_{side}/{name}' for side in SIDES for name in SERVICES)
    return Graph(tuple(f'/{name}' for name in OWN), publishers, subscriptions, services,
                 {f'/{name}': PLAIN for name in OWN}, HERE)


def _arm(side):
    return Arm(side, f'/follower_{side}', 300, 100.0, 0.004, NAMES, (0.0, -0.96, 1.16, 0.0, -0.3, 0.0, 0.0, 0.0285, -0.0285),
               (9, 9, 9, 9), 0.3, LOWER, UPPER, ())


def _camera(name):
    return Camera(name, topic(name), 90, 640, 480, 'rgb8', 30.0, 0.03, 100.0)


def healthy():
    """``Findings`` without a fault, every check of which can be looked at."""
    return Findings(
        Expected(domain='7', robot=True, nodes=True, sim=False, state_rate=80.0, arm_services=SERVICES,
                 park=(0.0, -1.75, 1.58, 0.0, -1.6, 0.0), envelope=(tuple(value + 0.01 for value in LOWER),
                                                                    tuple(value - 0.01 for value in UPPER)),
                 linkage=(0.022, 0.036), transport='raw', encodings=('rgb8', 'bgr8'), width=640, height=480,
                 camera_rate=25.0, skew=0.04, serials=dict.fromkeys(CAMERAS, '230322271210'), disk_kept=2 * 10 ** 9,
                 safety_digest='d'),
        Machine((3, 11, 4), {'rclpy': '', 'torch': ''}, 50 * 10 ** 9, 8 << 30, dict(ONE_HOST),
                tuple(Process(100 + i, name, 50.0 + i, dict(ONE_HOST))
                      for i, name in enumerate(('xs_sdk', 'xs_sdk', 'supervisor_node', 'policy_node'))),
                {'ttyUSB0': 1, 'ttyUSB1': 1}, ('ttyDXL_follower_left', 'ttyDXL_follower_right'), (),
                {'RealSense D405 1': 5000.0}, 0, 8 << 20, ('chronyd',)),
        Model('checkpoints/big', robot='aloha', preset='cosmos-policy-aloha-2b', size=4 * 10 ** 9, device='cuda:0',
              device_memory=24 * 10 ** 9, device_free=20 * 10 ** 9, instructions=('fold shirt',), instruction='fold shirt',
              start_range={side: ((-1.0,) * 6, (1.5,) * 6) for side in SIDES}),
        _graph(), tuple(map(_arm, SIDES)),
        tuple(replace(_camera(name), serial='_230322271210') for name in CAMERAS), Safety(digest='d'), 'straight', server='')


def with_arm(findings, **changes):
    """The left arm changed."""
    return replace(findings, arms=(replace(findings.arms[0], **changes), findings.arms[1]))


def with_camera(findings, **changes):
    """The overhead camera, the last one, changed."""
    return replace(findings, cameras=(*findings.cameras[:2], replace(findings.cameras[2], **changes)))


def with_machine(findings, **changes):
    return replace(findings, machine=replace(findings.machine, **changes))


def with_model(findings, **changes):
    return replace(findings, model=replace(findings.model, **changes))


def with_expected(findings, **changes):
    return replace(findings, expected=replace(findings.expected, **changes))


def with_graph(findings, **changes):
    return replace(findings, graph=replace(findings.graph, **changes))


def with_publisher(findings, name, *endpoints):
    """The publishers of a topic replaced; none takes it away."""
    publishers = {key: ends for key, ends in findings.graph.publishers.items() if key != name}
    return with_graph(findings, publishers=publishers | ({name: endpoints} if endpoints else {}))


def with_environment(findings, number, **variables):
    """The environment of a process changed; None takes a variable away."""
    processes = list(findings.machine.processes)
    environment = {**processes[number].environment, **variables}
    processes[number] = replace(processes[number], environment={
        name: value for name, value in environment.items() if value is not None})
    return with_machine(findings, processes=tuple(processes))


def with_parameter(findings, node, **values):
    return with_graph(findings, parameters={**findings.graph.parameters, node: {**PLAIN, **values}})
