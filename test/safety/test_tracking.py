"""Whether the arms follow, judged in the simulator: good motion raises nothing, and each fault its own cause."""
from dataclasses import replace

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES, Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.tracking import Following, Window
from cosmos_policy_ros.sim.arm_models import SHADOWS
from cosmos_policy_ros.sim.driver import ArmDriver
from cosmos_policy_ros.sim.experts import make_expert
from cosmos_policy_ros.sim.world import World
from safety_rig import CONFIG_FILE, ROW, TICK

CONFIG = load_config(CONFIG_FILE)
GRIPPER = GRIPPER_MAPS[CONFIG.gripper_map]


class Cell:
    """Both arms behind their drivers, watched by ``Following``. ``found`` keeps {(cause, source): s of its first time}."""

    def __init__(self, task='plate', seed=0):
        self.world = World(task)
        self.world.reset(seed)
        self.drivers = {side: ArmDriver(self.world, side) for side in SIDES}
        self.following = Following(CONFIG)
        self.following.reset(self.read()[0])
        self.command, self.time, self.found = START, 0.0, {}

    def read(self):
        """(14,) positions with the grippers as commands, and (14,) mA."""
        measured, efforts = np.empty(14), np.empty(14)
        for i, side in enumerate(SIDES):
            _, position, _, effort = self.drivers[side].states()
            measured[ARM_SLICE[side]], efforts[7 * i:7 * i + 7] = position[:6], effort[:7]
            measured[GRIPPER_INDEX[side]] = GRIPPER.action_from_joint(GRIPPER.joint_from_finger(position[7]))
        return measured, efforts

    def row(self, command, sent=None):
        """Command a row and watch for its 40 ms; ``sent``: what reaches the motors instead."""
        self.command = command
        self.world.command(command if sent is None else sent)
        for _ in range(4):
            self.world.advance(TICK)
            self.time += TICK
            measured, efforts = self.read()
            for cause, holds, source, _ in self.following.findings(command, measured, efforts, TICK, self.time):
                if holds:
                    self.found.setdefault((cause, source), self.time)
        return measured


def swing(k, joint=0, speed=0.8):
    """Row k of a motion of one joint of the left arm, there and back."""
    row = START.copy()
    row[joint] += speed * ROW * min(k, 30) - speed * ROW * max(0, k - 30)
    return row


@pytest.mark.parametrize('task', ['transfer', 'insertion'])
def test_an_expert_raises_nothing(task):
    """Grasping, squeezing, handing over and peg against hole included."""
    cell = Cell(task)
    expert = make_expert(cell.world)
    while not expert.done and cell.time < 20:
        cell.row(expert.act())
    assert expert.done and cell.found == {}


def test_full_speed_reversals_raise_nothing():
    """The lag behind the command reaches 0.3 rad and more."""
    cell, position, velocity, goal, lag = Cell(), 0.0, 0.0, 1, 0.0
    for _ in range(80):
        goal = -1 if position > 0.5 else 1 if position < -0.5 else goal
        velocity += np.clip(3 * goal - velocity, -40 * ROW, 40 * ROW)
        position += velocity * ROW
        row = START.copy()
        row[[0, 7]] += position
        lag = max(lag, abs(cell.row(row) - row)[0])
    assert cell.found == {} and lag > 0.3


@pytest.mark.parametrize('joint', ['waist', 'shoulder', 'elbow', 'wrist_angle'])
def test_a_motor_that_switched_itself_off_is_found(joint):
    """An overload latch: the states say nothing of it; the joint hangs or stays, and draws no current."""
    cell = Cell()
    index = ['waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle'].index(joint)
    for k in range(10):
        cell.row(swing(k, index, 0.3))
    assert cell.found == {}
    for motor in (joint, *(shadow for shadow, (driven, _) in SHADOWS.items() if driven == joint)):
        cell.drivers[Side.LEFT].latch_error(motor)
    since = cell.time
    for k in range(10, 60):
        cell.row(swing(k, index, 0.3))
    assert cell.found['motor_off', 'left'] < since + 1.5
    assert {source for _, source in cell.found} == {'left'}


def test_a_gripper_that_switched_itself_off_is_found():
    cell = Cell()
    cell.drivers[Side.RIGHT].latch_error('gripper')
    row = START.copy()
    for k in range(60):
        row = row.copy()
        row[13] = min(0.9, row[13] + 0.05)
        cell.row(row)
    assert set(cell.found) == {('gripper_dead', 'right')}
    assert cell.found['gripper_dead', 'right'] < 1.2


def test_a_goal_that_the_servo_drops_is_found():
    """The command moves on beyond the servo's limit, the joint stays, without load."""
    cell = Cell()
    for k in range(60):
        beyond = swing(k, 2, 0.6)
        beyond[2] = START[2] + 0.6 * ROW * k
        cell.row(beyond)
        if ('command_ignored', 'left') in cell.found:
            break
    assert set(cell.found) == {('command_ignored', 'left'), ('tracking_lag', 'left')}, 'and before the tracking error'


def test_swapped_arms_are_found_before_they_moved_far():
    cell, pose = Cell(), None
    for k in range(30):
        pose = cell.row(swing(k), np.roll(swing(k), 7))
        if ('arms_swapped', 'both') in cell.found:
            break
    assert {cause for cause, _ in cell.found} <= {'arms_swapped', 'tracking_lag', 'command_ignored'}
    assert ('arms_swapped', 'both') in cell.found and np.abs(pose - START)[[0, 7]].max() < 0.15


def test_a_window_keeps_the_newest():
    window = Window(3)
    path = [0.0, 5.0, 1.0, 2.0, -1.0]
    for k, value in enumerate(path):
        assert window.full() == (k >= 3)
        window.add(np.full(14, value), np.full(14, -2 * value))
    assert (window.ranges() == np.array([[3.0], [6.0]])).all()
    assert (window.displacements() == np.array([[-2.0], [4.0]])).all(), 'from the oldest kept to the newest'
    window.clear()
    assert not window.full()


def judged(found):
    return {(cause, source): detail for cause, holds, source, detail in found if holds}


@pytest.mark.parametrize('joint, name', [(0, 'left_waist'), (5, 'left_wrist_rotate'), (7, 'right_waist'), (12, 'right_wrist_rotate')])
def test_findings_name_the_joint_and_its_numbers(joint, name):
    """Each joint against its own current limit; details for the operator."""
    following, efforts = Following(CONFIG), np.full(14, 100.0)
    following.reset(START)
    off = START.copy()
    off[joint] += 0.15
    side = name.split('_')[0]
    efforts[joint] = -(CONFIG.current_warn[joint % 7] + 1)
    first = judged(following.findings(START, off, efforts, TICK, 0.0))
    assert first == {('tracking_lag', side): f'{name} 0.15 rad off the servo model'}
    later = judged(following.findings(START, off, efforts, TICK, CONFIG.current_time))
    assert later['motor_current', side] == f'{name} {-efforts[joint]:.0f} mA' and ('motor_overload', side) not in later
    efforts[joint] = 0.0
    following.findings(START, off, efforts, TICK, 2.0)
    off_now = judged(following.findings(START, off, efforts, TICK, 2.0 + CONFIG.tracking_time))
    assert off_now['motor_off', side] == f'{name}, {name} 0.15 rad off the servo model'


def test_bounds_themselves_raise_nothing():
    """Just as far off, as strained and as hard at work as the numbers permit."""
    exact = replace(CONFIG, tracking_warn=0.125, tracking_act=0.25, gripper_tolerance=0.25)
    for cause, joint, off, effort in (
            ('tracking_lag', 3, 0.125, 100.0), ('tracking_error', 3, 0.25, 100.0), ('gripper_dead', 6, -0.25, 100.0),
            ('motor_current', 1, 0.0, CONFIG.current_warn[1]), ('motor_overload', 1, 0.0, CONFIG.current_act[1]),
            ('gripper_strain', 6, 0.0, CONFIG.gripper_current), ('motor_off', 2, 0.2, CONFIG.idle_current)):
        for beyond in (0.0, -1e-3 if cause == 'motor_off' else 1e-3):
            following, measured, efforts = Following(exact), np.zeros(14), np.full(14, 100.0)
            following.reset(np.zeros(14))
            measured[joint] = off + (np.copysign(beyond, off) if effort == 100.0 else 0.0)
            efforts[joint] = effort + (beyond if effort != 100.0 else 0.0)
            following.findings(np.zeros(14), measured, efforts, TICK, 0.0)
            found = judged(following.findings(np.zeros(14), measured, efforts, TICK, 100.0))
            assert ((cause, 'left') in found) == (beyond != 0.0), (cause, beyond)


def test_a_reset_begins_afresh():
    """Nothing lasts from one source to the next, but for what is true again."""
    following, off = Following(CONFIG), START.copy()
    off[3] += 0.5
    following.reset(START)
    for k in range(40):
        following.findings(START, off, np.zeros(14), TICK, TICK * k)
    assert ('tracking_error', 'left') in judged(following.findings(START, off, np.zeros(14), TICK, 0.5))
    following.reset(START)
    assert set(judged(following.findings(START, off, np.zeros(14), TICK, 0.6))) == {('tracking_lag', 'left')}
    following.reset(off)
    assert judged(following.findings(off, off, np.zeros(14), TICK, 0.7)) == {}


def test_everything_that_is_found_is_watched():
    """What the supervisor takes back when nobody commands any more."""
    found = Following(CONFIG).findings(START, START, np.zeros(14), TICK, 0.0)
    following = Following(CONFIG)
    following.reset(START)
    assert sorted((cause, source) for cause, _, source, _ in found) == sorted(following.watched)


def test_a_window_is_judged_only_when_it_is_full():
    """After every arming a model that starts at the measurement needs its time."""
    cell = Cell()
    cell.following.reset(START)
    jump = START.copy()
    jump[0] += 0.1
    found = [cell.following.findings(jump, START, np.zeros(14), TICK, TICK * k) for k in range(40)]
    deaf = [k for k, findings in enumerate(found) if any(f[0] == 'command_ignored' and f[1] for f in findings)]
    assert deaf[0] == round(CONFIG.follow_window / TICK) - 1
