"""Runs of pictures: still, dark, rate, and which arm a wrist camera sits on."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.camera_checks import (
    STRAIGHT, SWAPPED, UNDECIDED, Glance, brightness, mean_motion, median_rate, still_time, thumbnail, wrist_cameras)

SEED = 3
PERIOD = 1 / 25


def glance(i, picture, digest=None):
    return Glance(i * PERIOD, i if digest is None else digest, picture)


def test_a_thumbnail_keeps_where_it_is_bright():
    image = np.zeros((480, 640, 3), np.uint8)
    image[:240] = 200
    small = thumbnail(image)
    assert small.shape == (12, 16) and small[:6].min() == 200 and small[6:].max() == 0
    assert brightness(Glance(0.0, 0, small)) == 100


@pytest.mark.parametrize('shape', [(48, 64, 3), (1080, 1920, 3), (61, 83, 3)])
def test_a_thumbnail_of_any_size_is_finite(shape):
    assert np.isfinite(thumbnail(np.full(shape, 9, np.uint8))).all()


def test_still_time_is_the_longest_run_without_a_changed_pixel():
    digests = [1, 2, 2, 2, 3, 4, 4, 5]
    glances = [glance(i, np.zeros((12, 16)), digest) for i, digest in enumerate(digests)]
    assert still_time(glances) == pytest.approx(2 * PERIOD)
    assert still_time(glances[:2]) == 0.0


def test_the_rate_does_not_suffer_from_lost_messages_but_shows_a_slow_stream():
    stamps = np.delete(np.arange(100) * 0.01, [10, 11, 12, 40, 70])
    assert median_rate(stamps) == pytest.approx(100)
    assert median_rate(np.arange(50) / 60) == pytest.approx(60)
    assert median_rate([1.0]) == median_rate([]) == median_rate([2.0, 2.0]) == 0.0


class Scene:
    """Two arms that move in turn, in front of a structured background; each wrist camera sees it shift with its arm."""

    def __init__(self, plan, noise=1.0, bleed=0.1):
        """``plan``: for each of the frames (left speed, right speed) in rad/s."""
        self._random = np.random.default_rng(SEED)
        self._ground = self._random.uniform(0, 255, (400, 400))
        steps = np.repeat(np.array(plan, dtype=float), 4, axis=0) * 0.01
        self.angles = np.vstack([[0.0, 0.0], np.cumsum(steps, axis=0)])
        self.stamps = np.arange(len(self.angles)) * 0.01
        self._noise, self._bleed = noise, bleed

    def arm(self, side):
        return self.stamps, np.repeat(self.angles[:, side:side + 1], 6, axis=1)

    def camera(self, side):
        glances = []
        for i in range(0, len(self.stamps), 4):
            shift = self.angles[i, side] + self._bleed * self.angles[i, 1 - side]
            place = int(round(100 + 100 * shift))
            picture = self._ground[place:place + 48, 100:164].reshape(12, 4, 16, 4).mean(axis=(1, 3))
            glances.append(Glance(self.stamps[i], i, picture + self._random.normal(0, self._noise, picture.shape)))
        return glances


IN_TURN = [(0.5, 0)] * 12 + [(0, 0)] * 4 + [(0, 0.5)] * 12
LEFT_ONLY = [(0, 0)] * 5 + [(0.5, 0)] * 12


@pytest.mark.parametrize('plan', [IN_TURN, LEFT_ONLY])
def test_swapped_wrist_cameras_are_told_from_straight_ones(plan):
    scene = Scene(plan)
    left, right, arms = scene.camera(0), scene.camera(1), (scene.arm(0), scene.arm(1))
    assert wrist_cameras(left, right, arms) == STRAIGHT
    assert wrist_cameras(right, left, arms) == SWAPPED


@pytest.mark.parametrize('plan, why', [([(0, 0)] * 30, 'nothing moves'), ([(0.5, 0.5)] * 30, 'both move'),
                                       ([(0.5, 0)] * 3 + [(0, 0)] * 20, 'too short')])
def test_without_one_arm_moving_alone_nothing_is_claimed(plan, why):
    scene = Scene(plan)
    assert wrist_cameras(scene.camera(0), scene.camera(1), (scene.arm(0), scene.arm(1))) == UNDECIDED, why


def test_two_covered_cameras_leave_it_undecided():
    scene = Scene(IN_TURN)
    dark = [Glance(glance.stamp, 0, np.zeros((12, 16))) for glance in scene.camera(0)]
    assert wrist_cameras(dark, dark, (scene.arm(0), scene.arm(1))) == UNDECIDED
    assert wrist_cameras([], dark, (scene.arm(0), scene.arm(1))) == UNDECIDED


def test_motion_between_pictures_is_nan_where_no_joint_states_came():
    speeds = mean_motion([0.0, 0.01, 0.02], np.array([[0.0] * 6, [0.01] * 6, [0.02] * 6]), [0.0, 1.0], [0.02, 1.04])
    assert speeds[0] == pytest.approx(1.0) and np.isnan(speeds[1])
