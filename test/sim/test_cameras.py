import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.sim.cameras import CameraRig, Shutter, shrink
from cosmos_policy_ros.sim.world import World


@pytest.fixture
def rig():
    world = World('plate')
    world.reset(0)
    made = CameraRig(world)
    yield made
    made.close()


def test_images_show_the_captured_moment_until_the_next_capture(rig):
    assert rig.capture() == 0.0
    before = rig.render('cam_high')
    assert before.shape == (480, 640, 3) and before.dtype == np.uint8 and before.std() > 20
    rig.world.command(rig.world.commanded() + 0.3)
    rig.world.advance(0.5)
    assert np.array_equal(rig.render('cam_high'), before)
    assert rig.capture() == pytest.approx(0.5)
    assert not np.array_equal(rig.render('cam_high'), before)


@pytest.mark.parametrize('name', CAMERAS)
def test_small_square_image_is_the_whole_view_squashed(rig, name):
    rig.capture()
    large = rig.render(name).reshape(32, 15, 32, 20, 3).mean(axis=(1, 3))
    small = rig.render_small(name, 32, supersample=4)
    assert small.shape == (32, 32, 3)
    assert np.abs(small - large).mean() < 2.0


def test_rig_follows_the_world_to_another_task(rig):
    rig.capture()
    duck = rig.render_small('cam_high', 32)
    rig.world.reset(0, 'transfer')
    rig.capture()
    assert not np.array_equal(rig.render_small('cam_high', 32), duck)


def test_rendering_before_capturing_says_so(rig):
    with pytest.raises(RuntimeError, match='capture'):
        rig.render('cam_high')


def test_shrink_averages_and_rounds():
    image = np.zeros((2, 4, 3), dtype=np.uint8)
    image[0, 0], image[1, 1], image[:, 2:] = 255, 255, 7
    assert shrink(image, 2).tolist() == [[[128] * 3, [7] * 3]]


@pytest.mark.parametrize('asked, given, gaps', [(25.0, 25.0, {4}), (30.0, 30.0, {3, 4}), (60.0, 100 / 3, {3})])
def test_frames_begin_at_the_rate_asked_for_or_as_fast_as_all_cameras_can_be_rendered(asked, given, gaps):
    shutter = Shutter(asked, 0.01, 3)
    begun = [step for step in range(1000) if shutter.opens(step)]
    assert begun[0] == 0 and set(np.diff(begun)) == gaps
    assert shutter.rate == pytest.approx(given) and len(begun) == pytest.approx(10 * given, abs=1)


@pytest.mark.parametrize('share, lost', [(0.0, 0), (0.25, 25), (0.5, 50), (1.0, 100)])
def test_lost_frames_are_evenly_spread(share, lost):
    shutter = Shutter(25.0, 0.01, 3)
    losses = [shutter.loses(share) for step in range(400) if shutter.opens(step)]
    assert sum(losses) == lost and sum(losses[:40]) == lost * 0.4
