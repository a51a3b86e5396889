"""Rows to learn from, paired by the stamps in the messages."""
import numpy as np
import pytest
from synthetic_episode import MS, ROBOT, START, record, record_episode, setpoint, start

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.learning.collection import Imaging
from cosmos_policy_ros.learning.recorded import demonstration_of
from cosmos_policy_ros.policy.resizing import published_resize
from cosmos_policy_ros.rollouts.rows import read_episode_rows
from cosmos_policy_ros.rollouts.topics import SETPOINT

GRIPPER = GRIPPER_MAPS['ros1']


def test_state_and_images_are_those_from_before_each_row(tmp_path):
    rows = read_episode_rows(record_episode(tmp_path), GRIPPER, 16, 10)
    angle = np.sin(np.arange(0, 200, 4) * 0.02)
    assert rows.action == pytest.approx(np.repeat(angle[:, None], 14, axis=1), abs=1e-6)
    assert rows.state[:, 0] == pytest.approx(0.9 * angle, abs=1e-6)
    assert rows.state[:, 7] == pytest.approx(0.1 + 0.9 * angle, abs=1e-6)
    assert rows.state[:, 6] == pytest.approx(GRIPPER.observation_from_finger(0.05), abs=1e-6)
    assert rows.image_rows.tolist() == [0, 10, 20, 30, 40, 49]
    assert rows.images.shape == (6, len(ROBOT.cameras), 16, 16, 3)
    shades = rows.images[..., 2].mean(axis=(0, 2, 3))
    assert shades == pytest.approx([0, 60, 120], abs=4), 'cameras in their order'
    assert (rows.state_age, rows.image_age) == pytest.approx((0, 0), abs=1e-6)


def test_pictures_to_learn_from_are_resized_as_the_published_policy_does_when_asked(tmp_path):
    folder = record_episode(tmp_path)
    published = read_episode_rows(folder, GRIPPER, 16, 10, published_resize).images
    ours, averaged = (demonstration_of(folder, GRIPPER, Imaging(16, every=10, published=choice)).images
                      for choice in (True, False))
    assert np.array_equal(ours, published) and not np.array_equal(averaged, published)


def test_a_row_without_a_fresh_state_or_picture_is_refused_by_name(tmp_path):
    recording = start(tmp_path)
    recording.put(SETPOINT, START, setpoint(START, 0, np.zeros(14)))
    folder = recording.finish(recording.record, START + 100 * MS)
    with pytest.raises(ValueError, match='row 0: .*joint_states is inf s old'):
        read_episode_rows(folder, GRIPPER, 16, 10)


def test_an_episode_in_which_nothing_had_the_arms_is_refused(tmp_path):
    recording = start(tmp_path)
    folder = recording.finish(record(), START + 100 * MS)
    with pytest.raises(ValueError, match='no rows'):
        read_episode_rows(folder, GRIPPER, 16, 10)
