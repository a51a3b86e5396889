"""The doctor on a running graph: nothing wrong on a healthy one, and each mistake seeded over DDS found with its fix."""
import json
import os

import pytest
from command_process import FULL_CAMERAS, Command
from graph_probe import PATIENCE, free_domain, wait
from interbotix_xs_msgs.msg import JointGroupCommand
from interbotix_xs_msgs.srv import MotorGains, OperatingModes
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import String
from supervisor_rig import calmed

from cosmos_policy_ros.bringup.diagnosis.catalogue import AREAS
from cosmos_policy_ros.bringup.diagnosis.check import examine
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.cli import snapshot
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.robot import RobotParameters
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.rollouts.topics import SAFETY_STATUS
from cosmos_policy_ros.srv import InjectFault

ALL = 'sim_node', 'supervisor_node', 'guard_node', 'safety_monitor_node', 'policy_node', 'recorder_node', 'rollout_node'
ROBOT = RobotParameters()
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture(scope='module')
def graph(running, probe, tmp_path_factory):
    """The whole simulated graph, ready to be armed: (its processes, the operator's station)."""
    statuses = probe.record(SafetyStatus, SAFETY_STATUS, 20)
    with running(*ALL, options=GraphOptions(cameras=FULL_CAMERAS), sim_node={'patience': 1.0}) as processes:
        wait(lambda: 'ready' in processes.log('policy_node').read_text(), 'the policy', 3 * PATIENCE)
        with Station('operator') as station:
            wait(lambda: statuses and statuses[-1].state == SafetyStatus.READY, lambda: statuses and statuses[-1])
            yield processes, station


@pytest.fixture
def look(domain, monkeypatch):
    """look(options, expect, window): {check: [(sentence, fix)]} of what the doctor finds from within this process."""
    monkeypatch.setattr(snapshot, 'check_rendering', lambda: None)
    monkeypatch.setattr(snapshot, 'MODULES', ('numpy', 'rclpy'))  # the network is looked at by the command only

    def take(options=GraphOptions(server='http://localhost:8777'), expect='graph', window=1.0, number=domain):
        findings = snapshot.Snapshot(options, expect, number, window, one_host=True).take()
        return {verdict.check: verdict.found for verdict in examine(findings, AREAS) if verdict.wrong}
    yield take
    os.environ['ROS_DOMAIN_ID'] = str(domain)


@pytest.fixture
def break_it(probe):
    """break_it(fault, target, value): inject a fault into the simulated robot; all are mended afterwards."""
    def inject(fault, target='', value=0.0):
        reply = probe.call(InjectFault, '/sim/inject_fault', fault=fault, target=target, value=value, active=True)
        assert reply.accepted, reply.message
    yield inject
    inject('clear')


def told(found, check, *parts):
    """Whether a check found something that names all of ``parts`` in its sentence or fix."""
    return any(all(part in f'{text} {fix}' for part in parts) for text, fix in found.get(check, ()))


def test_a_healthy_graph_has_nothing_wrong_and_ends_with_0(graph, domain, tmp_path):
    _, station = graph
    for _ in range(4):  # on a machine under load the operator's sign of life comes late; that is a stop, and told as one
        wait(lambda: calmed(station, station), lambda: station.status)
        with Command('doctor', '--expect', 'graph', '--domain', domain, '--json', folder=tmp_path) as command:
            code = command.end(240)
            result = json.loads(command.last_line())
        if 'latched' not in {entry['check'] for entry in result['findings'] if entry['found']}:
            break
    assert code == 0, command.said()
    assert result['wrong'] == 0
    unseen = {entry['check'] for entry in result['findings'] if not entry['looked']}
    # Nothing moves, no serial number is known, no serial adapter and no server are there, and all runs on one computer.
    assert unseen <= {'camera_frozen', 'wrist_cameras_swapped', 'camera_serial', 'serial_links', 'time_sync',
                      'receive_buffer', 'gpu_memory', 'instruction', 'server'}


def test_what_is_broken_in_the_simulated_robot_is_found(graph, look, break_it):
    break_it('slow_states', 'follower_left', 40.0)
    break_it('overload_latch', 'follower_right/elbow')
    break_it('camera_wrong_size', 'cam_high', 848.0)
    break_it('camera_dropped', 'cam_left_wrist')
    break_it('clock_skew', 'cam_right_wrist', 3.0)
    found = look()
    assert told(found, 'states_slow', '/follower_left', 'latency_timer')
    assert told(found, 'motor_error', '/follower_right', 'elbow', 'arms recover')
    assert told(found, 'torque', 'elbow')
    assert told(found, 'camera_size', '848x480', 'color_profile')
    assert told(found, 'camera_silent', 'cam_left_wrist')
    assert told(found, 'clock_offset', 'cam_right_wrist', 'ahead of this clock', 'chrony')


def test_a_dead_bus_and_a_hung_service_are_found(graph, look, break_it):
    break_it('dead_bus', 'follower_left')
    break_it('hung_service', 'follower_right/get_motor_registers')
    found = look()
    assert told(found, 'dead_bus', '/follower_left', '12 V')
    assert told(found, 'service_hung', '/follower_right/get_motor_registers')


def test_motors_set_by_another_program_are_found(graph, probe, look):
    left = ROBOT.arm_left
    probe.call(OperatingModes, f'/{left}/set_operating_modes', cmd_type='single', name='gripper', mode='position',
               profile_type='velocity', profile_velocity=131, profile_acceleration=15)
    probe.call(MotorGains, f'/{left}/set_motor_pid_gains', cmd_type='group', name='arm', kp_pos=1500, ki_pos=0, kd_pos=0,
               k1=0, k2=0, kp_vel=100, ki_vel=1920)
    found = look()
    for check in ('operating_mode', 'profile', 'gains'):
        assert told(found, check, f'/{left}', 'arms prepare'), found


def test_strangers_in_the_graph_are_found(graph, probe, look):
    strangers = [probe.publisher(JointGroupCommand, f'/{ROBOT.arm_left}/commands/joint_group'),
                 probe.publisher(Image, ROBOT.cam_high_topic), probe.publisher(Clock, '/clock'),
                 probe.publisher(String, '/status_of_another', BEST_EFFORT)]
    reader = probe.listen(String, '/status_of_another', lambda _: None)
    found = look()
    for entity in (*strangers, reader):
        probe.forget(entity)
    assert told(found, 'second_commander', 'end /probe')
    assert told(found, 'camera_twice', '/probe')
    assert told(found, 'two_clocks', '/probe')
    assert told(found, 'qos', '/status_of_another', 'let /probe offer')


def test_a_latched_stop_is_explained_with_the_call_that_resets_it(graph, look):
    with Station('doctor_test') as station:
        station.press()
        wait(lambda: station.status and station.status.state == SafetyStatus.ESTOPPED, lambda: station.status)
        found = look()
        event = station.status.last_event_id
    assert told(found, 'latched', 'ESTOPPED', f'event_id: {event}')


def test_a_killed_node_and_two_of_a_kind_are_found(graph, probe, look, running):
    with running('recorder_node'):
        wait(lambda: probe.node.get_node_names().count('recorder') == 2, probe.node.get_node_names)
        found = {}
        wait(lambda: found.update(look(window=0.5)) or told(found, 'node_twice', '/recorder'), lambda: found)
    assert told(found, 'stale_process', 'recorder_node', f'kill -INT {graph[0].pid("recorder_node")}')


def test_the_other_domain_is_named_when_this_one_is_empty(graph, look, domain):
    with free_domain() as empty:
        found = look(expect='robot', number=empty, window=0.5)
    assert told(found, 'domain', f'export ROS_DOMAIN_ID={domain}')
    assert told(found, 'arm_driver', '/follower_left/joint_states')
