"""Conditions change what they say and nothing else, and leave no trace in the next episode."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.disturbances import CONDITIONS, Conditions, begin
from cosmos_policy_ros.sim.world import World


@pytest.fixture(scope='module')
def world():
    return World('transfer')


def test_the_objects_lie_as_in_the_undisturbed_episode(world):
    world.reset(7)
    cube = world.pose('cube')
    for conditions in CONDITIONS.values():
        begin(world, 7, 'transfer', conditions)
        assert np.abs(world.pose('cube') - cube).max() < 1e-6


def test_standard_is_the_task_itself(world):
    noise = begin(world, 7, 'transfer', CONDITIONS['standard'])
    state = world.state()
    world.reset(7)
    assert np.array_equal(state, world.state()) and not any(noise.next().any() for _ in range(3))


def test_a_seed_draws_the_same_disturbances_again(world):
    def drawn(seed):
        noise = begin(world, seed, 'transfer', CONDITIONS['hard'])
        return np.concatenate([world.state(), noise.next()])

    assert np.array_equal(drawn(3), drawn(3)) and not np.allclose(drawn(3), drawn(4))
    assert np.abs(drawn(3)[:14] - START).max() > 0.1


def test_cameras_move_for_one_episode(world):
    world.reset(7)
    place, turn = world.model.cam_pos.copy(), world.model.cam_quat.copy()
    begin(world, 7, 'transfer', Conditions(camera_shift=0.01, camera_turn=0.02))
    shift = world.model.cam_pos - place
    assert 0.003 < shift.std() < 0.02 and not np.allclose(world.model.cam_quat, turn)
    assert np.allclose(np.linalg.norm(world.model.cam_quat, axis=1), 1)
    world.reset(7)
    assert np.array_equal(world.model.cam_pos, place) and np.array_equal(world.model.cam_quat, turn)


def test_a_restored_world_goes_on_as_before(world):
    def play():
        for row in range(10):
            world.command(START + 0.02 * row)
            world.advance(CONTROL_PERIOD)
        return np.concatenate([world.state(), world.pose('cube').ravel()])

    begin(world, 11, 'transfer', CONDITIONS['displaced'])
    world.advance(0.2)
    start = world.snapshot()
    first = play()
    world.restore(start)
    assert np.array_equal(play(), first)
