import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import SIDES, Side
from cosmos_policy_ros.embodiment.kinematics import LINKS, link_frames
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.tasks import TASKS
from cosmos_policy_ros.sim.world import SimulationDiverged, World


@pytest.fixture
def world():
    made = World('plate')
    made.reset(0)
    return made


@pytest.mark.parametrize('task', TASKS)
def test_doing_nothing_is_never_success(task):
    world = World(task)
    for seed in range(5):
        world.reset(seed)
        world.advance(1.0)
        assert not world.success() and world.progress()[0] < 0.4


def test_episode_starts_at_the_start_pose_and_at_time_zero(world):
    assert world.time == 0.0
    assert np.abs(world.state() - START).max() < 0.02


def test_links_are_where_the_forward_kinematics_says(world):
    for side in SIDES:
        frames = link_frames(world.joints(side), world.cell.base(side))
        for link, frame in zip(LINKS, frames):
            assert np.allclose(world.pose(f'{side.value}_{link}'), frame, atol=1e-9)


def test_same_seed_gives_the_same_bytes_also_after_another_task(world):
    def run():
        world.reset(7, 'plate')
        for row in range(20):
            world.command(START + 0.1 * np.sin(row / 5))
            world.advance(0.04)
        return world.data.qpos.tobytes()
    first = run()
    world.reset(1, 'transfer')
    assert run() == first and world.task.name == 'plate'


def test_step_is_followed_in_a_tenth_of_a_second_without_overshoot(world):
    goal = world.joints(Side.LEFT) + [0.1, 0, 0, 0, 0, 0]
    world.command_arm(Side.LEFT, goal)
    trace = []
    for _ in range(100):
        world.advance(0.01)
        trace.append(world.joints(Side.LEFT)[0])
    reached = (np.array(trace) - goal[0] + 0.1) / 0.1
    assert 0.08 < 0.01 * (1 + np.argmax(reached > 0.632)) < 0.2
    assert reached.max() < 1.02


def test_action_one_half_reads_back_as_the_linkage_has_it(world):
    command = START.copy()
    command[[6, 13]] = 0.5
    world.command(command)
    world.advance(1.5)
    assert np.allclose(world.state()[[6, 13]], 0.526, atol=0.01)


def test_commanded_returns_the_command_within_a_servo_tick(world):
    command = START + 0.05
    world.command(command)
    assert np.abs(world.commanded() - command).max() < 0.0016


def test_goal_beyond_a_joint_limit_leaves_that_joint_alone(world):
    before = world.arm_goal(Side.RIGHT)
    world.command_arm(Side.RIGHT, before + [0.1, 3.0, 0, 0, 0, 0])
    after = world.arm_goal(Side.RIGHT)
    assert after[1] == before[1] and after[0] == pytest.approx(before[0] + 0.1, abs=1e-3)


@pytest.mark.parametrize('bad', [np.full(14, np.nan), np.zeros(13)])
def test_bad_command_is_refused(world, bad):
    with pytest.raises(ValueError, match='entries|finite'):
        world.command(bad)


def test_divergence_is_named(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log file
    world.data.qvel[0] = np.nan
    with pytest.raises(SimulationDiverged, match='plate'):
        world.advance(0.04)


def test_closed_grippers_hold_nothing_and_touch_nothing(world):
    assert not any(world.touch('duck', side).any() for side in SIDES)
    assert world.in_contact('plate', 'world') and not world.in_contact('duck', 'plate')
    assert 0.015 < world.finger(Side.LEFT) < 0.025


def test_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match='plate, transfer, candy, insertion'):
        World('juggling')
