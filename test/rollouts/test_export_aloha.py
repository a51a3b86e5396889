"""The published ALOHA layout: schema, values equal to the bag, and back again."""
from dataclasses import replace

import av
import h5py
import numpy as np
import pytest
from PIL import Image
from synthetic_episode import ROBOT, record_episode

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.rollouts.aloha_import import import_episode
from cosmos_policy_ros.rollouts.bag import RecordingError
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.export.aloha import AlohaExport, JPEG_NAMES
from cosmos_policy_ros.rollouts.export.selection import select
from cosmos_policy_ros.rollouts.images import decode_jpeg, decompress, encode_jpeg
from cosmos_policy_ros.rollouts.labels import FailureType, Label, Verdict, add_label
from cosmos_policy_ros.rollouts.rows import read_episode_rows
from cosmos_policy_ros.rollouts.table import read_table

GRIPPER = GRIPPER_MAPS['ros1']
AT = '2026-01-01T00:00:00+00:00'
ROWS = 25


def export(rollouts, out):
    out.mkdir()
    exporter = AlohaExport(out, GRIPPER)
    for episode in select([rollouts]).episodes:
        assert exporter.add(episode) == ROWS
    exporter.finish()
    return out


@pytest.fixture(scope='module')
def rollouts(tmp_path_factory):
    """A policy's success, its failure, and a demonstration."""
    output = tmp_path_factory.mktemp('rollouts')
    record_episode(output, ROWS * 0.04, 'a_success', extra={'mode': 'direct'}, policy={'folder': 'checkpoints/tiny'})
    add_label(record_episode(output, ROWS * 0.04, 'b_failure', extra={'mode': 'direct'}),
              Label(Verdict.PARTIAL, AT, 0.5, FailureType.MISSED_GRASP, 'slipped', 'ada'))
    record_episode(output, ROWS * 0.04, 'c_demonstration', extra={'mode': 'teleop'})
    return output


@pytest.fixture(scope='module')
def exported(rollouts, tmp_path_factory):
    return export(rollouts, tmp_path_factory.mktemp('exports') / 'aloha')


def test_demonstrations_and_rollouts_lie_where_the_published_loader_looks(exported):
    assert sorted(str(path.relative_to(exported)) for path in exported.rglob('*') if path.is_file()) == sorted([
        'rollouts/a_success.hdf5', 'rollouts/b_failure.hdf5',
        *(f'demonstrations/put_the_duck_on_the_plate/train/episode_0{tail}'
          for tail in ('.hdf5', *(f'_{camera}.mp4' for camera in ROBOT.cameras)))])


@pytest.mark.parametrize('name', ['rollouts/a_success', 'demonstrations/put_the_duck_on_the_plate/train/episode_0'])
def test_rows_are_float32_and_those_of_the_bag(exported, rollouts, name):
    source = 'a_success' if 'a_success' in name else 'c_demonstration'
    table = read_table(rollouts / source, GRIPPER)
    with h5py.File(exported / f'{name}.hdf5') as file:
        for path, values in (('action', table.action), ('observations/qpos', table.state),
                             ('observations/qvel', table.velocity), ('observations/effort', table.effort),
                             ('action_commanded', table.sent)):
            assert (file[path].shape, file[path].dtype) == ((ROWS, 14), np.float32)
            assert (file[path][()] == values.astype(np.float32)).all(), path
        steps = np.diff(file['action'][()], axis=0)
        assert (file['relative_action'][()] == [*steps, steps[-1]]).all()
        assert (file['timestamps/action'][()] == table.time).all() and file['timestamps/action'].dtype == np.int64
        assert file['row_source'].asstr()[0] == 'policy'


def test_attributes_are_those_that_the_loader_reads(exported):
    out = exported / 'rollouts'
    with h5py.File(out / 'a_success.hdf5') as good, h5py.File(out / 'b_failure.hdf5') as bad:
        assert (good.attrs['success'], good.attrs['success_score']) == (True, 1.0)
        assert (bad.attrs['success'], bad.attrs['success_score']) == (False, 0.5), 'partial is no success'
        assert good.attrs['task_description'] == 'put the duck on the plate'
        assert (good.attrs['policy_name'], bad.attrs['user_name']) == ('checkpoints/tiny', 'ada')
        assert (bad.attrs['user_description'], bad.attrs['failure_type']) == ('slipped', 'missed_grasp')
        assert good.attrs['average_model_query_time_sec'] == 0.0, 'no chunk of this episode was timed in total'
        assert EpisodeRecord.from_json(good.attrs['episode']).id == 'a_success'


def test_a_rollouts_frames_are_jpeg_of_256_pixels(exported, rollouts):
    table = read_table(rollouts / 'a_success', GRIPPER)
    with h5py.File(exported / 'rollouts/a_success.hdf5') as file:
        for column, camera in enumerate(ROBOT.cameras):
            data = file[JPEG_NAMES[camera]]
            assert data.shape == (ROWS,) and h5py.check_vlen_dtype(data.dtype) == np.uint8
            seen = Image.fromarray(decompress(table.pictures[7][column])).resize((256, 256), Image.BICUBIC)
            assert bytes(data[7]) == encode_jpeg(np.asarray(seen), 95)


def test_a_demonstrations_videos_have_a_frame_a_row(exported, rollouts):
    table = read_table(rollouts / 'c_demonstration', GRIPPER)
    with h5py.File(exported / 'demonstrations/put_the_duck_on_the_plate/train/episode_0.hdf5') as file:
        for column, camera in enumerate(ROBOT.cameras):
            name = file[f'observations/video_paths/{camera}'][()].decode()
            with av.open(str(exported / 'demonstrations/put_the_duck_on_the_plate/train' / name)) as video:
                frames = [frame.to_ndarray(format='rgb24') for frame in video.decode(video=0)]
            assert len(frames) == ROWS and frames[0].shape == (256, 256, 3)
            seen = Image.fromarray(decompress(table.pictures[7][column])).resize((256, 256), Image.BICUBIC)
            assert np.abs(frames[7].astype(int) - np.asarray(seen)).mean() < 3


def test_an_episode_that_fails_leaves_nothing(rollouts, tmp_path):
    exporter = AlohaExport(tmp_path, GRIPPER)
    episode = select([rollouts / 'a_success']).episodes[0]
    exporter.add(episode)
    with pytest.raises(ValueError, match='id a_success is in this export already'):
        exporter.add(episode)
    assert [path for path in tmp_path.rglob('*') if path.is_file()] == [tmp_path / 'rollouts/a_success.hdf5']


@pytest.mark.parametrize('name, mode', [('rollouts/a_success', 'policy'), ('rollouts/b_failure', 'policy'),
                                        ('demonstrations/put_the_duck_on_the_plate/train/episode_0', 'teleop')])
def test_what_was_exported_comes_back_as_an_episode(exported, tmp_path, name, mode):
    file = exported / f'{name}.hdf5'
    folder = import_episode(file, tmp_path, GRIPPER)
    record, table = EpisodeRecord.load(folder), read_table(folder, GRIPPER)
    with h5py.File(file) as source:
        for path, values in (('action', table.action), ('observations/qpos', table.state),
                             ('observations/effort', table.effort)):
            assert (values.astype(np.float32) == source[path][()]).all(), path
        assert table.velocity == pytest.approx(source['observations/qvel'][()], abs=1e-6)
        if mode == 'policy':
            assert bytes(table.pictures[3][2].data) == bytes(source['primary_images_jpeg'][3]), 'JPEG passes as it is'
    assert (record.extra['mode'], record.extra['times'], record.extra['imported_from']) == (mode, 'made up', str(file))
    assert np.diff(table.time).tolist() == [40_000_000] * (ROWS - 1) and table.sent is None
    label = select([folder]).episodes[0].label
    assert label.score == {'a': 1.0, 'b': 0.5, 'e': 1.0}[file.name[0]]
    assert read_episode_rows(folder, GRIPPER, 16, 5).images.shape == (6, 3, 16, 16, 3)


def write_raw(path, rows=20, cameras=ROBOT.cameras, padded=False, **attributes):
    """A file as ALOHA's own recorder writes it: red on the left, for the channels' order."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32, 0] = 250
    with h5py.File(path, 'w') as file:
        file['action'] = np.arange(rows * 14, dtype=np.float32).reshape(rows, 14) / 1000
        file['observations/qpos'] = np.full((rows, 14), 0.25, np.float32)
        for camera in cameras:
            if padded:
                data = np.frombuffer(encode_jpeg(picture[..., ::-1], 50), np.uint8)
                file[f'observations/images/{camera}'] = np.tile(np.pad(data, (0, 100)), (rows, 1))
            else:
                file[f'observations/images/{camera}'] = np.tile(picture, (rows, 1, 1, 1))
        file.attrs.update(sim=False, **attributes)
    return path


@pytest.mark.parametrize('padded', [False, True], ids=['raw', 'padded'])
def test_pictures_of_the_original_recorder_keep_their_colours(tmp_path, padded):
    path = write_raw(tmp_path / 'episode_0.hdf5', padded=padded)
    folder = import_episode(path, tmp_path / 'out', GRIPPER, 'put it there')
    table = read_table(folder, GRIPPER)
    image = decode_jpeg(bytes(table.pictures[0][0].data))
    assert image.shape == (48, 64, 3) and image[20, 10].tolist() == pytest.approx([250, 0, 0], abs=12)
    assert table.velocity is None and table.record.outcome is Outcome.SUCCESS, 'a demonstration succeeded'
    assert table.record.instruction == 'put it there'


def test_of_a_file_of_50_hz_every_second_row_is_taken(tmp_path):
    folder = import_episode(write_raw(tmp_path / 'episode_0.hdf5', rows=11), tmp_path / 'out', GRIPPER, 'x', rate=50)
    table = read_table(folder, GRIPPER)
    assert (table.action[:, 0] * 1000).round().tolist() == [0, 28, 56, 84, 112, 140]
    assert np.diff(table.time).tolist() == [40_000_000] * 5


def test_what_cannot_be_imported_is_named_and_leaves_nothing(tmp_path):
    out = tmp_path / 'out'
    short = write_raw(tmp_path / 'short.hdf5')
    with h5py.File(short, 'a') as file:
        del file['observations/images/cam_high']
        file['observations/images/cam_high'] = np.zeros((7, 48, 64, 3), np.uint8)
    nan = write_raw(tmp_path / 'nan.hdf5')
    with h5py.File(nan, 'a') as file:
        file['action'][3, 5] = np.nan
    with h5py.File(tmp_path / 'other.hdf5', 'w') as file:
        file['x'] = 1
    for path, message in ((short, 'not as many frames'), (nan, 'action: expected finite'),
                          (tmp_path / 'other.hdf5', 'no ALOHA'),
                          (write_raw(tmp_path / 'blind.hdf5', cameras=()), 'no pictures of cam_left_wrist')):
        with pytest.raises(ValueError, match=message):
            import_episode(path, out, GRIPPER, 'x')
    with pytest.raises(ValueError, match='give the instruction'):
        import_episode(write_raw(tmp_path / 'mute.hdf5'), out, GRIPPER)
    assert not out.exists() or list(out.iterdir()) == []


def test_an_import_replaces_no_episode(tmp_path):
    path = write_raw(tmp_path / 'episode_0.hdf5')
    folder = import_episode(path, tmp_path / 'out', GRIPPER, 'x')
    before = sorted((file.name, file.stat().st_size) for file in folder.iterdir())
    with pytest.raises(RecordingError, match='exists already'):
        import_episode(path, tmp_path / 'out', GRIPPER, 'x')
    assert sorted((file.name, file.stat().st_size) for file in folder.iterdir()) == before


def test_a_label_changes_what_a_demonstration_becomes(rollouts, tmp_path):
    """The recording is the same; the label decides."""
    episode = select([rollouts / 'c_demonstration']).episodes[0]
    failed = replace(episode, label=Label(Verdict.FAILURE, AT, failure=FailureType.OTHER))
    AlohaExport(tmp_path, GRIPPER).add(failed)
    with h5py.File(tmp_path / 'rollouts/c_demonstration.hdf5') as file:
        assert (file.attrs['success'], file.attrs['success_score']) == (False, 0.0)
