"""Messages and services: importable, with the constants and the wire format that others rely on."""
import json
import os
import sys
from pathlib import Path

import interbotix_xs_msgs.msg
import interbotix_xs_msgs.srv
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

import cosmos_policy_ros.action
import cosmos_policy_ros.msg
import cosmos_policy_ros.srv

ROOT = Path(__file__).resolve().parents[2]

# The Interbotix X-Series driver's definitions, fields in order.
DRIVER_MESSAGES = {
    'JointGroupCommand': 'string name\nfloat32[] cmd',
    'JointSingleCommand': 'string name\nfloat32 cmd',
    'JointTrajectoryCommand': 'string cmd_type\nstring name\ntrajectory_msgs/JointTrajectory traj',
    'JointTemps': 'string[] names\nint32[] temps',
}
TARGET = {'cmd_type': 'string', 'name': 'string'}
DRIVER_SERVICES = {
    'RobotInfo': (TARGET, {
        'mode': 'string', 'profile_type': 'string', 'joint_names': 'sequence<string>', 'joint_ids': 'sequence<int16>',
        'joint_lower_limits': 'sequence<float>', 'joint_upper_limits': 'sequence<float>',
        'joint_velocity_limits': 'sequence<float>', 'joint_sleep_positions': 'sequence<float>',
        'joint_state_indices': 'sequence<int16>', 'num_joints': 'int16', 'name': 'sequence<string>'}),
    'TorqueEnable': ({**TARGET, 'enable': 'boolean'}, {}),
    'Reboot': ({**TARGET, 'enable': 'boolean', 'smart_reboot': 'boolean'}, {}),
    'OperatingModes': ({**TARGET, 'mode': 'string', 'profile_type': 'string', 'profile_velocity': 'int32',
                        'profile_acceleration': 'int32'}, {}),
    'MotorGains': ({**TARGET, **{gain: 'int32' for gain in (
        'kp_pos', 'ki_pos', 'kd_pos', 'k1', 'k2', 'kp_vel', 'ki_vel')}}, {}),
    'RegisterValues': ({**TARGET, 'reg': 'string', 'value': 'int32'}, {'values': 'sequence<int32>'}),
}


def shared_file(package, *parts):
    prefixes = [*filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)), sys.prefix]
    return next(p for p in (Path(prefix, 'share', package, *parts) for prefix in prefixes) if p.is_file())


@pytest.mark.parametrize('kind', ['msg', 'srv', 'action'])
def test_every_definition_of_the_tree_is_importable(kind):
    generated = getattr(cosmos_policy_ros, kind)
    names = [path.stem for path in (ROOT / kind).glob(f'*.{kind}')]
    assert names and [name for name in names if not hasattr(generated, name)] == []


def test_safety_states_and_stop_levels_have_their_wire_values():
    names = ['BOOT', 'DISARMED', 'READY', 'RUNNING', 'STOPPING', 'HELD', 'PROTECTIVE_STOP', 'ESTOPPED', 'FAULT']
    assert [getattr(cosmos_policy_ros.msg.SafetyStatus, name) for name in names] == list(range(9))
    assert (cosmos_policy_ros.msg.StopSource.RELEASED, cosmos_policy_ros.msg.StopSource.PRESSED) == (0, 1)


@pytest.mark.parametrize('name', DRIVER_MESSAGES)
def test_driver_messages_have_the_type_hash_of_the_published_definition(name):
    """Computed by a second implementation from the definition above, so the robot's driver and this package connect."""
    store = get_typestore(Stores.ROS2_KILTED)
    store.register(get_types_from_msg(DRIVER_MESSAGES[name], f'interbotix_xs_msgs/msg/{name}'))
    described = json.loads(shared_file('interbotix_xs_msgs', 'msg', f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in described['type_hashes']}
    assert hashes[f'interbotix_xs_msgs/msg/{name}'] == store.hash_rihs01(f'interbotix_xs_msgs/msg/{name}')


@pytest.mark.parametrize('name', DRIVER_SERVICES)
def test_driver_services_have_the_fields_of_the_published_definition_in_order(name):
    service = getattr(interbotix_xs_msgs.srv, name)
    for part, expected in zip((service.Request, service.Response), DRIVER_SERVICES[name]):
        assert list(part.get_fields_and_field_types().items()) == list(expected.items())
