"""The catalogue of faults and the record of what is broken."""
from pathlib import Path

import pytest

from cosmos_policy_ros.sim.faults import CATALOGUE, SERVICES, FaultError, Faults, Part


@pytest.fixture
def faults():
    return Faults(('left', 'right'), ('front',))


def test_nothing_is_broken_until_it_is_injected_and_nothing_after_clearing(faults):
    assert faults.value('dead_bus', 'left') is None and faults.active() == []
    faults.inject('dead_bus', 'left')
    assert faults.value('dead_bus', 'left') == 1.0 and faults.value('dead_bus', 'right') is None
    faults.clear()
    assert faults.value('dead_bus', 'left') is None


def test_an_empty_target_means_all_and_an_arm_all_of_its_parts(faults):
    assert faults.inject('clock_skew')[1] == ('left', 'right', 'front')
    assert faults.inject('hung_service', '/left')[1] == tuple(f'left/{service}' for service in SERVICES)
    assert faults.inject('overload_latch', 'right/elbow_shadow')[1] == ('right/elbow_shadow',)
    assert faults.mend('hung_service', 'left/reboot_motors')[1] == ('left/reboot_motors',)
    assert faults.value('hung_service', 'left/reboot_motors') is None
    assert faults.value('hung_service', 'left/torque_enable') is not None


def test_a_value_of_zero_takes_the_default_and_one_out_of_range_is_refused(faults):
    assert faults.inject('camera_late', 'front')[2] == 0.3
    assert faults.inject('clock_skew', 'left', -2.0)[2] == -2.0
    for value in (11.0, -1.0, float('nan'), float('inf')):
        with pytest.raises(FaultError, match='0.01 to 10'):
            faults.inject('camera_late', 'front', value)
    assert faults.value('camera_late', 'front') == 0.3


@pytest.mark.parametrize('fault, target, there_is', [
    ('dead_bsu', '', 'dead_bus'), ('dead_bus', 'front', 'left, right'), ('camera_late', 'left', 'front'),
    ('dead_bus', 'lef', 'left, right')])
def test_an_unknown_fault_or_target_is_refused_with_what_there_is(faults, fault, target, there_is):
    with pytest.raises(FaultError, match=there_is):
        faults.inject(fault, target)


def test_what_happens_once_is_not_recorded(faults):
    once = [fault.id for fault in CATALOGUE.values() if not fault.lasting]
    assert once == ['state_gap', 'torque_off', 'overload_latch']
    faults.inject('torque_off', 'left')
    assert faults.active() == []


def test_the_listing_names_every_fault_and_what_is_active(faults):
    assert faults.listing().endswith('active: none')
    faults.inject('slow_states', 'left', 20.0)
    text = faults.listing()
    assert all(fault.id in text and fault.text in text for fault in CATALOGUE.values())
    assert text.endswith('active: slow_states left 20 Hz')


def test_a_simulator_without_cameras_refuses_their_faults():
    with pytest.raises(FaultError, match='none here'):
        Faults(('left',)).inject('camera_frozen')
    assert all(isinstance(fault.part, Part) for fault in CATALOGUE.values())


def test_the_documentation_has_every_fault_with_its_target():
    page = (Path(__file__).resolve().parents[2] / 'docs' / 'simulator.md').read_text()
    assert [fault.id for fault in CATALOGUE.values() if f'| `{fault.id}` | {fault.part.value} |' not in page] == []
