"""Leader arms: first-order servos, limp without torque, and in the hands of a scripted operator."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES, Side
from cosmos_policy_ros.embodiment.limits import ARM_UPPER, MAX_ARM_SPEED
from cosmos_policy_ros.embodiment.poses import START, START_ARM
from cosmos_policy_ros.sim.arm_models import LEADER
from cosmos_policy_ros.sim.driver import ArmDriver
from cosmos_policy_ros.sim.experts import make_expert
from cosmos_policy_ros.sim.leaders import LeaderArms, ScriptedOperator
from cosmos_policy_ros.sim.world import World

CONVENTION = 'ros1'


class Cell:
    """A world with leaders and the drivers of all four arms."""

    def __init__(self, operator=False, task='plate', seed=0):
        self.world = World(task)
        self.world.reset(seed)
        self.operator = ScriptedOperator(lambda: make_expert(self.world), CONVENTION) if operator else None
        self.leaders = LeaderArms(self.world, CONVENTION, self.operator)
        self.led = {side: ArmDriver(self.leaders, side, 'position', LEADER, CONVENTION, torque=False) for side in SIDES}
        self.followers = {side: ArmDriver(self.world, side) for side in SIDES}
        self.steps = 0

    def run(self, seconds, each=lambda: None):
        for _ in range(round(seconds * 100)):
            if self.operator:
                self.operator.advance((self.steps % 4 + 1) / 4)
            self.leaders.advance(0.01)
            self.world.advance(0.01)
            self.steps += 1
            each()

    def position(self, side):
        """(9,) of the leader's joint states."""
        return self.led[side].states()[1]


def test_without_torque_and_hands_a_leader_lies_in_its_sleep_pose_and_its_gripper_springs_half_open():
    cell = Cell()
    cell.run(0.1)
    assert cell.position(Side.LEFT)[:6] == pytest.approx(LEADER.sleep, abs=1e-3)
    grip = LEADER.grippers[CONVENTION].action_from_joint(cell.position(Side.LEFT)[6])
    assert grip == pytest.approx(0.5, abs=0.01)


def test_a_leader_with_torque_follows_its_goal_as_a_first_order_servo():
    cell = Cell()
    cell.led[Side.LEFT].torque_enable('group', 'arm', True)
    cell.run(0.2)
    cell.led[Side.LEFT].command_group('arm', LEADER.sleep + np.array([0.1, 0, 0, 0, 0, 0]))
    cell.run(0.1)
    assert cell.position(Side.LEFT)[0] == pytest.approx(0.0632, abs=0.005)
    cell.run(1.0)
    assert cell.position(Side.LEFT)[0] == pytest.approx(0.1, abs=0.002)


def test_it_is_no_faster_than_its_servos_and_drops_when_torque_goes():
    cell = Cell()
    driver = cell.led[Side.LEFT]
    driver.torque_enable('group', 'arm', True)
    cell.run(0.2)
    driver.command_group('arm', START_ARM)
    fastest = []
    cell.run(1.5, lambda: fastest.append(np.abs(cell.leaders.joint_speeds(Side.LEFT)).max()))
    assert max(fastest) <= MAX_ARM_SPEED * 1.001
    assert cell.position(Side.LEFT)[:6] == pytest.approx(START_ARM, abs=0.01)
    driver.torque_enable('group', 'arm', False)
    cell.run(3.0)
    assert cell.position(Side.LEFT)[:6] == pytest.approx(LEADER.sleep, abs=0.02)


def test_an_operator_can_reach_poses_that_a_follower_rejects():
    """The leader's shoulder goes 0.73 rad further forward than the follower's."""
    cell = Cell()
    driver = cell.led[Side.LEFT]
    driver.torque_enable('group', 'arm', True)
    cell.run(0.2)
    driver.command_group('arm', [0, 1.8, 0, 0, 0, 0])
    cell.run(3.0)
    assert cell.position(Side.LEFT)[1] > ARM_UPPER[1] + 0.5
    driver.command_group('arm', [0, 2.1, 0, 0, 0, 0])
    assert cell.leaders.arm_goal(Side.LEFT)[1] == pytest.approx(1.8, abs=2e-3)


def test_the_operator_moves_limp_leaders_only_and_gravity_compensation_makes_them_limp():
    cell = Cell(operator=True)
    for side in SIDES:
        assert cell.position(side)[:6] == pytest.approx(START_ARM, abs=1e-3)
        cell.led[side].torque_enable('group', 'all', True)
    cell.operator.start()
    cell.run(2.0)
    assert cell.position(Side.RIGHT)[:6] == pytest.approx(START_ARM, abs=5e-3)
    assert not cell.leaders.limp(Side.RIGHT)
    cell.led[Side.RIGHT].gravity_compensation(True)
    cell.run(2.0)
    assert cell.leaders.limp(Side.RIGHT)
    assert np.abs(cell.position(Side.RIGHT)[:6] - START_ARM).max() > 0.3
    cell.led[Side.RIGHT].gravity_compensation(False)
    held = cell.leaders.joints(Side.RIGHT).copy()
    cell.run(1.0)
    assert cell.position(Side.RIGHT)[:6] == pytest.approx(held, abs=3e-3)


def test_the_operator_begins_once_an_episode_and_a_reset_brings_the_hands_back():
    cell = Cell(operator=True)
    cell.operator.begin()
    cell.run(1.0)
    cell.operator.stop()
    cell.operator.begin()
    assert not cell.operator.playing
    there = cell.position(Side.RIGHT)
    cell.run(0.5)
    assert cell.position(Side.RIGHT) == pytest.approx(there, abs=0.08)
    cell.world.reset(1)
    cell.operator.reset()
    cell.leaders.reset()
    assert cell.leaders.joints(Side.RIGHT) == pytest.approx(START_ARM, abs=1e-6)
    cell.operator.begin()
    assert cell.operator.playing


@pytest.mark.parametrize('task', ['plate', 'transfer'])
def test_followers_that_repeat_the_leaders_80_ms_late_do_the_task(task):
    cell, past = Cell(operator=True, task=task, seed=5), []
    cell.operator.start()

    def follow():
        past.append({side: cell.position(side) for side in SIDES})
        if len(past) > 8 and cell.steps % 4 == 0:
            for side in SIDES:
                row = past[-9][side]
                cell.followers[side].command_group('arm', row[:6])
                action = LEADER.grippers[CONVENTION].action_from_joint(row[6])
                cell.followers[side].command_single('gripper', cell.world.gripper_map.joint_from_action(action))
        for side in SIDES:
            cell.followers[side].states()
    for _ in range(20):
        cell.run(1.0, follow)
        if cell.operator.done:
            break
    assert cell.operator.done and cell.world.success()


def test_where_the_operator_holds_a_leader_is_what_its_driver_reports():
    cell = Cell(operator=True)
    cell.run(0.1)
    for side in SIDES:
        grip = LEADER.grippers[CONVENTION].action_from_joint(cell.position(side)[6])
        assert cell.position(side)[:6] == pytest.approx(START[ARM_SLICE[side]], abs=1e-3)
        assert grip == pytest.approx(START[GRIPPER_INDEX[side]], abs=2e-3)
