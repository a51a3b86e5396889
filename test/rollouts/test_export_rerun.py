"""Rerun recordings, read back with Rerun's own reader."""
import pytest
from synthetic_episode import ROBOT, record_episode

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.rollouts.export.rerun import RerunExport
from cosmos_policy_ros.rollouts.export.selection import select

pytest.importorskip('rerun', reason='the extra "rerun" is not installed')


@pytest.fixture
def episode(tmp_path):
    return select([record_episode(tmp_path / 'rollouts', 0.6)]).episodes[0]


def test_every_stream_is_in_the_recording(episode, tmp_path):
    import rerun
    exporter = RerunExport(tmp_path, GRIPPER_MAPS['ros1'])
    assert exporter.add(episode) == 15
    exporter.finish()
