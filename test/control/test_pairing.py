"""Observations are paired by stamp, and refused by name when a stream is missing, old or skewed."""
import numpy as np
import pytest

from cosmos_policy_ros.control.pairing import NoObservation, Pairing
from cosmos_policy_ros.embodiment.joints import Side

CAMERAS = ('high', 'wrist')


def image(value):
    return np.full((2, 2, 3), value, np.uint8)


def filled(camera_stamps, joint_stamps=(0.99, 1.00, 1.01)):
    pairing = Pairing(CAMERAS)
    for name, stamps in camera_stamps.items():
        for stamp in stamps:
            pairing.add_image(name, stamp, image(int(stamp * 100)))
    for side in Side:
        for stamp in joint_stamps:
            pairing.add_joints(side, stamp, np.full(7, stamp))
    return pairing


def test_takes_the_newest_common_moment():
    """One camera is a frame ahead: its older frame belongs to the slower camera's newest."""
    observation = filled({'high': (0.96, 1.00), 'wrist': (0.92, 0.96, 1.00, 1.04)}).observe(1.05)
    assert observation.stamp == 1.00
    assert observation.images['wrist'][0, 0, 0] == 100
    assert observation.positions == pytest.approx(np.full(14, 1.00))
    assert observation.skew == 0.0


@pytest.mark.parametrize('cameras, joints, now, words', [
    ({'high': (1.0,)}, (1.0,), 1.05, 'nothing received from wrist'),
    ({'high': (1.0,), 'wrist': (1.0,)}, (), 1.05, 'nothing received from left arm, right arm'),
    ({'high': (1.0,), 'wrist': (0.8,)}, (1.0,), 1.05, 'wrist: newest image is 0.250 s old'),
    ({'high': (1.06,), 'wrist': (1.0,)}, (1.0,), 1.08, 'images are 0.060 s apart'),
    ({'high': (1.0,), 'wrist': (1.0,)}, (0.9,), 1.05, 'left arm: nearest joint state is 0.100 s from the images'),
])
def test_refuses_by_name(cameras, joints, now, words):
    with pytest.raises(NoObservation, match=words.replace('.', r'\.')):
        filled(cameras, joints).observe(now)


def test_a_stamp_that_goes_back_is_not_taken():
    pairing = filled({'high': (1.00,), 'wrist': (1.00,)})
    pairing.add_image('high', 0.98, image(7))
    assert pairing.observe(1.02).images['high'][0, 0, 0] == 100
