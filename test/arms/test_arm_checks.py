"""The start-up checks name what is wrong with an arm, and the fix."""
import numpy as np
import pytest
from fake_driver import EXPECTED, fake_arm

from cosmos_policy_ros.arms.checks import CHECKS, PREPARE, describe_error, judge, read_arm
from cosmos_policy_ros.arms.driver import Gains, NotTaken, Profile
from cosmos_policy_ros.arms.stream import ArmState, StateStream
from cosmos_policy_ros.embodiment.poses import START_ARM


def state(joints=START_ARM, stamp=0.0, finger=0.03):
    return ArmState(stamp, np.array(joints, dtype=float), 0.0, finger)


def findings(arm, joints=START_ARM, rate=100.0, expected=EXPECTED):
    return {found.check: found for found in judge(read_arm(arm, state(joints), rate), expected) if found.found}


def test_a_healthy_arm_passes_every_check():
    _, arm = fake_arm()
    assert findings(arm) == {}
    assert len(judge(read_arm(arm, state(), 100.0), EXPECTED)) == len(CHECKS)


@pytest.mark.parametrize('motor, item, value, check, said', [
    ('gripper', 'Operating_Mode', 3, 'mode', 'gripper'), ('waist', 'Torque_Enable', 0, 'torque', 'waist'),
    ('elbow', 'Position_P_Gain', 100, 'gains', '100'), ('elbow', 'Position_I_Gain', 5, 'gains', 'Position_I_Gain of elbow'),
    ('waist', 'Profile_Velocity', 131, 'profile', '131'), ('gripper', 'Current_Limit', 2047, 'current_limit', '2047'),
    ('shoulder', 'Hardware_Error_Status', 0x20, 'error', 'overload'),
    ('elbow_shadow', 'Hardware_Error_Status', 0x04, 'error', 'elbow_shadow has switched itself off: overheating'),
    ('wrist_rotate', 'Present_Temperature', 65, 'temperature', '65')])
def test_a_wrong_register_is_named_with_its_motor_and_its_fix(motor, item, value, check, said):
    driver, arm = fake_arm()
    driver.registers[motor][item] = value
    found = findings(arm)
    assert set(found) == {check} and said in found[check].found and found[check].fix and found[check].fails
    assert '/fake_left' in str(found[check])


def test_the_mode_that_the_driver_believes_in_counts_too():
    driver, arm = fake_arm()
    driver.modes['gripper'] = 'linear_position'
    assert 'linear_position' in findings(arm)['mode'].found and findings(arm)['mode'].fix == PREPARE


def test_a_slow_stream_a_dead_bus_and_a_pose_beyond_the_limits_are_named():
    _, arm = fake_arm()
    assert '62 Hz' in findings(arm, rate=62.0)['state_rate'].found
    assert 'dead' in findings(arm, joints=np.full(6, -np.pi))['bus'].found
    assert 'shoulder at -2.050' in findings(arm, joints=[0, -2.05, 1.7, 0, -2.0, 0])['pose'].found
    assert 'not finite' in findings(arm, joints=[0, np.nan, 0, 0, 0, 0])['bus'].found


def test_another_gripper_map_than_the_supervisors_is_named():
    import dataclasses
    _, arm = fake_arm()
    other = dataclasses.replace(EXPECTED, gripper_maps=('interbotix_main', 'ros1'))
    assert set(findings(arm, expected=other)) == {'gripper_map'}


def test_shadows_that_the_driver_does_not_know_are_a_warning_only():
    driver, arm = fake_arm()
    del driver.registers['shoulder_shadow']
    found = findings(arm)
    assert set(found) == {'shadows'} and not found['shadows'].fails


def test_every_bit_of_the_error_register_has_a_word():
    assert describe_error(0x24) == 'overheating, overload' and describe_error(0x40) == '0x40'


def test_a_write_that_does_not_read_back_is_an_error():
    """The driver answers a write of an unknown name as it answers any other."""
    _, arm = fake_arm()
    with pytest.raises(NotTaken, match='current_limit'):
        arm.set_register(arm.gripper, 'current_limit', 300)
    _, arm = fake_arm(deaf=('Position_P_Gain',))
    with pytest.raises(NotTaken, match='Position_P_Gain of waist reads 800, not 100'):
        arm.set_gains(arm.joints, Gains(100, 0, 0))


def test_modes_torque_and_profiles_are_written_and_read_back():
    driver, arm = fake_arm()
    arm.set_mode(arm.gripper, 'position', Profile('velocity', 131, 15))
    assert driver.registers['gripper']['Profile_Acceleration'] == 15 and arm.info(arm.gripper).mode == 'position'
    arm.set_torque(arm.joints, False)
    assert set(arm.read('Torque_Enable', arm.joints).values()) == {0}


def test_the_rate_is_that_of_the_stamps_in_the_window():
    stream = StateStream(2.0)
    assert stream.rate == 0.0 and not stream.covers(0.0)
    for i in range(400):
        stream.add(state(stamp=i * 0.01))
        stream.add(state(stamp=i * 0.01))  # repeated
    assert abs(stream.rate - 100.0) < 1.0 and stream.covers(1.9) and not stream.covers(2.5)
    stream.add(state(stamp=20.0))
    assert stream.rate == 0.0, 'nothing else came in the last window'
    stream.forget()
    assert stream.last is None
