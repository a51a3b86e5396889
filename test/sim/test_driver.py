import numpy as np
import pytest

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS, Side
from cosmos_policy_ros.embodiment.kinematics import end_effector
from cosmos_policy_ros.embodiment.poses import START_ARM
from cosmos_policy_ros.sim.driver import ArmDriver
from cosmos_policy_ros.sim.faults import Faults
from cosmos_policy_ros.sim.world import SERVO_TICK, World


@pytest.fixture
def driver():
    world = World('plate')
    world.reset(0)
    return ArmDriver(world, Side.LEFT)


def run(driver, seconds):
    """Advance while polling at 100 Hz; the number of states published."""
    published = 0
    for _ in range(round(seconds * 100)):
        driver.world.advance(0.01)
        published += driver.states() is not None
    return published


def test_states_have_nine_quantised_entries_and_still_fingers(driver):
    names, position, velocity, effort = driver.states()
    assert names == DRIVER_JOINTS and position.shape == velocity.shape == effort.shape == (9,)
    counts = position[:7] / SERVO_TICK
    assert np.allclose(counts, np.round(counts), atol=1e-6)
    assert position[7] == -position[8] > 0.018
    assert (velocity[7:] == 0).all() and (effort[7:] == 0).all()
    assert 100 < np.abs(effort).max() < 3000


def test_group_command_moves_the_arm(driver):
    goal = START_ARM + [0.2, 0, 0, 0, 0, 0]
    assert driver.command_group('arm', goal) == ''
    run(driver, 1.5)
    assert driver.states()[1][0] == pytest.approx(0.2, abs=0.01)


def test_wrong_number_of_values_is_refused_and_named(driver):
    before = driver.world.arm_goal(Side.LEFT)
    assert '7 values' in driver.command_group('arm', [0.5] * 7)
    assert (driver.world.arm_goal(Side.LEFT) == before).all()


def test_unknown_names_are_named(driver):
    assert 'legs' in driver.command_group('legs', [0.0])
    assert 'thumb' in driver.torque_enable('single', 'thumb', True)
    assert driver.robot_info('group', 'legs')[0].num_joints == 0


def test_joint_beyond_its_limit_keeps_its_goal_in_silence(driver):
    before = driver.world.arm_goal(Side.LEFT)
    assert driver.command_group('arm', START_ARM + [0.1, 2.5, 0, 0, 0, 0]) == ''
    after = driver.world.arm_goal(Side.LEFT)
    assert after[1] == before[1] and after[0] > 0.09


def test_nan_sends_the_joint_to_zero_as_the_real_driver_does(driver):
    driver.command_group('arm', [np.nan] * 6)
    assert (driver.world.arm_goal(Side.LEFT) == 0).all()


def test_goals_never_expire(driver):
    driver.command_group('arm', START_ARM + [0.3, 0, 0, 0, 0, 0])
    run(driver, 4.0)
    assert driver.states()[1][0] == pytest.approx(0.3, abs=0.01)


def test_torque_off_sags_and_ignores_commands_and_torque_on_chases_the_last_goal(driver):
    driver.torque_enable('group', 'arm', False)
    driver.command_group('arm', START_ARM + [1.0, 0, 0, 0, 0, 0])
    height = driver.world.grasp_point(Side.LEFT)[2]
    run(driver, 2.0)
    assert driver.world.grasp_point(Side.LEFT)[2] < height - 0.1
    assert abs(driver.states()[1][0]) < 0.05
    driver.torque_enable('group', 'arm', True)
    run(driver, 2.0)
    assert driver.states()[1][0] == pytest.approx(1.0, abs=0.02)


def test_torque_off_on_one_arm_leaves_the_other_standing(driver):
    before = driver.world.joints(Side.RIGHT).copy()
    driver.torque_enable('group', 'all', False)
    run(driver, 1.0)
    assert np.abs(driver.world.joints(Side.RIGHT) - before).max() < 0.01


def test_gripper_reboot_silences_the_states_for_a_second_then_holds(driver):
    driver.reboot('single', 'gripper', enable=True)
    assert run(driver, 0.99) == 0
    assert run(driver, 0.5) >= 45
    assert driver.get_registers('single', 'gripper', 'Torque_Enable')[0] == (1,)


def test_group_reboot_takes_a_second_a_motor(driver):
    driver.reboot('group', 'arm', enable=True)
    assert driver.busy_until == pytest.approx(6.0)


def test_commands_that_arrive_during_a_service_act_after_it(driver):
    driver.reboot('single', 'gripper', enable=True)
    driver.command_group('arm', START_ARM + [0.2, 0, 0, 0, 0, 0])
    run(driver, 0.5)
    assert driver.world.arm_goal(Side.LEFT)[0] == 0.0
    run(driver, 0.6)
    assert driver.world.arm_goal(Side.LEFT)[0] == pytest.approx(0.2, abs=1e-3)


def test_registers_match_case_and_eeprom_is_locked_while_torque_is_on(driver):
    read = lambda: driver.get_registers('single', 'gripper', 'Current_Limit')[0]  # noqa: E731
    assert read() == (200,)
    assert driver.set_registers('single', 'gripper', 'current_limit', 300) == ''
    assert driver.set_registers('single', 'gripper', 'Current_Limit', 300) == ''
    assert read() == (200,)
    driver.torque_enable('single', 'gripper', False)
    driver.set_registers('single', 'gripper', 'Current_Limit', 300)
    assert read() == (300,)
    values, problem = driver.get_registers('group', 'arm', 'current_limit')
    assert values == () and 'case' in problem


def test_soft_gain_lets_the_arm_droop(driver):
    height = driver.world.grasp_point(Side.LEFT)[2]
    driver.set_gains('group', 'arm', 100, 0, 0, 0, 0, 100, 1920)
    run(driver, 2.0)
    assert driver.world.grasp_point(Side.LEFT)[2] < height - 0.01


def test_latched_overload_is_cleared_by_nothing_but_a_reboot(driver):
    driver.latch_error('shoulder')
    driver.torque_enable('group', 'arm', True)
    read = lambda item: driver.get_registers('single', 'shoulder', item)[0]  # noqa: E731
    assert read('Torque_Enable') == (0,) and read('Hardware_Error_Status') == (0x20,)
    driver.reboot('group', 'all', enable=True, smart_reboot=True)
    run(driver, 1.2)
    assert read('Torque_Enable') == (1,) and read('Hardware_Error_Status') == (0,)


def test_robot_info_of_the_arm_and_of_the_gripper(driver):
    arm, problem = driver.robot_info('group', 'arm')
    assert problem == '' and arm.num_joints == 6 and (arm.mode, arm.profile_type) == ('position', 'velocity')
    assert arm.joint_sleep_positions == (0.0, -2.05, 1.7, 0.0, -2.0, 0.0)
    assert arm.joint_state_indices == (0, 1, 2, 3, 4, 5)
    gripper, _ = driver.robot_info('single', 'gripper')
    assert gripper.joint_names == ('left_finger',) and gripper.joint_state_indices == (7,)
    assert gripper.joint_upper_limits == (0.057,)
    assert driver.robot_info('group', 'all')[0].name == ('arm', 'all')


def test_linear_position_mode_takes_metres_between_the_fingers(driver):
    driver.set_operating_modes('single', 'gripper', 'linear_position')
    run(driver, 0.2)
    driver.command_single('gripper', 0.08)
    run(driver, 1.0)
    assert driver.states()[1][7] == pytest.approx(0.04, abs=0.001)


def test_reset_restores_torque_and_registers(driver):
    driver.torque_enable('group', 'arm', False)
    driver.world.reset(1)
    driver.reset()
    run(driver, 0.5)
    assert np.abs(driver.states()[1][:6] - START_ARM).max() < 0.02


def test_service_on_modes_that_are_not_simulated_says_so(driver):
    driver.set_operating_modes('group', 'arm', 'velocity')
    assert 'not simulated' in driver.command_group('arm', [0.1] * 6)
    assert 'unknown operating mode' in driver.set_operating_modes('group', 'arm', 'turbo')


def test_a_shadow_is_addressed_by_name_takes_its_masters_writes_and_holds_half_the_joint(driver):
    read = lambda item: driver.get_registers('single', 'shoulder_shadow', item)[0]  # noqa: E731
    assert read('Torque_Enable') == (1,) and len(driver.get_registers('group', 'all', 'Torque_Enable')[0]) == 7
    driver.torque_enable('single', 'shoulder', False)
    assert read('Torque_Enable') == (0,)
    driver.torque_enable('single', 'shoulder', True)
    before = driver.world.joints(Side.LEFT)[1]
    driver.latch_error('shoulder_shadow')
    run(driver, 1.0)
    assert 0.001 < abs(driver.world.joints(Side.LEFT)[1] - before) < 0.02, 'it droops, and does not fall'
    driver.reboot('group', 'all', enable=True, smart_reboot=True)
    assert read('Hardware_Error_Status') == (0x20,), 'groups know no shadows'
    driver.reboot('single', 'shoulder_shadow', enable=True)
    run(driver, 1.2)
    assert read('Hardware_Error_Status') == (0,) and read('Torque_Enable') == (1,)


@pytest.mark.parametrize('convention, rows', [('ros1', ((0.5, 0.526), (1.0, 0.997))),
                                              ('interbotix_main', ((0.5, 0.982), (1.0, 1.326)))])
def test_gripper_actions_read_back_as_each_conventions_linkage_has_it(convention, rows):
    """An action of 0 cannot be read back: the fingers of the model touch at 0.1."""
    world, gripper = World('plate'), GRIPPER_MAPS[convention]
    world.reset(0)
    driver = ArmDriver(world, Side.LEFT, convention=convention)
    for action, observed in rows:
        driver.command_single('gripper', gripper.joint_from_action(action))
        run(driver, 1.5)
        position = driver.states()[1]
        assert gripper.observation_from_finger(position[7]) == pytest.approx(observed, abs=0.012)
        assert position[7] == pytest.approx(gripper.finger_from_joint(position[6]))


@pytest.mark.parametrize('joints, point', [
    ((0, 0, 0, 0, 0, 0), (0.5365, 0, 0.4270)), (START_ARM, (0.2585, 0, 0.3060)),
    ((0.3, -0.7, 0.9, 0.4, -0.5, 0.6), (0.3097, 0.0612, 0.3810)),
    ((0, -1.85, 1.60, 0, -1.69, 0), (-0.0780, 0, 0.3409)), ((0, -1.7, 1.55, 0.12, 0.65, 0), (0.1466, 0.0128, 0.1082))])
def test_the_simulated_hand_is_where_the_vendors_kinematics_have_it(driver, joints, point):
    assert end_effector(joints)[:3, 3] == pytest.approx(point, abs=1e-4)
    world = driver.world
    world.data.qpos[world._qpos[Side.LEFT]] = joints
    world.place('duck', (0.3, 0.3, 0.1))  # recomputes all poses
    frame = np.linalg.inv(world.cell.base(Side.LEFT)) @ world.pose('left_gripper')
    assert (frame @ [0.1072, 0, 0, 1])[:3] == pytest.approx(point, abs=1e-4)


def test_a_trajectory_stops_where_it_crosses_a_whole_second(driver):
    """The driver subtracts nanosecond parts as unsigned numbers of 32 bits: 0 - 0.9 s is 3.39 s."""
    times = (0, 0), (0, 300_000_000), (0, 900_000_000), (1, 0), (1, 100_000_000)
    points = [(sec, nanosec, [0.02 * i, *START_ARM[1:]]) for i, (sec, nanosec) in enumerate(times)]
    driver.command_trajectory('group', 'arm', points)
    assert 'still moving' in driver.command_trajectory('group', 'arm', points)
    goals = []
    for _ in range(500):
        run(driver, 0.01)
        goals.append(round(driver.world.arm_goal(Side.LEFT)[0], 2))
    assert [goals.index(goal) for goal in (0.02, 0.04, 0.06, 0.08)] == pytest.approx([0, 30, 90, 430], abs=2)
    assert driver.command_trajectory('group', 'arm', points[:1]).startswith('trajectory has fewer')


def test_in_pwm_mode_the_gripper_closes_and_opens_until_something_stops_it(driver):
    driver.set_operating_modes('single', 'gripper', 'pwm')
    run(driver, 0.2)
    for effort, finger in ((250.0, 0.056), (-250.0, 0.0225)):
        driver.command_single('gripper', effort)
        run(driver, 1.5)
        assert driver.states()[1][7] == pytest.approx(finger, abs=0.002)


def test_mending_gives_torque_back_only_where_a_fault_took_it():
    world = World('plate')
    world.reset(0)
    faults = Faults(('arm',))
    driver = ArmDriver(world, Side.LEFT, faults=faults, name='arm')
    torque = lambda: driver.get_registers('group', 'all', 'Torque_Enable')[0]  # noqa: E731
    driver.torque_enable('single', 'gripper', False)
    driver.suffer('torque_off', '', 1.0)
    assert torque() == (0,) * 7
    driver.recover('torque_off')
    assert torque() == (1, 1, 1, 1, 1, 1, 0)
    faults.inject('dead_bus', 'arm')
    assert driver.get_registers('group', 'all', 'Torque_Enable')[0] == ()
    driver.torque_enable('group', 'all', False)
    faults.mend('dead_bus', 'arm')
    assert torque() == (1, 1, 1, 1, 1, 1, 0)
