"""Which Fast DDS profile a process takes."""
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cosmos_policy_ros.bringup.environment import ONE_HOST, ONE_HOST_UDP, ros_environment, without_shared_memory
from cosmos_policy_ros.bringup.share import config_file

DDS = '{http://www.eprosima.com}'


def transports(name):
    """(kinds of the transports that a shipped profile defines, those that its participant uses)."""
    root = ElementTree.parse(config_file(name)).getroot()
    kinds = {item.find(f'{DDS}transport_id').text: item.find(f'{DDS}type').text for item in root.iter(f'{DDS}transport_descriptor')}
    used = [item.text for item in root.find(f'.//{DDS}userTransports')]
    return kinds, [kinds[name] for name in used]


def test_the_two_profiles_differ_in_shared_memory_alone():
    """So that they discover each other in the same way."""
    assert transports(ONE_HOST)[1] == ['SHM', 'UDPv4'] and transports(ONE_HOST_UDP)[1] == ['UDPv4']

    def without_shm(name):
        root = ElementTree.parse(config_file(name)).getroot()
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag == f'{DDS}transport_id' and child.text == 'shared_memory' and parent.tag != f'{DDS}transport_descriptor' \
                        or child.findtext(f'{DDS}transport_id') == 'shared_memory':
                    parent.remove(child)
        return [(item.tag, (item.text or '').strip()) for item in root.iter()]
    assert without_shm(ONE_HOST) == without_shm(ONE_HOST_UDP)


@pytest.mark.parametrize('distro, variable', [('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE'),
                                              ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE')])
def test_a_node_without_pictures_leaves_shared_memory(monkeypatch, distro, variable):
    for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('ROS_DISTRO', distro)
    environment = ros_environment()
    assert Path(environment[variable]).name == ONE_HOST
    assert without_shared_memory(environment) == {variable: str(config_file(ONE_HOST_UDP))}
    assert without_shared_memory({variable: '/my/checkout/config/fastdds_one_host.xml'}) == {
        variable: str(config_file(ONE_HOST_UDP))}


def test_the_default_network_of_ros_is_left_without_shared_memory_too():
    assert without_shared_memory({}) == {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}


@pytest.mark.parametrize('environment', [{'FASTDDS_DEFAULT_PROFILES_FILE': '/etc/lab.xml'}, {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}],
                         ids=['a profile', 'transports'])
def test_what_somebody_chose_stays(environment):
    assert without_shared_memory(environment) == {}
