"""Interbotix's own API behind the protocol of the arms, with a fake module in its place."""
import sys
from pathlib import Path

import pytest

from cosmos_policy_ros.arms.driver import DriverAbsent, DriverTimeout, Gains, Profile, Target
from cosmos_policy_ros.nodes.interbotix_adapter import connect

FAKE = 'fake_interbotix_core'
WRIST = Target('single', 'wrist_angle')


@pytest.fixture(autouse=True)
def fake_module(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1] / 'arms')
    yield
    sys.modules.pop(FAKE, None)


def test_every_call_of_the_protocol_reaches_the_api_in_its_order_of_arguments():
    arm = connect('/fake_left', 'vx300s', 1.0, FAKE)
    core = arm._core
    assert (core.robot_name, core.robot_model) == ('fake_left', 'vx300s')
    assert arm.robot_info(WRIST, 1.0).joint_names == ('waist',)
    assert arm.get_registers(WRIST, 'Position_P_Gain', 1.0) == (3, 4)
    arm.set_registers(WRIST, 'Profile_Velocity', 131, 1.0)
    arm.set_operating_modes(WRIST, 'position', Profile('velocity', 131, 15), 1.0)
    arm.set_torque(WRIST, True, 1.0)
    arm.set_gains(WRIST, Gains(800, 0, 1), 1.0)
    arm.reboot(WRIST, False, 1.0)
    assert core.calls == [
        ('robot_get_robot_info', 'single', 'wrist_angle'),
        ('robot_get_motor_registers', 'single', 'wrist_angle', 'Position_P_Gain'),
        ('robot_set_motor_registers', 'single', 'wrist_angle', 'Profile_Velocity', 131),
        ('robot_set_operating_modes', 'single', 'wrist_angle', 'position', 'velocity', 131, 15),
        ('robot_torque_enable', 'single', 'wrist_angle', True),
        ('robot_set_motor_pid_gains', 'single', 'wrist_angle', 800, 0, 1, 0, 0, 100, 1920),
        ('robot_reboot_motors', 'single', 'wrist_angle', False, False)]


def test_a_machine_without_it_is_told_what_to_source():
    with pytest.raises(DriverAbsent, match='not_installed_here cannot be imported.*source the Interbotix workspace'):
        connect('/fake_left', 'vx300s', 1.0, 'not_installed_here')


def test_a_call_that_never_returns_ends_in_time_and_is_the_last():
    arm = connect('/fake_hanging_arm', 'vx300s', 1.0, FAKE)
    with pytest.raises(DriverTimeout, match='robot_torque_enable has not answered within 0.05 s'):
        arm.set_torque(WRIST, False, 0.05)
    with pytest.raises(DriverTimeout, match='never returned'):
        arm.set_torque(WRIST, True, 1.0)
    assert len(arm._core.calls) == 1
