"""An observation that the policy must not act on is refused, and the message says which part is wrong."""
import numpy as np
import pytest

from cosmos_policy_ros.policy.errors import ObservationError
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.observation import Observation


def parts():
    images = {name: np.zeros((48, 64, 3), np.uint8) for name in CAMERAS}
    return {'stamp': 1.0, 'images': images, 'proprio': np.zeros(14)}


def test_a_good_observation_keeps_its_own_copy_of_the_joints():
    given = parts() | {'proprio': np.zeros(14, np.float32)}
    observation = Observation(**given)
    given['proprio'][0] = 1
    assert observation.proprio.dtype == np.float64 and not observation.proprio.any()
    with pytest.raises(ValueError):
        observation.proprio[0] = 1


@pytest.mark.parametrize('change, message', [
    (lambda p: p.update(stamp=float('nan')), 'stamp'),
    (lambda p: p.update(images=np.zeros((3, 4, 4, 3), np.uint8)), r'camera name -> picture, got \(3, 4, 4, 3\)'),
    (lambda p: p['images'].update(cam_high=np.zeros((4, 4, 3))), r'images\[cam_high\].*float64'),
    (lambda p: p['images'].update(cam_high=np.zeros((4, 4), np.uint8)), r'\(4, 4\)'),
    (lambda p: p['images'].update(cam_high=np.zeros((0, 4, 3), np.uint8)), r'\(0, 4, 3\)'),
    (lambda p: p['images'].update(cam_high=None), 'NoneType'),
    (lambda p: p.update(proprio=np.zeros((14, 1))), r'\(14, 1\)'),
    (lambda p: p.update(proprio=np.full(9, np.nan)), 'not finite: 0, 1'),
    (lambda p: p.update(proprio=np.zeros(14, int)), 'int64'),
    (lambda p: p['proprio'].__setitem__(8, np.inf), 'right_shoulder')])
def test_a_bad_part_is_named(change, message):
    given = parts()
    change(given)
    with pytest.raises(ObservationError, match=message):
        Observation(**given)


@pytest.mark.parametrize('change, message', [
    (lambda p: p['images'].pop('cam_high'), 'images: expected exactly .*connect these cameras'),
    (lambda p: p['images'].update(cam_low=np.zeros((4, 4, 3), np.uint8)), 'cam_low'),
    (lambda p: p.update(proprio=np.zeros(13)), r'expected \(14,\) floats, got \(13,\); use a checkpoint')])
def test_an_observation_of_another_robot_is_refused(change, message):
    given = parts()
    change(given)
    with pytest.raises(ObservationError, match=message):
        Observation(**given).require(CAMERAS, 14)
