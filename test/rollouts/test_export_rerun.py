"""Rerun recordings, read back with Rerun's own tools."""
import subprocess
import sys

import pytest
from synthetic_episode import ROBOT, record_episode

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.rollouts.export.rerun import RerunExport
from cosmos_policy_ros.rollouts.export.selection import select


def rrd(*arguments):
    """Output of Rerun's own command for recordings."""
    done = subprocess.run([sys.executable, '-m', 'rerun', 'rrd', *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_stream_is_in_the_recording_and_an_id_only_once(tmp_path):
    episode = select([record_episode(tmp_path / 'rollouts', 0.6)]).episodes[0]
    exporter = RerunExport(tmp_path, GRIPPER_MAPS['ros1'])
    assert exporter.add(episode) == 15
    path = tmp_path / 'episode_1.rrd'
    written = path.stat().st_size
    rrd('verify', path)
    content = rrd('print', path)
    paths = [f'/cameras/{camera}' for camera in ROBOT.cameras]
    paths += [f'/joints/{side}/{kind}' for side in ('left', 'right') for kind in ('measured', 'sent', 'gripper_sent')]
    paths += ['/policy/rows', '/policy/value', '/safety/state', '/episode']
    assert [path for path in paths if path not in content] == []
    with pytest.raises(ValueError, match='episode_1 is in this export already'):
        exporter.add(episode)
    assert path.stat().st_size == written
