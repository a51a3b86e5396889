"""The simulated robot's node against the list of what makes it hard to tell from an ALOHA, over DDS: a test a line."""
import numpy as np
import pytest
from command_process import FULL_CAMERAS, Command
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand, JointTrajectoryCommand
from interbotix_xs_msgs.srv import Reboot, RegisterValues, RobotInfo, TorqueEnable
from rcl_interfaces.msg import Log
from robot_watch import TOPICS, Robot
from std_srvs.srv import SetBool
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, DRIVER_JOINTS
from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER
from cosmos_policy_ros.embodiment.poses import START_ARM
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.sim.faults import CATALOGUE, SERVICES
from cosmos_policy_ros.srv import InjectFault

LEFT, RIGHT = TOPICS.arms
LEADERS = '/leader_left', '/leader_right'
HIGH = '/cam_high/camera/color/image_rect_raw'
WRIST = '/cam_left_wrist/camera/color/image_rect_raw'


class Client(Robot):
    """Commands and asks the simulated robot too."""

    def __init__(self, probe):
        super().__init__(probe, (*TOPICS.arms, *LEADERS))
        self.log = probe.record(Log, '/rosout', 100)
        kinds = {'joint_group': JointGroupCommand, 'joint_single': JointSingleCommand,
                 'joint_trajectory': JointTrajectoryCommand}
        self._publishers = {(arm, topic): probe.publisher(kind, f'{arm}/commands/{topic}')
                            for arm in self.states for topic, kind in kinds.items()}
        for publisher in self._publishers.values():
            wait(publisher.get_subscription_count, publisher.topic_name)

    def send(self, arm, topic, **fields):
        """Publish a command."""
        publisher = self._publishers[arm, topic]
        publisher.publish(publisher.msg_type(**fields))

    def move(self, arm, joints):
        """Command the arm group."""
        self.send(arm, 'joint_group', name='arm', cmd=[float(joint) for joint in joints])

    def registers(self, arm, item, kind='group', name='all'):
        """Values of a control item."""
        name = {'cmd_type': kind, 'name': name, 'reg': item}
        return list(self.probe.call(RegisterValues, f'{arm}/get_motor_registers', **name).values)

    def set_register(self, arm, item, value):
        """Write a control item of the gripper."""
        self.probe.call(RegisterValues, f'{arm}/set_motor_registers', cmd_type='single', name='gripper', reg=item,
                        value=value)

    def torque(self, arm, enable):
        """Torque of the arm group."""
        self.probe.call(TorqueEnable, f'{arm}/torque_enable', cmd_type='group', name='arm', enable=enable)

    def fault(self, fault, target='', value=0.0, active=True):
        """Ask for a fault; returns the message."""
        request = {'fault': fault, 'target': target, 'value': value, 'active': active}
        reply = self.probe.call(InjectFault, '/sim/inject_fault', **request)
        assert reply.accepted, reply.message
        return reply.message

    def since(self, arm, start):
        """States of an arm that were received with stamps from ``start`` (s) on."""
        return [state for state in list(self.states[arm]) if seconds(state.header.stamp) >= start]

    def until_at(self, arm, joints, tolerance=0.03):
        """Wait until the arm is there."""
        wait(lambda: np.abs(self.position(arm)[:6] - joints).max() < tolerance, lambda: self.position(arm))

    def pictures(self, topic, count, start):
        """(stamp, arrival in simulated time, checksum) of ``count`` images with arrivals from ``start`` (s) on."""
        def arrived():
            return [entry for entry in list(self.arrivals[topic]) if entry[1] > start]
        wait(lambda: len(arrived()) >= count, lambda: f'{count} images on {topic}')
        return arrived()[:count]


@pytest.fixture(scope='module')
def running_robot(probe, running):
    with running('sim_node', options=GraphOptions(cameras=FULL_CAMERAS), sim_node={'leaders': 'scripted'}):
        robot = Client(probe)
        wait(lambda: robot.tasks and all(robot.states.values()) and all(robot.images.values()), 'the simulator')
        yield robot


@pytest.fixture
def robot(running_robot):
    """The running simulator, healthy and at the start."""
    running_robot.fault('clear')
    running_robot.reset()
    return running_robot


def test_every_endpoint_of_four_arms_and_three_cameras_is_there(robot):
    node, own, needed = robot.probe.node, 'interbotix_xs_msgs/', {}
    for arm in (*TOPICS.arms, *LEADERS):
        needed[f'{arm}/joint_states'] = 'sensor_msgs/msg/JointState'
        needed.update({f'{arm}/commands/{topic}': f'{own}msg/{kind}Command' for topic, kind in (
            ('joint_group', 'JointGroup'), ('joint_single', 'JointSingle'), ('joint_trajectory', 'JointTrajectory'))})
        needed.update({f'{arm}/{service}': f'{own}srv/{kind}' for service, kind in zip(SERVICES, (
            'TorqueEnable', 'Reboot', 'RobotInfo', 'OperatingModes', 'MotorGains', 'RegisterValues', 'RegisterValues'))})
    needed.update({f'{leader}/gravity_compensation_enable': 'std_srvs/srv/SetBool' for leader in LEADERS})
    for topic in TOPICS.images:
        needed.update({topic: 'sensor_msgs/msg/Image',
                       topic.replace('image_rect_raw', 'camera_info'): 'sensor_msgs/msg/CameraInfo'})

    def missing():
        there = dict(robot.probe.inside(node.get_topic_names_and_types) + robot.probe.inside(
            node.get_service_names_and_types))
        return {name: kind for name, kind in needed.items() if there.get(name) != [kind]}
    wait(lambda: not missing(), missing)


def test_joint_states_have_nine_names_in_order_at_100_hz_without_a_frame(robot):
    start = robot.run(1.0)
    for arm in robot.states:
        state = robot.states[arm][-1]
        assert tuple(state.name) == DRIVER_JOINTS and state.header.frame_id == ''
        assert len(state.position) == len(state.velocity) == len(state.effort) == 9
        stamps = robot.stamps(arm, start)
        assert len(stamps) >= 90 and np.diff(stamps) == pytest.approx(0.01, abs=1e-4)


def test_a_step_of_a_tenth_of_a_radian_takes_about_a_tenth_of_a_second(robot):
    before, start = robot.position(LEFT)[:6], robot.now()
    robot.move(LEFT, START_ARM + [0.1, 0, 0, 0, 0, 0])
    robot.until_at(LEFT, before + [0.1, 0, 0, 0, 0, 0], 0.005)
    states = robot.since(LEFT, start)
    moved = np.array([state.position[0] for state in states]) - before[0]
    at = np.array([seconds(state.header.stamp) for state in states])
    assert 0.05 < at[np.argmax(moved > 0.0632)] - at[np.argmax(moved > 0.002)] < 0.2
    assert max(abs(speed) for state in states for speed in state.velocity[:6]) <= np.pi


def test_a_goal_beyond_a_limit_is_dropped_in_silence_and_the_joint_keeps_the_last_one(robot):
    robot.move(LEFT, [0.15, *START_ARM[1:]])
    robot.until_at(LEFT, [0.15, *START_ARM[1:]])
    logged = len(robot.log)
    robot.move(LEFT, [0.0, ARM_LOWER[1] - 0.1, *START_ARM[2:]])
    robot.until_at(LEFT, START_ARM)
    assert len(robot.log) == logged


def test_seven_values_for_the_arm_group_are_dropped_with_an_error_in_the_log(robot):
    robot.move(LEFT, [0.5] * 7)
    wait(lambda: [entry for entry in robot.log if '7 values' in entry.msg and entry.level >= 40], 'the logged error')
    assert np.abs(robot.position(LEFT)[:6] - START_ARM).max() < 0.03


def test_nan_becomes_zero_radians(robot):
    robot.move(LEFT, [np.nan, *START_ARM[1:]])
    robot.run(0.1)
    robot.move(RIGHT, [0.4, *START_ARM[1:]])
    robot.until_at(RIGHT, [0.4, *START_ARM[1:]])
    robot.move(RIGHT, [np.nan, *START_ARM[1:]])
    robot.until_at(RIGHT, START_ARM)


def test_without_torque_an_arm_sags_and_ignores_commands(robot):
    robot.torque(LEFT, False)
    robot.move(LEFT, START_ARM + [0.8, 0, 0, 0, 0, 0])
    wait(lambda: np.abs(robot.position(LEFT)[1:6] - START_ARM[1:]).max() > 0.2, lambda: robot.position(LEFT))
    assert abs(robot.position(LEFT)[0]) < 0.1
    assert robot.registers(LEFT, 'Torque_Enable') == [0, 0, 0, 0, 0, 0, 1]


def test_a_reboot_is_answered_after_a_second_without_states_and_torque_is_as_asked(robot):
    start = robot.now()
    for enable in (False, True):
        robot.probe.call(Reboot, f'{LEFT}/reboot_motors', every=60.0, cmd_type='single', name='gripper', enable=enable)
        assert robot.registers(LEFT, 'Torque_Enable', 'single', 'gripper') == [int(enable)]
    robot.run(0.1)
    assert robot.now() > start + 2.0
    assert np.sort(np.diff(robot.stamps(LEFT, start)))[-2:].min() >= 0.99
    assert np.diff(robot.stamps(RIGHT, start)).max() < 0.03


def test_the_gripper_current_limit_is_taken_in_no_wrong_case_and_not_while_torque_is_on(robot):
    for item in ('current_limit', 'Current_Limit'):
        robot.set_register(LEFT, item, 300)
        assert robot.registers(LEFT, 'Current_Limit', 'single', 'gripper') == [200]


def test_robot_info_of_the_arm_group(robot):
    info = robot.probe.call(RobotInfo, f'{LEFT}/get_robot_info', cmd_type='group', name='arm')
    assert tuple(info.joint_names) == ARM_JOINTS and info.num_joints == 6
    assert (info.mode, info.profile_type) == ('position', 'velocity')
    assert list(info.joint_lower_limits) == pytest.approx(ARM_LOWER)
    assert list(info.joint_upper_limits) == pytest.approx(ARM_UPPER)
    assert list(info.joint_sleep_positions) == pytest.approx([0, -2.05, 1.7, 0, -2.0, 0])


def test_robot_info_of_the_gripper_describes_the_left_finger_in_metres(robot):
    info = robot.probe.call(RobotInfo, f'{LEFT}/get_robot_info', cmd_type='single', name='gripper')
    assert list(info.joint_names) == ['left_finger'] and list(info.joint_state_indices) == [7]
    assert [*info.joint_lower_limits, *info.joint_upper_limits] == pytest.approx([0.021, 0.057])


@pytest.mark.parametrize('action, observed', [(0.5, 0.526), (1.0, 0.997)])
def test_gripper_actions_read_back_as_linkage_and_constants_have_it(robot, action, observed):
    """The fingers of the model touch at 0.1, so a commanded 0 cannot be seen."""
    gripper = GRIPPER_MAPS['ros1']
    robot.send(LEFT, 'joint_single', name='gripper', cmd=float(gripper.joint_from_action(action)))
    read = lambda: gripper.observation_from_finger(robot.position(LEFT)[7])  # noqa: E731
    wait(lambda: abs(read() - observed) < 0.02, read)
    assert robot.position(LEFT)[7] == pytest.approx(gripper.finger_from_joint(robot.position(LEFT)[6]), abs=1e-6)


def test_images_are_rgb8_with_the_time_of_capture(robot):
    pictures = robot.pictures(HIGH, 10, robot.now())
    assert robot.images[HIGH][-1][2][:5] == (480, 640, 'rgb8', 1920, 921600)
    assert np.diff([stamp for stamp, *_ in pictures]) == pytest.approx(0.04, abs=1e-4)
    assert all(-0.02 <= arrival - stamp < 0.2 for stamp, arrival, _ in pictures)


def test_a_trajectory_runs_at_the_pace_of_its_nanoseconds(robot):
    """The driver ignores whole seconds: the second point comes 0.1 s after the first, not 2.1 s."""
    points = [JointTrajectoryPoint(positions=[float(turn), *START_ARM[1:]]) for turn in (0.0, 0.1, 0.2)]
    for point, (sec, nanosec) in zip(points, ((0, 0), (0, 100_000_000), (2, 200_000_000))):
        point.time_from_start.sec, point.time_from_start.nanosec = sec, nanosec
    start = robot.now()
    robot.send(LEFT, 'joint_trajectory', cmd_type='group', name='arm', traj=JointTrajectory(points=points))
    robot.until_at(LEFT, [0.2, *START_ARM[1:]])
    assert next(seconds(s.header.stamp) for s in robot.since(LEFT, start) if s.position[0] > 0.17) < start + 1.5


def test_leaders_lie_without_torque_move_on_command_and_know_their_own_limits(robot):
    for leader in LEADERS:
        assert robot.registers(leader, 'Torque_Enable') == [0] * 7
    robot.torque(LEADERS[0], True)
    robot.move(LEADERS[0], START_ARM + 0.2)
    robot.until_at(LEADERS[0], START_ARM + 0.2)
    info = robot.probe.call(RobotInfo, f'{LEADERS[0]}/get_robot_info', cmd_type='group', name='arm')
    assert info.joint_upper_limits[1] == pytest.approx(1.98968)
    assert info.joint_sleep_positions[1] == pytest.approx(-1.88)


def test_gravity_compensation_makes_a_leader_weightless_and_gives_it_back(robot):
    leader = LEADERS[0]
    assert robot.probe.call(SetBool, f'{leader}/gravity_compensation_enable', data=True).success
    assert robot.registers(leader, 'Operating_Mode') == [0] * 7
    assert robot.registers(leader, 'Torque_Enable') == [1] * 6 + [0]
    assert robot.probe.call(SetBool, f'{leader}/gravity_compensation_enable', data=False).success
    assert robot.registers(leader, 'Operating_Mode') == [3] * 6 + [5]
    assert robot.registers(leader, 'Torque_Enable') == [1] * 7


def test_the_scripted_operator_works_on_the_task_once_asked_and_stops(robot):
    before = robot.position(LEADERS[1])[:6]
    assert np.abs(before - START_ARM).max() < 0.01
    assert robot.probe.call(SetBool, '/sim/operator', data=True).success
    wait(lambda: np.abs(robot.position(LEADERS[1])[:6] - before).max() > 0.3, lambda: robot.position(LEADERS[1]))
    assert robot.probe.call(SetBool, '/sim/operator', data=False).success
    robot.run(0.1)
    there = robot.position(LEADERS[1])
    robot.run(0.3)
    assert np.abs(robot.position(LEADERS[1]) - there).max() < 0.003


# Faults.

def test_dead_bus(robot):
    """Every joint at -pi with fresh stamps, no register answers, and the other arm lives; mended, all is as before."""
    robot.fault('dead_bus', 'follower_left')
    start = robot.run(0.2)
    states = robot.since(LEFT, start + 0.05)
    assert len(states) > 10
    assert np.array([state.position[:7] for state in states]) == pytest.approx(-np.pi)
    assert not np.array([[*state.velocity, *state.effort] for state in states]).any()
    assert robot.registers(LEFT, 'Torque_Enable') == []
    robot.move(LEFT, START_ARM + 0.5)
    assert np.abs(robot.position(RIGHT)[:6] - START_ARM).max() < 0.03
    robot.fault('clear')
    robot.until_at(LEFT, START_ARM)


def test_nan_states(robot):
    robot.fault('nan_states', 'follower_left')
    wait(lambda: np.isnan(robot.position(LEFT)).all(), lambda: robot.position(LEFT))
    robot.fault('nan_states', 'follower_left', active=False)
    wait(lambda: np.isfinite(robot.position(LEFT)).all(), lambda: robot.position(LEFT))


def test_sync_write_latch(robot):
    """Group commands are lost in silence, single ones are not, states go on."""
    robot.fault('sync_write_latch', 'follower_left')
    robot.move(LEFT, START_ARM + 0.3)
    robot.send(LEFT, 'joint_single', name='waist', cmd=0.2)
    robot.until_at(LEFT, START_ARM + [0.2, 0, 0, 0, 0, 0])


def test_slow_states(robot):
    robot.fault('slow_states', 'follower_left', 30.0)
    start = robot.run(1.0)
    assert 25 <= len(robot.stamps(LEFT, start + 0.02)) <= 32 and len(robot.stamps(RIGHT, start)) >= 95


def test_state_gap(robot):
    start = robot.now()
    robot.fault('state_gap', 'follower_left', 0.5)
    robot.run(0.7)
    assert np.diff(robot.stamps(LEFT, start)).max() == pytest.approx(0.5, abs=0.03)


def test_torque_off(robot):
    robot.fault('torque_off', 'follower_left')
    wait(lambda: np.abs(robot.position(LEFT)[1:6] - START_ARM[1:]).max() > 0.2, lambda: robot.position(LEFT))
    assert robot.registers(LEFT, 'Torque_Enable') == [0] * 7
    robot.fault('clear')
    assert robot.registers(LEFT, 'Torque_Enable') == [1] * 7


def test_overload_latch(robot):
    """Only a reboot, or mending, gives the torque back."""
    robot.fault('overload_latch', 'follower_left/wrist_angle')
    robot.torque(LEFT, True)
    assert robot.registers(LEFT, 'Hardware_Error_Status', 'single', 'wrist_angle') == [0x20]
    assert robot.registers(LEFT, 'Torque_Enable', 'single', 'wrist_angle') == [0]
    robot.probe.call(Reboot, f'{LEFT}/reboot_motors', every=60.0, cmd_type='group', name='all', enable=True,
                     smart_reboot=True)
    assert robot.registers(LEFT, 'Hardware_Error_Status', 'single', 'wrist_angle') == [0]
    assert robot.registers(LEFT, 'Torque_Enable', 'single', 'wrist_angle') == [1]


def test_hung_service(robot):
    """One service does not answer while the rest does; the request is carried out when it is mended."""
    name = f'{LEFT}/torque_enable'
    robot.fault('hung_service', 'follower_left/torque_enable')
    client = robot.probe.inside(robot.probe.node.create_client, TorqueEnable, name)
    wait(client.service_is_ready, name)
    request = TorqueEnable.Request(cmd_type='single', name='gripper', enable=False)
    future = robot.probe.inside(client.call_async, request)
    robot.run(0.3)
    assert robot.registers(LEFT, 'Torque_Enable', 'single', 'gripper') == [1] and not future.done()
    robot.fault('clear')
    wait(future.done, 'the late answer')
    assert robot.registers(LEFT, 'Torque_Enable', 'single', 'gripper') == [0]


def test_camera_late(robot):
    robot.fault('camera_late', 'cam_high', 0.3)
    late = robot.pictures(HIGH, 15, robot.run(0.4))[5:]
    assert all(arrival - stamp > 0.25 for stamp, arrival, _ in late)
    assert np.diff([stamp for stamp, *_ in late]) == pytest.approx(0.04, abs=1e-4)


def test_camera_frozen(robot):
    """Pixels stand still although the arm moves before the lens, and stamps go on."""
    robot.fault('camera_frozen', 'cam_left_wrist')
    robot.move(LEFT, START_ARM + [0.3, 0, 0, 0, 0, 0])
    frozen = robot.pictures(WRIST, 12, robot.run(0.1))
    assert len({checksum for *_, checksum in frozen}) == 1 and len({stamp for stamp, *_ in frozen}) == 12
    robot.fault('clear')
    wait(lambda: robot.arrivals[WRIST][-1][2] != frozen[0][2], 'a fresh picture')


def test_camera_wrong_size(robot):
    robot.fault('camera_wrong_size', 'cam_high')
    wait(lambda: robot.images[HIGH][-1][2][:5] == (480, 848, 'rgb8', 2544, 480 * 2544), lambda: robot.images[HIGH][-1])
    wait(lambda: robot.infos[HIGH][-1].width == 848, 'camera_info of the same size')


def test_camera_dropped(robot):
    robot.fault('camera_dropped', 'cam_high')
    start = robot.run(0.3)
    robot.run(0.4)
    assert not [entry for entry in robot.arrivals[HIGH] if entry[0] > start + 0.2]
    assert [entry for entry in robot.arrivals[WRIST] if entry[0] > start + 0.2]
    robot.fault('camera_dropped', 'cam_high', 0.5)
    stamps = [stamp for stamp, *_ in robot.pictures(HIGH, 12, robot.now())][2:]
    assert np.diff(stamps) == pytest.approx(0.08, abs=1e-4)


def test_clock_skew(robot):
    """The stamps of one side only."""
    robot.fault('clock_skew', 'follower_left', -2.0)
    robot.run(0.1)
    ahead = lambda: (seconds(robot.states[RIGHT][-1].header.stamp)  # noqa: E731
                     - seconds(robot.states[LEFT][-1].header.stamp))
    wait(lambda: abs(ahead() - 2.0) < 0.05, ahead)


def test_an_unknown_fault_target_or_value_is_refused_with_what_there_is(robot):
    ask = lambda **fields: robot.probe.call(InjectFault, '/sim/inject_fault', active=True, **fields)  # noqa: E731
    for reply, words in ((ask(fault='flood'), 'dead_bus'), (ask(fault='dead_bus', target='leg'), 'follower_right'),
                         (ask(fault='camera_dropped', value=2.0), '0.01 to 1')):
        assert not reply.accepted and words in reply.message


def test_faults_from_the_command_line(robot, domain, tmp_path):
    def fault(*arguments):
        with Command('fault', *arguments, '--domain', domain, folder=tmp_path) as command:
            return command.end(60.0), (tmp_path / 'stdout.txt').read_text(), command.said()
    code, listing, _ = fault('list')
    assert code == 0 and all(name in listing for name in CATALOGUE)
    assert fault('inject', 'dead_bus', '--target', 'leader_left')[0] == 0
    wait(lambda: abs(robot.position(LEADERS[0])[0] + np.pi) < 1e-3, lambda: robot.position(LEADERS[0]))
    assert 'active: dead_bus leader_left' in robot.fault('')
    code, _, said = fault('inject', 'dead_bus', '--target', 'leg')
    assert code == 1 and 'leader_left' in said
    assert fault('clear')[0] == 0
    assert robot.fault('').endswith('active: none')


def test_every_fault_of_the_catalogue_has_its_test():
    assert [name for name in CATALOGUE if f'test_{name}' not in globals()] == []
