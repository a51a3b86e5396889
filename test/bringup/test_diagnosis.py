"""Every mistake is found by the check that is meant for it, with a fix to type, and nothing else is blamed."""
import math
import re
from dataclasses import fields, replace

import pytest
from healthy_findings import (
    HERE, NAMES, PLAIN, THERE, Endpoint, Process, Safety, healthy, topic, with_arm, with_camera, with_environment,
    with_expected, with_graph, with_machine, with_model, with_parameter, with_publisher)

from cosmos_policy_ros.bringup.diagnosis.catalogue import AREAS
from cosmos_policy_ros.bringup.diagnosis.check import examine

JOINTS, IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
LEFT, HIGH = '/follower_left/joint_states', topic('cam_high')
SANE = healthy()


def renamed_arm(findings):
    """The left arm's driver runs as puppet_left."""
    driver = Endpoint('/puppet_left/xs_sdk', JOINTS, host=HERE)
    publishers = {name: ends for name, ends in findings.graph.publishers.items() if name != LEFT}
    subscriptions = {**findings.graph.subscriptions, '/puppet_left/commands/joint_group': (driver,)}
    changed = with_graph(findings, publishers={**publishers, '/puppet_left/joint_states': (driver,)},
                         subscriptions=subscriptions)
    return with_arm(changed, heard=0, judged=None, lower=None, upper=None)


def without_driver(findings):
    return with_arm(with_publisher(findings, LEFT), heard=0, judged=None, lower=None, upper=None)


def deaf_driver(findings):
    stranger = Endpoint('/elsewhere/xs_sdk', 'x')
    return with_graph(findings, subscriptions={**findings.graph.subscriptions,
                                               '/follower_left/commands/joint_group': (stranger,)})


def on_another_host(findings, services, buffer=8 << 20):
    far = replace(findings.graph.publishers[LEFT][0], host=THERE)
    return with_machine(with_publisher(findings, LEFT, far), time_services=services, receive_buffer=buffer)


def other_camera_topic(findings):
    found = with_publisher(findings, HIGH)
    there = Endpoint('/cam_high/camera', IMAGE, host=HERE)
    publishers = {**found.graph.publishers, HIGH.replace('rect_raw', 'raw'): (there,)}
    return with_camera(with_graph(found, publishers=publishers), heard=0)


def recorder_reading(findings, suffix, offered):
    """The recorder takes the pictures of all cameras at ``suffix``, and they offer ``offered`` beside the raw ones."""
    graph, reader = findings.graph, Endpoint('/recorder', 'x', 'best_effort', host=HERE)
    cameras = [camera.topic for camera in findings.cameras]
    more = {name + other: (Endpoint('/camera', 'x', host=HERE),) for name in cameras for other in offered}
    readers = {name + suffix: (*graph.subscriptions.get(name + suffix, ()), reader) for name in cameras}
    return with_graph(findings, publishers=graph.publishers | more, subscriptions=graph.subscriptions | readers)


def second(findings, name, node):
    ends = findings.graph.publishers.get(name, ())
    return with_publisher(findings, name, *ends, Endpoint(node, ends[0].type if ends else 'x', host=HERE))


def judged(check, fix='cosmos-policy-ros arms prepare'):
    return lambda findings: with_arm(findings, judged=((check, f'/follower_left: {check} is not as it should be', fix),))


def positions(values):
    return tuple(values) + SANE.arms[0].positions[len(values):]


MISTAKES = [
    # (what is wrong, how it comes about, check that finds it, part of the fix)
    ('wrong namespace', renamed_arm, 'arm_namespace', 'set arm_left: puppet_left'),
    ('driver not started', without_driver, 'arm_driver', 'ros2 launch aloha aloha_bringup.launch.py'),
    ('driver listens elsewhere', deaf_driver, 'arm_deaf', '/follower_left/commands/joint_group'),
    ('driver without services', lambda f: with_graph(f, services=frozenset()), 'arm_services', 'start xs_sdk again'),
    ('guard missing', lambda f: with_graph(f, nodes=tuple(n for n in f.graph.nodes if n != '/safety_guard')), 'own_nodes',
     'cosmos-policy-ros up'),
    ('no source of rows', lambda f: with_graph(f, nodes=tuple(n for n in f.graph.nodes if n != '/policy')), 'own_nodes',
     'cosmos-policy-ros up'),
    ('two supervisors', lambda f: with_graph(f, nodes=(*f.graph.nodes, '/safety_supervisor')), 'node_twice',
     'ROS_DOMAIN_ID'),
    ('a script commands an arm', lambda f: second(f, '/follower_left/commands/joint_group', '/sleep_script'),
     'second_commander', 'end /sleep_script'),
    ('QoS: best effort to a reliable reader', lambda f: with_graph(f, subscriptions={
        **f.graph.subscriptions, HIGH: (Endpoint('/policy', IMAGE),)}, publishers={
            **f.graph.publishers, HIGH: (Endpoint('/cam_high/camera', IMAGE, 'best_effort', host=HERE),)}), 'qos',
     'let /cam_high/camera offer'),
    ('QoS: volatile to a reader of kept messages', lambda f: with_publisher(
        f, '/cosmos_policy/safety_status', Endpoint('/safety_supervisor', 's')), 'qos', '/cosmos_policy/safety_status'),
    ('a topic of another type', lambda f: with_publisher(f, HIGH, Endpoint('/cam_high/camera', 'x/msg/Grey', host=HERE)),
     'topic_type', 'camera_transport'),
    ('camera topic of another driver version', other_camera_topic, 'camera_topic',
     'set cam_high_topic: /cam_high/camera/color/image_raw'),
    ('camera not started', lambda f: with_camera(with_publisher(f, HIGH), heard=0), 'camera_topic', 'start its driver'),
    ('two cameras on one topic', lambda f: second(f, HIGH, '/other/camera'), 'camera_twice', 'end /other/camera'),
    ('JPEG is there, and the recorder encodes', lambda f: recorder_reading(f, '', ['/compressed']), 'recorder_encodes',
     'recorded_transport: compressed'),
    ('the recorder waits for JPEG that nobody sends', lambda f: recorder_reading(f, '/compressed', []),
     'recorder_starves', '/compressed; or set recorded_transport: same'),
    ('nodes with different robot files', lambda f: with_parameter(f, '/policy', arm_left='puppet_left'), 'names_differ',
     'agree on arm_left'),
    ('latched stop', lambda f: replace(f, safety=Safety('PROTECTIVE_STOP', causes=(('tracking', 'look at the arm'),),
                                                        last_event=4, digest='d')), 'latched', 'event_id: 4'),
    ('edited limits not in force', lambda f: replace(f, safety=Safety(digest='old')), 'limits_changed', 'restart'),
    ('limits wider than the driver', lambda f: with_arm(f, lower=(-3.14, -1.80, *f.arms[0].lower[2:])),
     'limits_beyond_driver', 'arm_lower'),
    ('pose of rest outside the limits', lambda f: with_expected(f, park=(0, -2.05, 1.7, 0, -2.0, 0)), 'park_pose',
     'sleep pose'),

    ('states published but not received', lambda f: with_arm(f, heard=0), 'states_silent', 'restart xs_sdk'),
    ('slow states', lambda f: with_arm(f, rate=62.0), 'states_slow', 'latency_timer'),
    ('stock simulator without efforts', lambda f: with_arm(f, lengths=(9, 9, 0, 0)), 'states_form', 'stock xs_sdk_sim'),
    ('joint missing in the motor file', lambda f: with_arm(f, names=NAMES[:6]), 'states_form', 'joint_order'),
    ('dead bus', lambda f: with_arm(f, positions=(-3.1416,) * 7 + (0.0437, -0.0437)), 'dead_bus', '12 V supply'),
    ('bus read as NaN', lambda f: with_arm(f, positions=(math.nan,) * 9), 'dead_bus', 'support /follower_left'),
    ('gripper map of another linkage', lambda f: with_expected(f, linkage=(0.0275, 0.035)), 'gripper_linkage',
     'gripper_map'),
    ('hung service', lambda f: with_arm(f, hung='/follower_left/get_robot_info has not answered within 2 s'),
     'service_hung', 'end its xs_sdk'),
    ('gripper in another operating mode', judged('mode'), 'operating_mode', 'arms prepare'),
    ('torque off', judged('torque'), 'torque', 'arms prepare'),
    ('motor overloaded', judged('error', 'cosmos-policy-ros arms recover'), 'motor_error', 'arms recover'),
    ('motor hot', judged('temperature', 'let the motor rest'), 'motor_hot', 'rest'),
    ('profile left from another program', judged('profile'), 'profile', 'arms prepare'),
    ('P gain raised', judged('gains'), 'gains', 'arms prepare'),
    ('gripper current limit', judged('current_limit', 'write Current_Limit'), 'gripper_current', 'Current_Limit'),
    ('arm rests outside its limits', judged('pose', 'support it'), 'pose', 'support'),
    ('two gripper maps', judged('gripper_map', 'set gripper_map'), 'gripper_maps', 'gripper_map'),

    ('camera published but not received', lambda f: with_camera(f, heard=0), 'camera_silent', 'USB 3'),
    ('wrong camera mode', lambda f: with_camera(f, width=848), 'camera_size', 'depth_module.color_profile:=640x480x60'),
    ('wrong encoding', lambda f: with_camera(f, encoding='yuv422_yuy2'), 'camera_encoding', 'pixel_format:=yuyv2rgb'),
    ('cut pictures', lambda f: with_camera(f, refused='100 bytes for 640x480'), 'camera_damaged', 'cable'),
    ('slow camera', lambda f: with_camera(f, rate=12.0), 'camera_slow', 'at most two cameras on a hub'),
    ('covered lens', lambda f: with_camera(f, brightness=1.5), 'camera_black', 'cap off'),
    ('frozen camera', lambda f: with_camera(f, still=2.0), 'camera_frozen', 'initial_reset:=true'),
    ('cameras out of step', lambda f: with_camera(f, stamp=99.6), 'camera_skew', 'same rate'),
    ('wrong camera by serial number', lambda f: with_camera(f, serial='_111'), 'camera_serial', 'serial_no:="_2303'),
    ('swapped wrist cameras', lambda f: replace(f, wrist_cameras='swapped'), 'wrist_cameras_swapped',
     f'cam_left_wrist_topic: {topic("cam_right_wrist")}'),

    ('robot clock behind', lambda f: with_arm(f, age=3.2), 'clock_offset', 'chrony'),
    ('robot clock ahead', lambda f: with_arm(f, age=-0.06), 'clock_offset', 'chrony'),
    ('simulated time without a clock', lambda f: with_parameter(f, '/policy', use_sim_time=True), 'sim_time',
     'use_sim_time:=false'),
    ('two clocks', lambda f: with_publisher(with_graph(f, parameters={
        name: {**PLAIN, 'use_sim_time': True} for name in f.graph.parameters}), '/clock', Endpoint('/sim', 'c'),
        Endpoint('/player', 'c')), 'two_clocks', 'end the simulator or the bag player /player'),
    ('two computers without time service', lambda f: on_another_host(f, ()), 'time_sync', 'apt-get install chrony'),
    ('small socket buffer for the network', lambda f: on_another_host(f, ('chronyd',), 212992), 'receive_buffer',
     'sysctl -w net.core.rmem_max'),

    ('old Python', lambda f: with_machine(f, python=(3, 9, 1)), 'python', '3.10 to 3.13'),
    ('module missing', lambda f: with_machine(f, imports={'diffusers': 'No module named diffusers'}), 'imports',
     'make setup'),
    ('numpy of another ABI', lambda f: with_machine(f, imports={
        'sensor_msgs.msg': 'numpy.core.multiarray failed to import'}), 'numpy_abi', 'pip install "numpy<2"'),
    ('no OpenGL', lambda f: with_machine(f, rendering='the simulated cameras cannot render'), 'rendering', 'libegl1'),
    ('low disk', lambda f: with_machine(f, disk_free=10 ** 9), 'disk', '--output'),
    ('small shared memory', lambda f: with_machine(f, shared_memory_free=64 << 20), 'shared_memory', '--shm-size=1g'),
    ('discovery off', lambda f: with_environment(f, 2, ROS_AUTOMATIC_DISCOVERY_RANGE='OFF'), 'discovery', 'SUBNET'),
    ('another middleware', lambda f: with_environment(f, 2, RMW_IMPLEMENTATION='rmw_cyclonedds_cpp'), 'middleware',
     'RMW_IMPLEMENTATION=rmw_fastrtps_cpp'),
    ('no Fast DDS profile', lambda f: with_environment(f, 3, FASTDDS_DEFAULT_PROFILES_FILE=None), 'dds_profile',
     'fastdds_one_host.xml'),
    ('Fast DDS profile that is gone', lambda f: with_machine(f, missing_files=('/old/profile.xml',)), 'dds_profile',
     '/old/profile.xml'),
    ('process of an earlier run', lambda f: with_machine(f, processes=(
        *f.machine.processes, Process(9, 'policy_node', 1.0, f.machine.processes[3].environment))), 'stale_process',
     'kill -INT 9'),
    ('USB latency timer', lambda f: with_machine(f, latency_timers={'ttyUSB0': 16, 'ttyUSB1': 1}), 'latency_timer',
     'echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer'),
    ('udev rules missing', lambda f: with_machine(f, serial_links=()), 'serial_links', 'udevadm'),
    ('no right to the port', lambda f: with_machine(f, forbidden_ports=('/dev/ttyDXL_follower_left',)), 'serial_rights',
     'usermod -aG dialout'),
    ('camera at a USB 2 port', lambda f: with_machine(f, usb_speeds={'D405 1': 480.0}), 'usb_speed', 'USB 3 port'),
    ('real-time priority not allowed', lambda f: with_parameter(f, '/safety_supervisor', realtime_priority=50), 'realtime',
     'rtprio 50'),
    ('latch file not writable', lambda f: with_machine(f, unwritable='latch.json cannot be written'), 'latch_file',
     'latch_file'),
    ('broken safety file', lambda f: with_expected(f, safety_problem='missing: arm_speed'), 'safety_file', 'safety.yaml'),

    ('checkpoint missing', lambda f: with_model(f, problem='no such checkpoint'), 'checkpoint', '--checkpoint'),
    ('checkpoint of another robot', lambda f: with_model(f, robot='libero'), 'checkpoint_robot', 'the robot aloha'),
    ('server away', lambda f: replace(f, server='http://gpu:8777: nobody answers'), 'server', 'cosmos-policy-ros serve'),
    ('no GPU', lambda f: with_model(f, device_problem='no CUDA', device_memory=0), 'device', 'nvidia-smi'),
    ('GPU too small', lambda f: with_model(f, device_memory=4 * 10 ** 9, device_free=4 * 10 ** 9), 'gpu_memory',
     'cosmos-policy-ros serve'),
    ('GPU in use', lambda f: with_model(f, device_free=10 ** 9), 'gpu_memory', 'end what else uses cuda:0'),
    ('arms where the policy was never trained', lambda f: with_arm(f, positions=(2.0, *f.arms[0].positions[1:])), 'start_pose',
     'cosmos-policy-ros arms prepare'),
    ('task unknown to the checkpoint', lambda f: with_model(f, instruction='tie shoes'), 'instruction', "'fold shirt'"),
]


def in_another_domain(findings):
    """Robot and nodes run in domain 3, this terminal is in 7."""
    processes = tuple(replace(process, environment={'ROS_DOMAIN_ID': '3'}) for process in findings.machine.processes)
    empty = with_graph(findings, nodes=(), publishers={}, subscriptions={}, services=frozenset(), parameters={})
    arms = tuple(replace(arm, heard=0, judged=None) for arm in findings.arms)
    cameras = tuple(replace(camera, heard=0) for camera in findings.cameras)
    return with_machine(replace(with_expected(empty, robot=False, nodes=False), arms=arms, cameras=cameras, safety=None),
                        processes=processes)


MISTAKES.append(('wrong ROS domain', in_another_domain, 'domain', 'export ROS_DOMAIN_ID=3'))


def found(findings):
    return {verdict.check: verdict.found for verdict in examine(findings, AREAS) if verdict.wrong}


def test_a_healthy_robot_passes_every_check_and_each_was_looked_at():
    verdicts = examine(SANE, AREAS)
    assert [verdict for verdict in verdicts if verdict.wrong] == []
    # On one computer nobody asks for what keeps several in step.
    assert [verdict.check for verdict in verdicts if not verdict.looked] == ['time_sync', 'receive_buffer']
    assert found(on_another_host(SANE, ('chronyd',))) == {}


@pytest.mark.parametrize('mistake, check, fix', [entry[1:] for entry in MISTAKES], ids=[entry[0] for entry in MISTAKES])
def test_a_mistake_is_found_with_its_fix_and_nothing_else_is_blamed(mistake, check, fix):
    wrong = found(mistake(SANE))
    assert set(wrong) == {check}
    assert all(text and advice for text, advice in wrong[check])
    assert any(fix in advice for _, advice in wrong[check]), wrong[check]


def test_every_check_is_proved_by_a_mistake():
    assert {check.id for checks in AREAS.values() for check in checks} == {check for _, _, check, _ in MISTAKES} | {
        'camera_late'}


def test_pictures_that_are_late_are_named_beside_the_clocks_that_may_be_the_reason():
    assert set(found(with_camera(SANE, age=0.9))) == {'camera_late', 'clock_offset'}


def test_check_ids_are_unique_and_say_symptom_and_fix():
    checks = [check for part in AREAS.values() for check in part]
    assert len({check.id for check in checks}) == len(checks) >= 60
    assert all(re.fullmatch(r'[a-z_]+', check.id) and check.symptom.endswith('.') and check.fix for check in checks)


def test_a_machine_without_a_graph_is_judged_alone():
    bare = replace(SANE, graph=None, arms=(), cameras=(), safety=None, wrist_cameras='undecided')
    verdicts = examine(bare, AREAS)
    assert not any(verdict.wrong for verdict in verdicts)
    assert {verdict.area for verdict in verdicts if verdict.looked} == {'machine', 'model', 'graph'}
    assert not any(verdict.looked for verdict in verdicts if verdict.area in ('arms', 'cameras', 'clocks'))


def test_a_simulated_camera_is_frozen_only_when_something_moves():
    """A renderer draws the same scene with the same pixels; a sensor never does."""
    still = with_camera(with_expected(SANE, sim=True), still=2.0)
    at_rest = replace(still, arms=tuple(replace(arm, moved=0.0) for arm in still.arms))
    assert set(found(still)) == {'camera_frozen'} and found(at_rest) == {}


def test_without_motion_nothing_is_said_about_the_wrist_cameras():
    verdict, = (v for v in examine(replace(SANE, wrist_cameras='undecided'), AREAS) if v.check == 'wrist_cameras_swapped')
    assert not verdict.looked


def test_arms_that_are_parked_or_under_way_are_in_no_strange_start_pose():
    strange = with_arm(SANE, positions=(2.0, *SANE.arms[0].positions[1:]))
    assert set(found(strange)) == {'start_pose'}
    assert found(with_expected(strange, park=strange.arms[0].positions[:6])) == {}
    assert found(replace(strange, safety=Safety('RUNNING', armed=True, digest='d'))) == {}


def test_leader_arms_are_no_renamed_followers():
    leader = Endpoint('/leader_left/xs_sdk', JOINTS, host=HERE)
    findings = without_driver(SANE)
    graph = with_graph(findings, publishers={**findings.graph.publishers, '/leader_left/joint_states': (leader,)},
                       subscriptions={**findings.graph.subscriptions, '/leader_left/commands/joint_group': (leader,)})
    assert set(found(graph)) == {'arm_driver'}


def test_a_snapshot_cannot_be_changed():
    with pytest.raises(AttributeError):
        SANE.machine = None
    assert {item.name for item in fields(SANE)} >= {'expected', 'machine', 'graph', 'arms', 'cameras'}
