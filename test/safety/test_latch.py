"""M2: start and restart come up stopped, and no end of the supervisor forgets a stop."""
import os

import pytest

from cosmos_policy_ros.safety.latch import LatchFile, LatchRecord
from safety_rig import Rig, moving


def restarted(rig, tmp_path=None):
    """A new supervisor with what the old one left, through a file if there is a folder."""
    record = rig.core.record
    if tmp_path:
        file = LatchFile(tmp_path / 'latch')
        file.write(record)
        record = file.read(0.0)
    return Rig(record)


def test_the_first_start_is_stopped_but_not_latched(tmp_path):
    record = LatchFile(tmp_path / 'latch').read(1.0)
    assert record == LatchRecord()
    rig = Rig(record)
    assert (rig.state, rig.causes) == ('BOOT', [])
    assert rig.ready().state == 'READY'


@pytest.mark.parametrize('cause, state', [('camera_frozen', 'PROTECTIVE_STOP'), ('duplicate_publisher', 'ESTOPPED')])
def test_a_latch_survives_a_restart(rig, tmp_path, cause, state):
    """Nothing moves and nothing can be armed until a reset that names the event of before."""
    rig.running()
    epoch = rig.core.epoch
    rig.core.report(cause, rig.now, 'what was seen', 'somewhere')
    rig.step(10)
    again = restarted(rig, tmp_path)
    assert again.state == state
    assert again.cycle().command is None and again.state == state
    assert again.status.causes[0].text == rig.status.causes[0].text
    again.step(100)
    assert (again.state, again.sent) == (state, [])
    assert not again.core.request_arm('policy', again.now).accepted
    assert not again.core.request_takeover(True, 'teleop', again.now).accepted
    assert not again.core.request_reset(rig.status.last_event_id + 1, again.now).accepted
    assert again.core.request_reset(rig.status.last_event_id, again.now).accepted
    assert again.state == 'DISARMED'
    assert again.core.request_arm('policy', again.now).epoch > epoch + 1


def test_epochs_and_event_ids_are_never_given_twice(rig):
    """A row or a reset from before the restart must not match."""
    rig.running()
    late = rig.row(rig.core.command)
    rig.core.report('camera_frozen', rig.now)
    again = restarted(rig)
    again.step(100)
    assert again.core.request_reset(again.status.last_event_id, again.now).accepted
    again.armed()
    assert again.core.offer(late, again.now).reason == 'setpoint_epoch'
    again.core.report('camera_frozen', again.now)
    assert again.status.last_event_id > rig.status.last_event_id


@pytest.mark.parametrize('how', ['armed', 'fault', 'fault seen from outside'])
def test_unclean_end(rig, tmp_path, how):
    """A supervisor that died while a source was armed, or in a fault, comes back stopped; a reset clears it."""
    rig.running()
    if how == 'fault':
        rig.core.fail(RuntimeError('broken'), rig.now)
    elif how == 'fault seen from outside':
        rig.core.report('internal_error', rig.now, 'broken')
    again = restarted(rig, tmp_path)
    assert (again.state, again.causes) == ('PROTECTIVE_STOP', ['unclean_end'])
    assert ('policy was armed' if how == 'armed' else 'broken') in again.status.causes[0].text
    assert again.status.last_event_id == rig.status.last_event_id + 1
    again.step(100)
    assert again.core.request_reset(again.status.last_event_id, again.now).accepted
    assert again.core.record.causes == ()


def test_an_orderly_end_leaves_nothing(rig, tmp_path):
    rig.running()
    rig.core.request_disarm(rig.now)
    rig.step(20)
    assert restarted(rig, tmp_path).ready().state == 'READY'


def test_what_only_held_the_arms_is_not_kept(rig):
    rig.running(speed=0.0)
    rig.step(20)
    assert rig.causes == ['policy_starved']
    rig.core.request_disarm(rig.now)
    assert rig.core.record.causes == ()


@pytest.mark.parametrize('damage', [
    lambda text: '', lambda text: text[:-20], lambda text: text.replace('policy', 'polixy'), lambda text: 'x\ny\n',
    lambda text: text + 'more\n', lambda text: '\xff'])
def test_latch_damaged(rig, tmp_path, damage):
    """A record that cannot be read counts as a stop, with a name."""
    path = tmp_path / 'latch'
    LatchFile(path).write(rig.armed().core.record)
    path.write_bytes(damage(path.read_text()).encode('latin-1'))
    again = Rig(LatchFile(path).read(0.0))
    assert (again.state, again.causes) == ('PROTECTIVE_STOP', ['latch_damaged'])
    assert str(path) in again.status.causes[0].text
    again.step(100)
    assert again.core.request_reset(again.status.last_event_id, again.now).accepted
    assert again.core.epoch == 2 ** 31 + 1, 'far above any earlier one, and an uint32 for a long time to come'
    assert again.status.last_event_id == 2 ** 31


def test_a_record_with_an_unknown_cause_counts_as_damaged(tmp_path):
    """An older package reads what a newer one has written."""
    from cosmos_policy_ros.safety import latch
    path = tmp_path / 'latch'
    body = '{"event_id": 3, "epoch": 1, "authority": "", "causes": [["of_the_future", "x", 3, ""]]}'
    path.write_text(f'{latch._digest(body)}\n{body}\n')
    assert [active.cause.id for active in LatchFile(path).read(0.0).causes] == ['latch_damaged']


def test_a_folder_in_its_place_counts_as_damaged(tmp_path):
    assert [active.cause.id for active in LatchFile(tmp_path).read(0.0).causes] == ['latch_damaged']


def test_an_interrupted_write_leaves_the_old_record(rig, tmp_path, monkeypatch):
    """The new one is complete before it takes the old one's place."""
    file, before = LatchFile(tmp_path / 'latch'), LatchRecord(7, 3, '', ())
    file.write(before)

    def lost(source, target):
        assert LatchFile(source).read(0.0).authority == 'policy', 'all of it is written first'
        raise OSError('power lost')
    monkeypatch.setattr(os, 'replace', lost)
    with pytest.raises(OSError):
        file.write(rig.running().core.record)
    assert file.read(0.0) == before


def test_a_slow_disk_does_not_keep_a_record_from_whoever_reads_it(tmp_path, monkeypatch):
    """A supervisor that is killed while the disk works comes back with the record that it has just written."""
    seen = []
    monkeypatch.setattr(os, 'fsync', lambda handle: seen.append(LatchFile(tmp_path / 'latch').read(0.0).event_id))
    LatchFile(tmp_path / 'latch').write(LatchRecord(7))
    assert seen == [7, 7]


def test_a_write_syncs_the_folder_and_leaves_no_file_open(tmp_path, monkeypatch):
    """A rename is on disk only with its folder. Also for a name without a folder."""
    synced, fsync = [], os.fsync

    def seen(handle):
        synced.append(os.readlink(f'/proc/self/fd/{handle}'))
        fsync(handle)
    monkeypatch.setattr(os, 'fsync', seen)
    monkeypatch.chdir(tmp_path)
    opened = len(os.listdir('/proc/self/fd'))
    for path in ('latch', tmp_path / 'latch'):
        LatchFile(path).write(LatchRecord(7))
    assert synced == [str(tmp_path / 'latch'), str(tmp_path)] * 2
    assert len(os.listdir('/proc/self/fd')) == opened and os.listdir(tmp_path) == ['latch']


def test_a_record_comes_back_as_it_was(rig, tmp_path):
    rig.running()
    rig.play(moving(rig.core.command, 0.5, 2))
    rig.core.report('camera_frozen', rig.now, 'zwei\nZeilen "ä"', 'cam')
    rig.step(10)
    rig.core.observe_stop_source('pedal', True, 1, 0, rig.now)
    record = rig.core.record
    file = LatchFile(tmp_path / 'latch')
    file.write(record)
    read = file.read(2.5)
    assert (read.event_id, read.epoch, read.authority) == (2, 1, '')
    assert [(a.cause.id, a.source, a.event_id, a.detail, a.since) for a in read.causes] == [
        ('stop_pressed', 'pedal', 2, '', 2.5), ('camera_frozen', 'cam', 1, 'zwei\nZeilen "ä"', 2.5)]
