"""The simulated robot's node against the contract of the real one, over DDS."""
import numpy as np
import pytest
from command_process import FULL_CAMERAS
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand
from interbotix_xs_msgs.srv import Reboot, RegisterValues, RobotInfo, TorqueEnable
from rcl_interfaces.srv import DescribeParameters, ListParameters
from robot_watch import TOPICS, Robot

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, DRIVER_JOINTS, SIDES
from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.srv import ResetSimulation

LEFT = '/follower_left'


@pytest.fixture(scope='module')
def robot(probe, running):
    """One simulator for all tests of this file."""
    with running('sim_node', options=GraphOptions(cameras=FULL_CAMERAS)):
        robot = Robot(probe)
        wait(lambda: robot.tasks and all(robot.states.values()) and all(robot.images.values()), 'the simulator')
        robot.run(1.0)
        yield robot


def test_nine_joints_in_the_drivers_order(robot):
    for arm in TOPICS.arms:
        state = robot.states[arm][-1]
        assert tuple(state.name) == DRIVER_JOINTS
        assert len(state.position) == len(state.velocity) == len(state.effort) == 9
        assert state.position[8] == -state.position[7]


def test_joint_states_come_at_100_hz(robot):
    """The driver keeps ten of them for a reader that is late; this one may be, and then misses some."""
    start = robot.run(2.0)
    for arm in TOPICS.arms:
        apart = np.diff(robot.stamps(arm, start)) / 0.01
        assert apart == pytest.approx(np.maximum(1, np.round(apart)), abs=0.01)
        assert np.median(apart) == pytest.approx(1.0, abs=0.01) and len(apart) > 100


def test_three_cameras_at_25_hz_with_one_capture_stamp(robot):
    start = robot.run(2.0)
    stamps = {}
    for topic, camera in zip(TOPICS.images, TOPICS.cameras):
        kept = [entry for entry in list(robot.images[topic]) if entry[0] >= start]
        stamps[topic] = np.array([at for at, *_ in kept])
        assert np.diff(stamps[topic]) == pytest.approx(0.04, abs=1e-4)
        for _, frame, (height, width, encoding, step, size, brightest) in kept:
            assert (height, width, encoding, step, size) == (480, 640, 'rgb8', 1920, 921600) and brightest > 50
            assert frame.startswith(camera)
    common = set.intersection(*(set(np.round(values, 6)) for values in stamps.values()))
    assert len(common) >= 40, 'the three pictures of a frame show the same moment'
    for topic in TOPICS.images:
        info = robot.infos[topic][-1]
        assert (info.width, info.height) == (640, 480)


def test_the_clock_never_steps_back_over_a_reset(robot):
    robot.run(0.2)
    count = len(robot.clock)
    robot.reset(seed=3)
    robot.reset('transfer', 4)
    robot.run(0.2)
    times = np.array([seconds(message.clock) for message in robot.clock[count - 10:]])
    assert (np.diff(times) > 0).all() and np.diff(times).max() < 0.03
    assert robot.tasks[-1].task == 'transfer' and robot.tasks[-1].seed == 4


def test_a_reset_to_an_unknown_task_is_refused_by_name(robot):
    response = robot.probe.call(ResetSimulation, '/sim/reset', task='juggle', seed=0)
    assert not response.accepted and 'juggle' in response.message and 'plate' in response.message


def test_robot_info_of_arm_and_gripper(robot):
    arm = robot.probe.call(RobotInfo, f'{LEFT}/get_robot_info', cmd_type='group', name='arm')
    assert tuple(arm.joint_names) == ARM_JOINTS and arm.num_joints == 6 and arm.mode == 'position'
    assert np.array(arm.joint_lower_limits) == pytest.approx(ARM_LOWER, abs=1e-5)
    assert np.array(arm.joint_upper_limits) == pytest.approx(ARM_UPPER, abs=1e-5)
    gripper = robot.probe.call(RobotInfo, f'{LEFT}/get_robot_info', cmd_type='single', name='gripper')
    assert list(gripper.joint_names) == ['left_finger'] and list(gripper.joint_state_indices) == [7]
    assert gripper.mode == 'current_based_position'


def test_an_unknown_group_gives_an_empty_answer_as_the_driver_does(robot):
    info = robot.probe.call(RobotInfo, f'{LEFT}/get_robot_info', cmd_type='group', name='legs')
    assert info.num_joints == 0 and list(info.joint_names) == []
    assert list(robot.probe.call(RegisterValues, f'{LEFT}/get_motor_registers', cmd_type='group', name='legs',
                                 reg='Present_Position', value=0).values) == []


def test_a_command_moves_one_arm_and_one_beyond_a_limit_keeps_the_goal(robot):
    robot.reset()
    publisher = robot.probe.publisher(JointGroupCommand, f'{LEFT}/commands/joint_group')
    wait(publisher.get_subscription_count, 'the simulator reads commands')
    start, other = robot.position(LEFT)[:6], robot.position('/follower_right')
    goal = start + [0.1, 0, 0, 0, 0, 0.1]
    publisher.publish(JointGroupCommand(name='arm', cmd=goal.tolist()))
    wait(lambda: np.abs(robot.position(LEFT)[:6] - goal).max() < 0.03, lambda: robot.position(LEFT))
    publisher.publish(JointGroupCommand(name='arm', cmd=[*goal[:5], float(ARM_UPPER[5]) + 0.5]))
    robot.run(0.5)
    assert np.abs(robot.position(LEFT)[:6] - goal).max() < 0.03
    assert np.abs(robot.position('/follower_right') - other).max() < 0.02
    robot.probe.forget(publisher)


def test_without_torque_an_arm_sags_and_with_it_returns(robot):
    robot.reset()
    start = robot.position(LEFT)[:6]
    moved = lambda: np.abs(robot.position(LEFT)[:6] - start).max()  # noqa: E731
    robot.probe.call(TorqueEnable, f'{LEFT}/torque_enable', cmd_type='group', name='arm', enable=False)
    wait(lambda: moved() > 0.2, moved)
    robot.probe.call(TorqueEnable, f'{LEFT}/torque_enable', cmd_type='group', name='arm', enable=True)
    wait(lambda: moved() < 0.05, moved)


def test_a_reboot_stalls_the_state_stream(robot):
    """A second for one motor; the other arm has its own bus."""
    robot.reset()
    start = robot.run(0.1)
    robot.probe.call(Reboot, f'{LEFT}/reboot_motors', every=30.0, cmd_type='single', name='gripper', enable=True)
    robot.run(0.5)
    assert np.diff(robot.stamps(LEFT, start)).max() >= 1.0
    assert np.diff(robot.stamps('/follower_right', start)).max() < 0.03


@pytest.mark.parametrize('side', SIDES)
def test_registers_answer_for_every_motor(robot, side):
    answer = robot.probe.call(RegisterValues, f'/follower_{side.value}/get_motor_registers', cmd_type='group',
                              name='all', reg='Torque_Enable')
    assert list(answer.values) == [1] * 7


def test_every_parameter_is_described_and_read_only(robot):
    listed = robot.probe.call(ListParameters, '/sim/list_parameters').result.names
    own = [name for name in listed if not name.startswith(('qos_overrides', 'use_sim_time', 'start_type_description'))]
    described = robot.probe.call(DescribeParameters, '/sim/describe_parameters', names=own).descriptors
    assert len(own) > 10
    assert [entry.name for entry in described if not entry.description or not entry.read_only] == []
