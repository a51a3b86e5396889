"""What happens to a scene happens as drawn: the same for a seed, only where it can, and nothing of it stays behind."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.incidents import (COVER_GREY, MOVED, PUSH_TIME, TABLE_LOWER, TABLE_UPPER, Incident, Kind)
from cosmos_policy_ros.sim.world import World


@pytest.fixture(scope='module')
def cell():
    return World('plate')


@pytest.fixture
def world(cell):
    cell.reset(3)
    return cell


def happen(world, kind, seed, seconds):
    """A incident after so long."""
    incident = Incident(kind, seed, CAMERAS)
    while world.time < seconds - 1e-9:
        incident.act(world)
        world.command(START)
        world.advance(0.01)
    return incident


@pytest.mark.parametrize('seed', range(4))
def test_an_object_is_moved_on_the_table_by_a_hand_s_breadth(world, seed):
    before, plate = world.pose('duck')[:3, 3].copy(), world.pose('plate')[:3, 3].copy()
    incident = happen(world, Kind.OBJECT, seed, 0.5)
    after = world.pose('duck')[:3, 3]
    assert incident.happened is not None
    assert MOVED[0] - 0.01 < np.linalg.norm(after[:2] - before[:2]) < MOVED[1] + 0.01
    assert (after[:2] > np.array(TABLE_LOWER) - 0.01).all() and (after[:2] < np.array(TABLE_UPPER) + 0.01).all()
    assert np.abs(world.pose('plate')[:3, 3] - plate).max() < 2e-3


def test_what_is_held_or_in_the_air_is_not_moved(world):
    world.place('duck', (0.1, 0.0, 0.3))
    incident = Incident(Kind.OBJECT, 1, CAMERAS)
    incident.act(world)
    assert incident.happened is None


def test_a_covered_camera_is_dark_and_the_others_see(world):
    incident = happen(world, Kind.CAMERA, 1, 0.1)
    picture = np.full((4, 6, 3), 200, np.uint8)
    shown = {camera: incident.picture(camera, picture) for camera in CAMERAS}
    assert sum((image == COVER_GREY).all() for image in shown.values()) == 1
    assert (shown[incident.covered] == COVER_GREY).all() and shown[incident.covered].shape == picture.shape


def test_an_arm_is_pushed_for_a_while_and_comes_back(world):
    start = world.state()
    incident = Incident(Kind.ARM, 1, CAMERAS)
    off = []
    while world.time < 2.0:
        incident.act(world)
        world.command(START)
        world.advance(0.01)
        off.append(np.abs(world.state() - start).max())
    pushed = off[round(PUSH_TIME / 0.01) - 1]
    assert 0.03 < pushed and max(off) == pytest.approx(pushed, abs=0.02) and off[-1] < 0.02
    assert not any(world.data.body(f'{side.value}_gripper').xfrc_applied.any() for side in SIDES)


@pytest.mark.parametrize('kind', Kind, ids=lambda kind: kind.value)
def test_a_seed_says_what_happens(world, kind):
    def final(seed):
        world.reset(3)
        happen(world, kind, seed, 0.3)
        return world.data.qpos.copy()
    assert (final(1) == final(1)).all()
    if kind is not Kind.CAMERA:
        assert (final(1) != final(2)).any()
