"""What is done to the arms, in which order, and what is refused."""
from functools import partial

import numpy as np
import pytest
from fake_driver import EXPECTED, fake_arm

from cosmos_policy_ros.arms.bringup import BringUp, NotReady
from cosmos_policy_ros.arms.confirmation import LIFETIME, Confirmation, Unconfirmed
from cosmos_policy_ros.arms.moves import MoveRefused, plan
from cosmos_policy_ros.arms.recovery import RecoveryRefused
from cosmos_policy_ros.arms.stream import ArmState, StateStream
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES, Side
from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.embodiment.poses import PARK_GRIPPER, SLEEP, SLEEP_ARM, START, START_ARM

GRIPPER = GRIPPER_MAPS['ros1']


class Cell:
    """Both arms with fake drivers, a mover that puts them where the rows end, and states at 100 Hz whenever time passes."""

    def __init__(self, pose=SLEEP, rate=100.0, stuck=False):
        self.pose, self.now, self.period, self.stuck, self.log = pose.copy(), 0.0, 1 / rate, stuck, []
        self.drivers, self.arms = {}, {}
        for side in SIDES:
            self.drivers[side], self.arms[side] = fake_arm(name=f'/fake_{side.value}')
            self.drivers[side].log = self.log
        self.streams = {side: StateStream(EXPECTED.state_window) for side in SIDES}
        limits = hardware_limits()
        way = partial(plan, ramp=lambda a, b: np.linspace(a, b, 5)[1:], judge=lambda *_: '', lower=limits.lower,
                      upper=limits.upper)
        self.bringup = BringUp(self.arms, self.streams, self, EXPECTED, way, GRIPPER, Confirmation(lambda: self.now),
                               self.until, lambda seconds: None, lambda text: None, 5.0, 0.1)

    def until(self, condition, patience):
        end = self.now + patience
        while not condition():
            if self.now >= end:
                return False
            self.now += self.period
            for side in SIDES:
                motor = GRIPPER.joint_from_action(self.pose[GRIPPER_INDEX[side]])
                self.streams[side].add(ArmState(self.now, self.pose[ARM_SLICE[side]].copy(), motor,
                                                GRIPPER.finger_from_joint(motor)))
        return True

    def take(self):
        self.log.append('take')
        return self.pose.copy()

    def play(self, rows):
        self.log.append('play')
        self.pose = self.pose if self.stuck else rows[-1].copy()

    def release(self):
        self.log.append('release')

    def seed(self, motor, side=Side.LEFT, **items):
        self.drivers[side].registers[motor].update(items)


def test_prepare_writes_nothing_on_a_healthy_robot_and_moves_it_to_start():
    cell = Cell()
    assert 'START' in cell.bringup.prepare()
    assert cell.log == ['take', 'play', 'release'] and np.array_equal(cell.pose, START)


def test_torque_comes_back_only_after_the_supervisor_has_put_the_goal_where_the_arm_is():
    cell = Cell()
    cell.seed('elbow', Torque_Enable=0)
    assert '/fake_left torque' in cell.bringup.prepare()
    assert cell.log == ['take', 'release', ('torque', 'arm', True), ('torque', 'gripper', True), 'take', 'play', 'release']


def test_an_arm_whose_goal_is_elsewhere_gets_no_torque():
    cell = Cell()
    cell.seed('elbow', Torque_Enable=0, Goal_Position=2600)
    with pytest.raises(RecoveryRefused, match='elbow would jump'):
        cell.bringup.prepare()
    assert ('torque', 'arm', True) not in cell.log and 'play' not in cell.log


def test_the_gripper_is_in_its_mode_before_anything_commands_it():
    """As the driver launches it takes an angle for a distance between the fingers."""
    cell = Cell()
    cell.seed('gripper', Operating_Mode=3)
    cell.drivers[Side.LEFT].modes['gripper'] = 'linear_position'
    cell.bringup.prepare()
    assert cell.log[0] == ('mode', 'gripper', 'current_based_position') and cell.log[1] == 'take'


def test_a_change_of_the_arms_mode_needs_somebody_who_supports_it():
    cell = Cell()
    cell.seed('waist', Operating_Mode=4)
    cell.drivers[Side.LEFT].modes['arm'] = 'ext_position'
    with pytest.raises(Unconfirmed, match='^confirm: support /fake_left'):
        cell.bringup.prepare()
    assert cell.log == []
    cell.bringup.prepare()
    assert ('mode', 'arm', 'position') in cell.log and cell.drivers[Side.LEFT].modes['arm'] == 'position'


def test_an_arm_that_would_take_an_angle_for_a_speed_is_not_commanded():
    cell = Cell()
    cell.seed('waist', Operating_Mode=1)
    cell.drivers[Side.LEFT].modes['arm'] = 'velocity'
    with pytest.raises(NotReady, match="mode 'velocity'"):
        cell.bringup.prepare()
    assert cell.log == []


@pytest.mark.parametrize('motor, items, said', [
    ('waist', {'Hardware_Error_Status': 0x20}, 'arms recover'), ('waist', {'Present_Temperature': 70}, '70 C'),
    ('gripper', {'Current_Limit': 2047}, 'load_configs')])
def test_prepare_refuses_what_it_cannot_mend(motor, items, said):
    cell = Cell()
    cell.seed(motor, **items)
    with pytest.raises(NotReady, match=said):
        cell.bringup.prepare()
    assert cell.log == []


def test_slow_states_are_refused_before_anything_moves():
    with pytest.raises(NotReady, match='Hz; expected at least 80 Hz'):
        Cell(rate=50.0).bringup.park()


def test_park_ends_in_the_sleep_pose_with_open_grippers():
    cell = Cell(pose=START)
    cell.bringup.park()
    assert all(np.array_equal(cell.pose[ARM_SLICE[side]], SLEEP_ARM) and cell.pose[GRIPPER_INDEX[side]] == PARK_GRIPPER
               for side in SIDES)
    assert cell.log == ['take', 'play', 'release']


def test_arms_that_do_not_arrive_are_given_back_and_named():
    cell = Cell(pose=SLEEP, stuck=True)
    with pytest.raises(MoveRefused, match='left shoulder is 0.79 rad away'):
        cell.bringup.prepare()
    assert cell.log[-1] == 'release'


def test_recovery_keeps_its_order():
    cell = Cell()
    cell.seed('shoulder_shadow', Hardware_Error_Status=0x20)
    cell.seed('gripper', side=Side.RIGHT, Hardware_Error_Status=0x20)
    with pytest.raises(Unconfirmed, match='support the arm /fake_left .*shoulder_shadow: overload.*/fake_right.*gripper'):
        cell.bringup.recover()
    assert cell.log == ['take', 'release']
    cell.log.clear()
    assert 'recovered' in cell.bringup.recover()
    assert cell.log == [
        'take', 'release',
        ('reboot', 'shoulder', False), ('reboot', 'shoulder_shadow', False),
        ('write', 'shoulder', 'Profile_Velocity'), ('write', 'shoulder', 'Profile_Acceleration'), ('gains', 'shoulder'),
        ('reboot', 'gripper', False), ('write', 'gripper', 'Profile_Velocity'), ('write', 'gripper', 'Profile_Acceleration'),
        ('gains', 'gripper'),
        'take', 'release',
        ('torque', 'shoulder', True), ('torque', 'shoulder_shadow', True), ('torque', 'gripper', True)]


def test_a_hot_motor_is_not_restarted():
    cell = Cell()
    cell.seed('elbow', Hardware_Error_Status=0x04, Present_Temperature=78)
    with pytest.raises(RecoveryRefused, match='elbow is at 78 C'):
        cell.bringup.recover()
    assert cell.log == []


def test_an_error_that_stays_sends_to_the_power_switch():
    cell = Cell()
    cell.seed('elbow', Hardware_Error_Status=0x10)
    cell.drivers[Side.LEFT].incurable = ('elbow',)
    with pytest.raises(Unconfirmed):
        cell.bringup.recover()
    with pytest.raises(Exception, match='Hardware_Error_Status of elbow reads 16.*power-cycle'):
        cell.bringup.recover()
    assert not any(entry[0] == 'torque' for entry in cell.log)


def test_a_confirmation_is_for_one_demand_and_for_a_minute():
    now = [0.0]
    confirmation = Confirmation(lambda: now[0])
    for what in ('a', 'b', 'a'):
        with pytest.raises(Unconfirmed):
            confirmation.demand(what)
    confirmation.demand('a')
    with pytest.raises(Unconfirmed):
        confirmation.demand('a')
    now[0] = LIFETIME + 1.0
    with pytest.raises(Unconfirmed):
        confirmation.demand('a')


def test_calibration_reads_both_ends_with_the_arms_held():
    cell = Cell(pose=START)
    readings = cell.bringup.calibrate()
    for side in SIDES:
        assert readings[side].closed_motor == pytest.approx(GRIPPER.joint_close)
        assert readings[side].open_finger == pytest.approx(GRIPPER.finger_from_joint(GRIPPER.joint_open))
        assert np.array_equal(cell.pose[ARM_SLICE[side]], START_ARM)
    assert cell.log == ['take', 'play', 'play', 'play', 'release']
