"""A LeRobot v3.0 data set, read back file by file. That LeRobot itself loads it is shown in docs/exports.md."""
import json

import av
import numpy as np
import pyarrow.parquet as parquet
import pytest
from synthetic_episode import ROBOT, START, cdr, header, image, record_episode, setpoint, start

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS, JOINT_NAMES
from cosmos_policy_ros.rollouts.export.lerobot import LeRobotExport, aggregate, statistics
from cosmos_policy_ros.rollouts.export.selection import select
from cosmos_policy_ros.rollouts.images import decompress
from cosmos_policy_ros.rollouts.labels import FailureType, Label, Verdict, add_label
from cosmos_policy_ros.rollouts.table import read_table
from cosmos_policy_ros.rollouts.topics import SETPOINT

GRIPPER = GRIPPER_MAPS['ros1']
KEYS = [f'observation.images.{camera}' for camera in ROBOT.cameras]


@pytest.fixture(scope='module')
def rollouts(tmp_path_factory):
    output = tmp_path_factory.mktemp('rollouts')
    record_episode(output, 1.0, 'a_success', extra={'mode': 'direct'})
    add_label(record_episode(output, 0.6, 'b_partial', instruction='sweep'),
              Label(Verdict.PARTIAL, '2026-01-01', 0.25, FailureType.MISSED_GRASP))
    return output


@pytest.fixture(scope='module')
def exported(rollouts, tmp_path_factory):
    out = tmp_path_factory.mktemp('lerobot')
    exporter = LeRobotExport(out, GRIPPER)
    assert [exporter.add(episode) for episode in select([rollouts]).episodes] == [25, 15]
    exporter.finish()
    return out


def rows(exported, number):
    return parquet.read_table(exported / f'data/chunk-000/file-{number:03d}.parquet')


def test_rows_equal_the_bag(exported, rollouts):
    for number, name in enumerate(('a_success', 'b_partial')):
        table, found = read_table(rollouts / name, GRIPPER), rows(exported, number)
        for key, values in (('action', table.action), ('observation.state', table.state),
                            ('observation.velocity', table.velocity), ('observation.effort', table.effort)):
            column = np.array(found[key].to_pylist(), np.float32)
            assert (column == values.astype(np.float32)).all(), key
            assert str(found.schema.field(key).type) == 'fixed_size_list<element: float>[14]', key


def test_indices_times_and_rewards(exported):
    first, second = rows(exported, 0), rows(exported, 1)
    assert second['index'].to_pylist() == list(range(25, 40)) and second['frame_index'].to_pylist() == list(range(15))
    assert second['episode_index'].to_pylist() == [1] * 15 and second['task_index'].to_pylist() == [1] * 15
    assert second['timestamp'].to_pylist() == pytest.approx([i / 25 for i in range(15)])
    assert first['next.reward'].to_pylist() == [0.0] * 24 + [1.0]
    assert second['next.reward'].to_pylist() == [0.0] * 14 + [0.25]
    assert first['next.success'].to_pylist()[-2:] == [False, True] and not any(second['next.success'].to_pylist())
    assert second['next.done'].to_pylist() == [False] * 14 + [True]


def test_the_description_fits_the_columns(exported):
    info = json.loads((exported / 'meta/info.json').read_text())
    assert (info['codebase_version'], info['fps'], info['total_episodes'], info['total_frames']) == ('v3.0', 25, 2, 40)
    assert (info['splits'], info['total_tasks']) == ({'train': '0:2'}, 2)
    columns = {name for name, feature in info['features'].items() if feature['dtype'] != 'video'}
    assert columns == set(rows(exported, 0).column_names)
    assert info['features']['action'] == {'dtype': 'float32', 'shape': [14], 'names': list(JOINT_NAMES)}
    assert [key for key, feature in info['features'].items() if feature['dtype'] == 'video'] == KEYS
    assert info['features'][KEYS[0]]['shape'] == [48, 64, 3]


def test_episodes_and_tasks(exported):
    episodes = parquet.read_table(exported / 'meta/episodes/chunk-000/file-000.parquet').to_pylist()
    found = [(e['episode_index'], e['length'], e['dataset_from_index'], e['dataset_to_index'], e['tasks'])
             for e in episodes]
    assert found == [
        (0, 25, 0, 25, ['put the duck on the plate']), (1, 15, 25, 40, ['sweep'])]
    assert [(e['source_episode'], e['verdict'], e['score'], e['failure_type']) for e in episodes] == [
        ('a_success', 'success', 1.0, ''), ('b_partial', 'partial', 0.25, 'missed_grasp')]
    assert episodes[1][f'videos/{KEYS[0]}/file_index'] == 1 and episodes[1][f'videos/{KEYS[0]}/to_timestamp'] == 0.6
    assert len(episodes[0]['stats/action/mean']) == 14 and np.shape(episodes[0][f'stats/{KEYS[0]}/mean']) == (3, 1, 1)
    tasks = parquet.read_table(exported / 'meta/tasks.parquet')
    assert tasks.to_pylist() == [{'task_index': 0, '__index_level_0__': 'put the duck on the plate'},
                                 {'task_index': 1, '__index_level_0__': 'sweep'}]
    assert json.loads(tasks.schema.metadata[b'pandas'])['index_columns'] == ['__index_level_0__']


def test_videos_have_a_frame_a_row_at_its_time(exported, rollouts):
    table = read_table(rollouts / 'a_success', GRIPPER)
    for column, key in enumerate(KEYS):
        with av.open(str(exported / f'videos/{key}/chunk-000/file-000.mp4')) as video:
            frames = list(video.decode(video=0))
        assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(25)], abs=1e-6)
        seen = decompress(table.pictures[12][column])
        assert np.abs(frames[12].to_ndarray(format='rgb24').astype(int) - seen).mean() < 3


def test_statistics_are_those_of_all_rows(exported):
    stats = json.loads((exported / 'meta/stats.json').read_text())
    everything = np.concatenate([np.array(rows(exported, i)['observation.state'].to_pylist()) for i in (0, 1)])
    for name, expected in (('min', everything.min(0)), ('max', everything.max(0)), ('mean', everything.mean(0)),
                           ('std', everything.std(0))):
        assert stats['observation.state'][name] == pytest.approx(expected, abs=1e-6), name
    assert stats['observation.state']['count'] == [40]
    assert np.shape(stats[KEYS[1]]['std']) == (3, 1, 1) and stats[KEYS[1]]['count'] == [40]
    assert stats[KEYS[1]]['mean'][2][0][0] == pytest.approx(60 / 255, abs=0.02), 'the blue of this camera'


def test_parts_aggregate_to_the_whole():
    values = np.random.default_rng(0).normal(size=(60, 3))
    whole, parts = statistics(values), aggregate([statistics(values[:10]), statistics(values[10:])])
    for name in ('min', 'max', 'mean', 'std', 'count'):
        assert parts[name] == pytest.approx(whole[name]), name
    assert parts['q50'] == pytest.approx(np.median(values[:10], 0) / 6 + np.median(values[10:], 0) * 5 / 6)


def test_an_episode_that_fails_leaves_nothing_and_takes_no_number(rollouts, tmp_path):
    recording = start(tmp_path / 'bad', 'bad')
    for i in range(2):
        stamp = START + i * 40_000_000
        for topic in ROBOT.joint_states():
            recording.put(topic, stamp, cdr('sensor_msgs/msg/JointState', header(stamp), list(DRIVER_JOINTS),
                                            *[np.zeros(9)] * 3))
        for topic in ROBOT.images:
            recording.put(topic, stamp, image(stamp, width=64 + 32 * i))
        recording.put(SETPOINT, stamp, setpoint(stamp, i, np.zeros(14)))
    recording.finish(recording.record, START + 80_000_000)
    add_label(tmp_path / 'bad/bad', Label(Verdict.SUCCESS, '2026-01-01'))
    out = tmp_path / 'out'
    exporter = LeRobotExport(out, GRIPPER)
    with pytest.raises(ValueError, match='cam_left_wrist: row 1 is'):
        exporter.add(select([tmp_path / 'bad']).episodes[0])
    assert [path for path in out.rglob('*') if path.is_file()] == []
    exporter.add(select([rollouts / 'a_success']).episodes[0])
    assert set(rows(out, 0)['episode_index'].to_pylist()) == {0}
