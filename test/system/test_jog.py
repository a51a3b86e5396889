"""Jogging over DDS: handles in RViz and a gamepad take the arms, move them slowly, and give them back."""
import numpy as np
import pytest
from arm_commands import ArmWatch
from command_process import SEED
from graph_probe import wait
from rviz_client import RvizClient
from sensor_msgs.msg import Joy
from supervisor_rig import calmed

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.inverse_kinematics import ArmSolver
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.clock import time_message
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.safety.config import load_config

NODES = ('sim_node', 'supervisor_node', 'policy_node', 'rollout_node', 'jog_node')
LEFT = 'left_hand'


class Cockpit:
    """RViz, a gamepad and a station beside a running graph."""

    def __init__(self, probe, station):
        self.probe, self.station, self.watch = probe, station, ArmWatch(probe)
        self.rviz = RvizClient(probe, '/cosmos_policy/handles')
        self._joy, self._said = probe.publisher(Joy, '/joy'), 0

    def until(self, condition, meanwhile=lambda: None):
        def look():
            meanwhile()
            return self.watch.status and condition(self.watch.status)
        wait(look, lambda: (self.watch.status, self.rviz.markers[LEFT].description))

    def calm(self):
        """READY, whatever was before."""
        wait(lambda: calmed(self.watch, self.station), lambda: self.watch.status)

    def ready(self):
        """READY without anybody's doing."""
        self.until(lambda status: status.state == SafetyStatus.READY)

    def has(self, authority, state=None):
        self.until(lambda status: status.authority == authority and state in (None, status.state))

    def joy(self, *down, axes=()):
        self._said += 1
        sticks = np.zeros(8)
        for number, value in axes:
            sticks[number] = value
        message = Joy(axes=sticks.tolist(), buttons=[int(n in down) for n in range(11)])
        message.header.stamp = time_message(float(self._said))
        self._joy.publish(message)

    def hand(self):
        """(3,) m, where the left hand is commanded to be."""
        return ArmSolver(Side.LEFT, Cell()).forward(self.watch.commands(Side.LEFT)[1][-1])[:3, 3]


@pytest.fixture(scope='module')
def cockpit(probe, running):
    with running(*NODES, options=GraphOptions(seed=SEED, jog=True), rollout_node={'record': False},
                 jog_node={'silence': 2.0}) as processes, Station('operator') as station:
        cockpit = Cockpit(probe, station)
        wait(lambda: processes.first_death() or len(cockpit.rviz.markers) == 2, lambda: cockpit.rviz.markers)
        assert not processes.first_death(), processes.first_death()
        yield cockpit


def test_whoever_grabs_a_handle_has_the_arms_until_he_lets_go(cockpit):
    """From READY: armed at the reduced speed, moved to the handle, given back after a while."""
    cockpit.calm()
    rviz = cockpit.rviz
    goal = rviz.pose(LEFT)
    goal[:3, 3] += 0.04, 0.03, 0.05
    rviz.grab(LEFT)
    cockpit.has('jog')
    assert cockpit.watch.status.hand_speed == load_config(config_file('safety.yaml')).reduced_speed
    cockpit.until(lambda status: status.state == SafetyStatus.RUNNING and np.abs(cockpit.hand() - goal[:3, 3]).max() < 1e-3,
                  lambda: rviz.drag(LEFT, goal))
    rviz.drop(LEFT)
    cockpit.ready()
    wait(lambda: np.abs(rviz.pose(LEFT)[:3, 3] - goal[:3, 3]).max() < 0.02, lambda: rviz.pose(LEFT))


def test_another_client_cannot_move_a_handle_that_is_held(cockpit):
    cockpit.calm()
    other = RvizClient(cockpit.probe, '/cosmos_policy/handles', 'another')
    here = cockpit.rviz.pose(LEFT)
    away = here.copy()
    away[:3, 3] += 0.0, 0.0, 0.1
    cockpit.rviz.grab(LEFT)
    cockpit.has('jog')

    def both():
        cockpit.rviz.drag(LEFT, here)
        other.drag(LEFT, away)
    cockpit.until(lambda status: status.state == SafetyStatus.RUNNING, both)
    begun = cockpit.watch.now
    cockpit.until(lambda _: cockpit.watch.now > begun + 0.6, both)
    assert np.abs(cockpit.hand() - here[:3, 3]).max() < 0.02
    other.drop(LEFT)
    cockpit.until(lambda _: cockpit.watch.now > begun + 1.0, lambda: cockpit.rviz.drag(LEFT, here))
    assert cockpit.watch.status.authority == 'jog'
    cockpit.rviz.drop(LEFT)
    cockpit.ready()


def test_a_grab_in_the_middle_of_a_rollout_is_a_takeover(cockpit):
    """The policy loses the arms, the hand follows the handle, and the policy goes on when it gets them back."""
    cockpit.calm()
    run = cockpit.station.rollout(RunRollout.Goal(task='plate', seed=SEED, step_limit=3000, mode='direct'))

    def moving(status):
        return (status.authority, status.state) == ('policy', SafetyStatus.RUNNING) and cockpit.watch.speed() > 0.1
    cockpit.until(moving, run.advance)
    cockpit.rviz.grab(LEFT)
    cockpit.has('jog', SafetyStatus.HELD)
    assert cockpit.watch.status.origin == 'policy'
    goal = ArmSolver(Side.LEFT, Cell()).forward(cockpit.watch.commands(Side.LEFT)[1][-1])
    goal[2, 3] += 0.03
    cockpit.until(lambda _: np.abs(cockpit.hand() - goal[:3, 3]).max() < 1e-3, lambda: cockpit.rviz.drag(LEFT, goal))
    cockpit.rviz.drop(LEFT)
    begun = cockpit.watch.now
    cockpit.until(lambda _: cockpit.watch.now > begun + 2.0)
    assert cockpit.watch.status.authority == 'jog', 'the policy waits until it is asked'
    cockpit.rviz.choose(LEFT, 'hand the arms back')
    cockpit.until(moving, run.advance)
    run.cancel()
    wait(run.advance, lambda: cockpit.station.feedback)
    cockpit.ready()


def test_a_gamepad_moves_a_hand_while_its_button_is_held(cockpit):
    cockpit.calm()
    begin = cockpit.rviz.pose(LEFT)[:3, 3]
    released, held = cockpit.joy, lambda: cockpit.joy(4, axes=[(0, -1.0)])
    wait(cockpit._joy.get_subscription_count, 'jog')
    released()
    cockpit.until(lambda status: status.authority == 'jog' and status.state == SafetyStatus.RUNNING
                  and cockpit.hand()[0] > begin[0] + 0.05, held)
    cockpit.ready()  # the driver has fallen silent: the hand rests, and nobody holds the arms any more
    wait(cockpit.watch.at_rest, 'arms at rest')


def test_a_gripper_opens_by_the_menu(cockpit):
    cockpit.calm()
    cockpit.rviz.choose(LEFT, 'open the gripper')
    cockpit.has('jog')
    cockpit.ready()
    wait(lambda: cockpit.watch.states[Side.LEFT][-1].position[7] > 0.05, lambda: cockpit.watch.states[Side.LEFT][-1].position)
