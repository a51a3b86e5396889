"""Arm bring-up against the simulated drivers and the supervisor over DDS: checks, preparation, parking, recovery."""
import numpy as np
import pytest
from command_process import Command
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from graph_probe import wait
from interbotix_xs_msgs.srv import OperatingModes, RegisterValues, TorqueEnable
from std_srvs.srv import Trigger
from supervisor_rig import Rig

from cosmos_policy_ros.arms import calibration
from cosmos_policy_ros.embodiment.joints import SIDES, Side
from cosmos_policy_ros.embodiment.poses import SLEEP_ARM, START_ARM
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.srv import InjectFault

PATIENCE = 150.0
"""s of wall time for one operation on a loaded machine."""


@pytest.fixture(scope='module')
def rig_process(probe, domain, running, tmp_path_factory):
    path = tmp_path_factory.mktemp('calibration') / 'grippers.yaml'
    with running('sim_node', 'supervisor_node', 'bringup_node', sim_node={'patience': 2.0},
                 bringup_node={'speed': 1.2, 'acceleration': 4.0, 'state_window': 0.5, 'calibration_file': str(path)}) as processes, \
            Rig(probe, domain, processes) as rig:
        rig.calibration = path
        rig.clients = {}
        rig.diagnostics = probe.record(DiagnosticArray, '/diagnostics')
        rig.until(SafetyStatus.READY, SafetyStatus.DISARMED)
        yield rig


@pytest.fixture
def rig(rig_process):
    rig_process.calm()
    yield rig_process
    rig_process.probe.call(InjectFault, '/sim/inject_fault', fault='clear')


def ask(rig, operation):
    """The answer of one of the services of arm_bringup; asked once, however long it takes."""
    if operation not in rig.clients:
        rig.clients[operation] = rig.probe.inside(rig.probe.node.create_client, Trigger, f'/arm_bringup/{operation}')
    client = rig.clients[operation]
    wait(client.service_is_ready, operation)
    future = rig.probe.inside(client.call_async, Trigger.Request())
    wait(future.done, lambda: (operation, rig.watch.status), PATIENCE)
    return future.result()


def stands(rig, pose, tolerance=0.1):
    return all(np.abs(rig.watch.measured(side)[0] - pose).max() < tolerance for side in SIDES)


def test_a_healthy_robot_passes_all_checks(rig):
    reply = ask(rig, 'check')
    assert reply.success and 'checks passed' in reply.message, reply.message


def test_nothing_is_done_while_somebody_has_the_arms(rig):
    rig.armed()
    reply = ask(rig, 'check')
    assert not reply.success and 'teleop has the arms' in reply.message


def test_seeded_mistakes_are_named_with_their_fix_and_prepare_mends_them(rig):
    for service, kind, request in (
            ('set_operating_modes', OperatingModes, {'name': 'gripper', 'mode': 'linear_position', 'profile_type': 'velocity'}),
            ('torque_enable', TorqueEnable, {'name': 'gripper', 'enable': False}),
            ('set_motor_registers', RegisterValues, {'name': 'elbow', 'reg': 'Position_P_Gain', 'value': 700})):
        rig.probe.call(kind, f'/follower_right/{service}', cmd_type='single', **request)
    reply = ask(rig, 'check')
    lines = reply.message.splitlines()
    found = {'mode': "gripper is in mode 'linear_position'", 'gains': 'Position_P_Gain of elbow is 700',
             'torque': 'Torque_Enable of gripper is 0'}
    assert not reply.success and len(lines) == len(found), reply.message
    for line, (check, said) in zip(lines, found.items()):
        assert line.startswith(f'/follower_right {check}: {said}') and 'cosmos-policy-ros arms prepare' in line
        entry = f'cosmos_policy arms: /follower_right {check}'
        wait(lambda: any(status.name == entry and status.level == DiagnosticStatus.ERROR and said in status.message
                         for array in rig.diagnostics for status in array.status), entry)
    reply = ask(rig, 'prepare')
    assert reply.success and all(f'/follower_right {check}' in reply.message for check in found), reply.message
    assert ask(rig, 'check').success


def test_park_ends_in_the_sleep_pose_and_prepare_at_the_start_within_the_reduced_speed(rig):
    since, clamped = rig.watch.now, rig.watch.status.rows_clamped
    reply = ask(rig, 'park')
    assert reply.success, reply.message
    assert stands(rig, SLEEP_ARM) and rig.watch.status.authority == ''
    reply = ask(rig, 'prepare')
    assert reply.success, reply.message
    assert stands(rig, START_ARM) and rig.watch.status.rows_clamped == clamped
    for side in SIDES:
        times, rows = rig.watch.commands(side, since)
        speeds = np.abs(np.diff(rows, axis=0)) / np.maximum(np.diff(times), 0.04)[:, None]
        assert len(rows) > 100 and speeds.max() < 1.3
        assert np.allclose(rows[-1], START_ARM, atol=1e-3)


def test_a_motor_that_switched_itself_off_is_recovered_with_the_arm_supported(rig):
    reply = rig.probe.call(InjectFault, '/sim/inject_fault', fault='overload_latch', target='follower_right/wrist_angle',
                           active=True)
    assert reply.accepted, reply.message
    refused = ask(rig, 'prepare')
    assert not refused.success and 'wrist_angle has switched itself off: overload' in refused.message, refused.message
    assert 'arms recover' in refused.message
    demand = ask(rig, 'recover')
    assert not demand.success and demand.message.startswith('confirm: support the arm /follower_right'), demand.message
    reply = ask(rig, 'recover')
    assert reply.success and 'wrist_angle' in reply.message, reply.message
    assert ask(rig, 'check').success
    assert 'no motor has switched itself off' in ask(rig, 'recover').message


def test_a_stop_ends_a_move_and_says_why(rig):
    client = rig.probe.inside(rig.probe.node.create_client, Trigger, '/arm_bringup/park')
    wait(client.service_is_ready, 'park')
    future = rig.probe.inside(client.call_async, Trigger.Request())
    wait(lambda: rig.watch.status.state == SafetyStatus.RUNNING or future.done(), 'motion', PATIENCE)
    rig.station.press()
    try:
        wait(future.done, 'the end of the move')
        assert not future.result().success and 'stop pressed (operator)' in future.result().message, future.result().message
    finally:
        rig.station.release()
    rig.until(SafetyStatus.ESTOPPED)
    wait(lambda: rig.station.reset().accepted, lambda: rig.watch.status.blockers)
    assert ask(rig, 'prepare').success


def test_a_hung_service_ends_in_a_sentence(rig):
    reply = rig.probe.call(InjectFault, '/sim/inject_fault', fault='hung_service', target='follower_left/get_motor_registers',
                           active=True)
    assert reply.accepted, reply.message
    reply = ask(rig, 'check')
    assert not reply.success
    assert '/follower_left/get_motor_registers has not answered within 2 s' in reply.message, reply.message


def test_the_grippers_are_measured_and_the_measurement_is_kept(rig):
    stood = [rig.watch.measured(side)[0] for side in SIDES]
    reply = ask(rig, 'calibrate_grippers')
    assert reply.success and str(rig.calibration) in reply.message, reply.message
    readings = calibration.load(rig.calibration, 'ros1')
    for side in SIDES:
        assert readings[side].open_finger == pytest.approx(0.058, abs=0.003)
        assert readings[side].closed_finger == pytest.approx(0.0184, abs=0.006)
    assert np.allclose([rig.watch.measured(side)[0] for side in SIDES], stood, atol=0.05), 'the arms are held'


def test_the_command_says_what_the_service_says_and_ends_accordingly(rig, tmp_path):
    rig.probe.call(RegisterValues, '/follower_left/set_motor_registers', cmd_type='single', name='elbow',
                   reg='Position_I_Gain', value=7)
    with Command('arms', 'check', '--domain', rig.domain, '--one-host', folder=tmp_path) as command:
        assert command.end(PATIENCE) == 1
        assert 'Position_I_Gain of elbow is 7' in command.said() and 'Traceback' not in command.said()
    rig.probe.call(RegisterValues, '/follower_left/set_motor_registers', cmd_type='single', name='elbow',
                   reg='Position_I_Gain', value=0)
    with Command('arms', 'check', '--domain', rig.domain, '--one-host', folder=tmp_path) as command:
        assert command.end(PATIENCE) == 0, command.said()
        assert 'checks passed' in command.last_line()
