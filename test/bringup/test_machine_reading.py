"""What the doctor reads of a computer, from a made-up file system."""
import os

import pytest

from cosmos_policy_ros.bringup.machine_reading import (
    latency_timers, node_name, processes, read_machine, time_services, usb_speeds, why_unwritable)


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


@pytest.fixture
def root(tmp_path):
    write(tmp_path, 'sys/bus/usb-serial/devices/ttyUSB0/latency_timer', '16\n')
    write(tmp_path, 'sys/bus/usb-serial/devices/ttyUSB1/latency_timer', '1\n')
    for name, vendor, product, speed in (('1-1', '8086', 'Intel(R) RealSense(TM) Depth Camera 405', '480'),
                                         ('2-1', '8086', 'Some hub', '480'), ('2-2', '046d', 'RealSense of another', '480')):
        for key, value in (('idVendor', vendor), ('product', product), ('serial', '2303'), ('speed', speed)):
            write(tmp_path, f'sys/bus/usb/devices/{name}/{key}', value + '\n')
    write(tmp_path, 'dev/ttyDXL_follower_left', '')
    write(tmp_path, 'proc/sys/net/core/rmem_max', '212992\n')
    node = ['/usr/bin/python3', '-m', 'cosmos_policy_ros.nodes.policy_node', '--ros-args']
    for pid, arguments, environment, state in (
            (10, node, 'ROS_DOMAIN_ID=7\0HOME=/root\0RMW_IMPLEMENTATION=rmw_x', 'S'),
            (11, ['/opt/ros/lib/interbotix_xs_sdk/xs_sdk'], '', 'S'), (12, node, '', 'Z'),
            (13, ['vim', 'policy_node'], '', 'S')):
        write(tmp_path, f'proc/{pid}/cmdline', '\0'.join(arguments))
        write(tmp_path, f'proc/{pid}/environ', environment)
        write(tmp_path, f'proc/{pid}/stat', f'{pid} (a) b) {state} ' + '0 ' * 18 + '500 0 0')
        write(tmp_path, f'proc/{pid}/comm', 'chronyd\n' if pid == 11 else 'bash\n')
    return tmp_path


def test_latency_timers_of_all_adapters(root):
    assert latency_timers(root) == {'ttyUSB0': 16, 'ttyUSB1': 1}


def test_only_realsense_cameras_have_a_speed(root):
    assert usb_speeds(root) == {'Intel(R) RealSense(TM) Depth Camera 405 2303': 480}


def test_processes_of_package_and_drivers_with_their_ros_variables(root):
    policy, driver = processes(root)
    assert (policy.pid, policy.name, policy.domain) == (10, 'policy_node', '7')
    assert policy.environment == {'ROS_DOMAIN_ID': '7', 'RMW_IMPLEMENTATION': 'rmw_x'}
    assert policy.started == 500 / os.sysconf('SC_CLK_TCK')
    assert (driver.name, driver.domain) == ('xs_sdk', '0')


@pytest.mark.parametrize('arguments, name', [
    (['/opt/ros/install/cosmos_policy_ros/lib/cosmos_policy_ros/guard_node'], 'guard_node'),
    (['python3', '/opt/ros/install/cosmos_policy_ros/lib/cosmos_policy_ros/guard_node', '--ros-args'], 'guard_node'),
    (['/opt/ros/lib/realsense2_camera/realsense2_camera_node', '--ros-args'], 'realsense2_camera_node'),
    (['less', 'x', 'xs_sdk'], ''), (['python3', '-m', 'pytest'], ''), ([''], '')])
def test_a_node_is_known_by_its_command_line(arguments, name):
    assert node_name(arguments) == name


def test_services_that_keep_the_time(root):
    assert time_services(root) == ('chronyd',)


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_touched(tmp_path):
    assert why_unwritable(tmp_path / 'new' / 'latch.json') == ''
    assert not (tmp_path / 'new').exists()
    (tmp_path / 'folder').mkdir()
    assert 'is no file' in why_unwritable(tmp_path / 'folder')


def test_the_whole_machine(root, tmp_path):
    gone = {'FASTDDS_DEFAULT_PROFILES_FILE': str(tmp_path / 'gone.xml'), 'HOME': '/root'}
    machine = read_machine(gone, tmp_path / 'not' / 'yet', {'rclpy': ''}, tmp_path / 'latch.json', root=root)
    assert machine.disk_free > 0 and machine.receive_buffer == 212992
    assert machine.environment == {'FASTDDS_DEFAULT_PROFILES_FILE': str(tmp_path / 'gone.xml')}
    assert machine.missing_files == (str(tmp_path / 'gone.xml'),)
    assert machine.serial_links == ('ttyDXL_follower_left',) and machine.forbidden_ports == ()
    assert machine.unwritable == '' and len(machine.processes) == 2


def test_a_machine_with_nothing_plugged_in(tmp_path):
    (tmp_path / 'proc').mkdir()
    machine = read_machine({}, tmp_path, {}, root=tmp_path)
    assert machine.latency_timers == machine.usb_speeds == {} and machine.processes == ()
