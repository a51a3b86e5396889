"""One bag an episode: readable everywhere, whole or absent, interrupted ones marked."""
import errno
import multiprocessing
import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rosbags.highlevel import AnyReader
from synthetic_episode import MS, ROBOT, START, event, image, joint_state, messages, record_episode, start

from cosmos_policy_ros.rollouts import recording as recording_module
from cosmos_policy_ros.rollouts.bag import BagReader, BagWriter, RecordingError
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.message_types import message_folder
from cosmos_policy_ros.rollouts.recovery import recover
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, SETPOINT, recorded_topics

RATES = {**dict.fromkeys(ROBOT.compressed_images(), 25), **dict.fromkeys(ROBOT.joint_states(), 100),
         **dict.fromkeys(ROBOT.joint_groups(), 25), SETPOINT: 25}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return record_episode(tmp_path_factory.mktemp('rollouts'))


def names(path):
    """Every file and folder below a path."""
    return sorted(str(entry.relative_to(path)) for entry in path.rglob('*'))


def test_rosbags_reads_every_stream_without_our_definitions(folder):
    """A bag carries its message definitions, so a foreign reader needs nothing of this package."""
    with AnyReader([folder]) as reader:
        stamps = {}
        for connection, stamp, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)
            stamps.setdefault(connection.topic, []).append(stamp)
    for topic, rate in RATES.items():
        assert len(stamps[topic]) == 2 * rate
        assert max(b - a for a, b in zip(stamps[topic], stamps[topic][1:])) <= 100 * MS


def test_the_mcap_library_reads_it_with_ros2_decoding(folder):
    with (folder / f'{folder.name}.mcap').open('rb') as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        counts = {}
        for schema, channel, _, decoded in reader.iter_decoded_messages():
            counts[channel.topic] = counts.get(channel.topic, 0) + 1
            if channel.topic == SETPOINT:
                assert len(decoded.positions) == 14
    assert {topic: counts[topic] for topic in RATES} == {topic: 2 * rate for topic, rate in RATES.items()}


def test_outcome_seed_and_record_are_in_the_bags_metadata(folder):
    metadata = yaml.safe_load((folder / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    assert (metadata['custom_data']['outcome'], metadata['custom_data']['seed']) == ('success', '7')
    assert EpisodeRecord.from_json(metadata['custom_data']['episode']) == EpisodeRecord.load(folder)
    assert metadata['storage_identifier'] == 'mcap'


def test_messages_are_stored_bit_for_bit_in_order_of_arrival(folder):
    given = [(topic, stamp, raw) for topic, stamp, raw in messages(2.0) if topic not in ROBOT.images]
    with BagReader(folder) as bag:
        kept = [entry for entry in bag.raw() if entry[0] not in ROBOT.compressed_images() and entry[0] != EPISODE_EVENT]
    assert kept == given


def test_an_open_recording_is_hidden_and_says_interrupted(tmp_path):
    recording = start(tmp_path)
    assert not (tmp_path / 'episode_1').exists()
    assert EpisodeRecord.load(tmp_path / '.partial' / 'episode_1').outcome is Outcome.INTERRUPTED
    recording.finish(recording.record, START + MS)
    assert {'episode_1', 'episode_1/episode.json', 'episode_1/metadata.yaml'} <= set(names(tmp_path))
    assert not (tmp_path / '.partial').exists()


def test_an_existing_episode_is_never_overwritten(tmp_path):
    folder = record_episode(tmp_path, 0.2)
    before = (folder / 'episode_1.mcap').read_bytes()
    with pytest.raises(RecordingError, match='exists already'):
        start(tmp_path)
    assert (folder / 'episode_1.mcap').read_bytes() == before


@pytest.mark.parametrize('output', ['a file/rollouts', '/proc/rollouts'])
def test_a_folder_that_cannot_be_written_gives_one_message_and_leaves_nothing(tmp_path, output):
    (tmp_path / 'a file').touch()
    with pytest.raises(RecordingError, match='cannot record into .*choose a folder'):
        start(tmp_path / output)
    assert names(tmp_path) == ['a file']


def test_too_little_space_refuses_an_episode_and_leaves_nothing(tmp_path):
    with pytest.raises(RecordingError, match='0.50 GB free in .*make space'):
        start(tmp_path / 'out', free=lambda folder: 5e8)
    assert names(tmp_path) == ['out']


def test_space_running_low_closes_a_readable_bag_marked_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_module, 'SPACE_CHECK', 20_000)
    free = iter([1 << 40, 5e8])
    recording = start(tmp_path, free=lambda folder: next(free))
    for message in messages(1.0):
        recording.put(*message)
        time.sleep(0.0002)
    folder = recording.finish(replace(recording.record, outcome=Outcome.SUCCESS), START + 10 ** 9)
    with BagReader(folder) as bag:
        assert bag.record.outcome is Outcome.INTERRUPTED and 'make space' in bag.record.reason
        kept = sum(1 for _ in bag.messages())
    dropped = sum(audit.dropped for audit in bag.record.topics)
    assert kept and dropped and kept + dropped == sum(1 for _ in messages(1.0))


class FullDisk:
    """A file on a disk that is full after ``room`` bytes."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)


@pytest.mark.parametrize('room', [100_000, 1_000, 10])
def test_a_write_error_gives_one_message_and_leaves_no_partial_bag(tmp_path, room):
    """While messages are written, and when only closing the bag meets the full disk."""
    recording = start(tmp_path)
    storage = recording._bag._writer.storage
    storage.bio = FullDisk(storage.bio, room)
    for message in messages(1.5 if room == 100_000 else 0.1):
        recording.put(*message)
    with pytest.raises(RecordingError, match='cannot write the recording of episode episode_1.*No space left'):
        recording.finish(recording.record, START + 10 ** 9)
    assert names(tmp_path) == []


def test_a_message_that_cannot_be_compressed_is_counted_and_named(tmp_path):
    recording = start(tmp_path)
    recording.put(ROBOT.images[0], START, image(START, encoding='yuv422'))
    recording.put(ROBOT.images[0], START + MS, image(START + MS))
    folder = recording.finish(recording.record, START + 2 * MS)
    assert 'yuv422' in recording.warnings[ROBOT.images[0]]
    assert [(audit.received, audit.dropped) for audit in EpisodeRecord.load(folder).topics][0] == (1, 1)


def test_overload_drops_images_first_and_counts_them(tmp_path, monkeypatch):
    """With the disk held up, memory stays bounded and joint states still get in."""
    monkeypatch.setattr(recording_module, 'PENDING_LIMIT', 50_000)
    recording = start(tmp_path)
    released = threading.Event()
    write = recording._bag.write
    monkeypatch.setattr(recording._bag, 'write', lambda *message: released.wait(10) and write(*message))
    for number in range(20):
        recording.put(ROBOT.images[0], START + number * MS, image(START))
        recording.put(ROBOT.joint_states()[0], START + number * MS, joint_state(START, np.zeros(9)))
    released.set()
    recording.finish(recording.record, START + 20 * MS)
    received = {audit.topic: (audit.received, audit.dropped) for audit in recording.record.topics}
    kept, dropped = received[ROBOT.compressed_images()[0]]
    assert kept * len(image(START)) < 70_000 and kept + dropped == 20
    assert received[ROBOT.joint_states()[0]] == (20, 0)


def test_killed_mid_episode_it_is_recovered_as_interrupted(tmp_path):
    """SIGKILL costs at most the last chunk, 1 s of messages; the rest becomes a bag marked interrupted."""
    process = multiprocessing.get_context('spawn').Process(target=_record_until_killed, args=(tmp_path,))
    process.start()
    try:
        partial = tmp_path / '.partial' / 'episode_1'
        deadline = time.monotonic() + 30
        while not (tmp_path / 'written').exists():
            assert time.monotonic() < deadline and process.is_alive()
            time.sleep(0.01)
        assert recover(tmp_path) == [] and partial.exists(), 'a recording in use must be left alone'
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert recover(tmp_path) == [tmp_path / 'episode_1']
    with BagReader(tmp_path / 'episode_1') as bag:
        record = bag.record
        stamps = [stamp for topic, stamp, _ in bag.messages() if topic == SETPOINT]
    assert record.outcome is Outcome.INTERRUPTED and 'killed' in record.reason and record.seed == 7
    assert (stamps[-1] - START) * 1e-9 > 3.0 and record.steps == len(stamps)
    assert not (tmp_path / '.partial').exists()
    assert recover(tmp_path) == []


def _record_until_killed(output):
    recording = start(output)
    for message in messages(4.2):
        recording.put(*message)
    while recording._queue:
        time.sleep(0.01)
    time.sleep(0.2)
    (Path(output) / 'written').touch()
    time.sleep(60)


@pytest.mark.parametrize('kept', [0, 8, 30, 5_000, 1_049_000, 1_050_000])
def test_recovery_takes_a_file_cut_off_anywhere(tmp_path, kept):
    """Whatever the last write was, only whole chunks count and nothing half-read gets into the new bag."""
    folder = record_episode(tmp_path, 5.0)
    partial = tmp_path / '.partial' / 'episode_1'
    partial.parent.mkdir()
    folder.rename(partial)
    with (partial / 'episode_1.mcap').open('r+b') as file:
        file.truncate(kept)
    assert recover(tmp_path) == [tmp_path / 'episode_1']
    given = {(topic, stamp, raw) for topic, stamp, raw in messages(5.0)} | {(EPISODE_EVENT, START, event(START, 0))}
    with BagReader(tmp_path / 'episode_1') as bag:
        found = [entry for entry in bag.raw() if entry[0] not in ROBOT.compressed_images()]
        assert set(found) <= given
        assert bool(found) == (kept > 1_000_000)


def test_recovery_after_a_recovery_that_was_killed(tmp_path):
    folder = record_episode(tmp_path, 0.5)
    partial = tmp_path / '.partial'
    partial.mkdir()
    folder.rename(partial / 'episode_1~cut')
    (partial / 'episode_1').mkdir()
    assert recover(tmp_path) == [tmp_path / 'episode_1']
    assert not partial.exists()


def test_recovery_after_one_that_was_killed_at_its_very_end(tmp_path):
    """The new bag has its name already; only the old file was left to remove."""
    folder = record_episode(tmp_path, 0.2)
    shutil.copytree(folder, tmp_path / '.partial' / 'episode_1~cut')
    before = names(folder)
    assert recover(tmp_path) == []
    assert names(tmp_path) == ['episode_1', *(f'episode_1/{name}' for name in before)]


def test_a_full_disk_keeps_what_could_not_be_recovered(tmp_path, monkeypatch):
    folder = record_episode(tmp_path, 0.2)
    (tmp_path / '.partial').mkdir()
    folder.rename(tmp_path / '.partial' / 'episode_1')
    before = len(names(tmp_path))

    def fail(self, record):
        raise RecordingError('full')

    monkeypatch.setattr(BagWriter, 'finish', fail)
    with pytest.raises(RecordingError):
        recover(tmp_path)
    assert len(names(tmp_path)) == before
    monkeypatch.undo()
    assert recover(tmp_path) == [folder]


def test_what_never_began_is_removed(tmp_path):
    (tmp_path / '.partial' / 'episode_9').mkdir(parents=True)
    assert recover(tmp_path) == []
    assert names(tmp_path) == []


def test_every_recorded_type_has_a_definition():
    """Also from the source tree, before anything is installed."""
    for package in ('cosmos_policy_ros', 'interbotix_xs_msgs'):
        assert any(message_folder(package).glob('*.msg'))
    packages = {topic.type.split('/')[0] for topic in recorded_topics(ROBOT)}
    assert packages == {'sensor_msgs', 'std_msgs', 'cosmos_policy_ros', 'interbotix_xs_msgs'}


def test_a_package_without_definitions_is_named():
    with pytest.raises(FileNotFoundError, match='no message definitions of nowhere_msgs.*source the workspace'):
        message_folder('nowhere_msgs')
