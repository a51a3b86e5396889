import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, SIDES, Side
from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.disturbances import displaced_pose
from cosmos_policy_ros.sim.experts import make_expert
from cosmos_policy_ros.sim.experts.expert import MAX_ARM_STEP, MAX_GRIPPER_STEP, fold
from cosmos_policy_ros.sim.experts.motion import JointPath
from cosmos_policy_ros.sim.tasks import TASKS
from cosmos_policy_ros.sim.world import World


def drive(world, expert, seconds=24.0, until=lambda: False):
    """Let the expert act; the commands it gave, after the one that it found."""
    commands, end = [world.commanded()], world.time + seconds
    while world.time < end and not expert.done and not until():
        commands.append(expert.act())
        world.command(commands[-1])
        world.advance(CONTROL_PERIOD)
    return np.array(commands)


def settled_success(world, expert):
    for _ in range(10):
        world.command(expert.act())
        world.advance(CONTROL_PERIOD)
    return world.success()


def test_joint_path_meets_its_knots_at_rest_and_keeps_its_speed():
    knots = np.array([[0.0, 0.0], [0.2, -0.1], [0.5, 0.3]])
    path = JointPath(knots, np.array([1.0, 1.0]))
    times = np.linspace(0, path.duration, 400)
    positions, speeds = (np.array(values) for values in zip(*(path.at(time) for time in times)))
    assert np.allclose(positions[[0, -1]], knots[[0, 2]]) and np.allclose(speeds[[0, -1]], 0)
    assert min(np.abs(positions - knots[1]).sum(axis=1)) < 0.01
    assert np.abs(speeds).max() < 1.3
    assert np.allclose(np.gradient(positions, times, axis=0)[1:-1], speeds[1:-1], atol=0.02)


def test_fold_picks_the_equivalent_angle_next_to_the_centre():
    assert fold(3.0, np.pi) == pytest.approx(3.0 - np.pi) and fold(0.1, np.pi / 2, 3.0) == pytest.approx(0.1 + np.pi)


@pytest.mark.parametrize('task', TASKS)
def test_expert_succeeds_within_limits_of_step_and_joint(task):
    world = World(task)
    world.reset(1001)
    expert = make_expert(world)
    steps = np.abs(np.diff(drive(world, expert), axis=0))
    assert expert.done and settled_success(world, expert)
    assert np.delete(steps, [6, 13], axis=1).max() <= MAX_ARM_STEP + 1e-9
    assert steps[:, [6, 13]].max() <= MAX_GRIPPER_STEP + 1e-9


@pytest.mark.parametrize('task', TASKS)
def test_expert_takes_over_with_displaced_arms(task):
    world = World(task)
    world.reset(5, pose=displaced_pose(np.random.default_rng(5), world))
    expert = make_expert(world)
    drive(world, expert)
    assert settled_success(world, expert)


@pytest.mark.parametrize('task, body, side', [('plate', 'duck', Side.RIGHT), ('transfer', 'cube', Side.LEFT),
                                              ('insertion', 'peg', Side.RIGHT)])
def test_expert_takes_over_with_the_object_already_in_the_hand(task, body, side):
    world = World(task)
    world.reset(3)
    drive(world, make_expert(world), until=lambda: world.holds(body, side) and world.pose(body)[2, 3] > 0.06)
    assert world.holds(body, side) and not world.success()
    expert = make_expert(world)
    drive(world, expert)
    assert settled_success(world, expert)


def test_expert_recovers_when_the_object_is_taken_out_of_its_hand():
    world = World('plate')
    world.reset(4)
    expert = make_expert(world)
    drive(world, expert, until=lambda: world.holds('duck', Side.RIGHT) and world.pose('duck')[2, 3] > 0.06)
    world.place('duck', (0.18, -0.08, 0.016), 0.3)
    drive(world, expert)
    assert any('slipped' in setback for setback in expert.setbacks)
    assert settled_success(world, expert)


def test_expert_waits_for_an_object_out_of_reach_instead_of_failing():
    world = World('plate')
    world.reset(0)
    world.place('duck', (-0.5, 0.3, 0.016))
    expert = make_expert(world)
    drive(world, expert, seconds=1.0)
    assert not expert.done and 'reach' in expert.setbacks[0]


def test_displaced_poses_are_legal_and_differ():
    world, rng = World('plate'), np.random.default_rng(0)
    poses = np.array([displaced_pose(rng, world) for _ in range(20)])
    arms = np.concatenate([poses[:, :6], poses[:, 7:13]])
    assert ((arms > ARM_LOWER) & (arms < ARM_UPPER)).all()
    assert np.abs(poses - START)[:, 0].max() > 0.2
