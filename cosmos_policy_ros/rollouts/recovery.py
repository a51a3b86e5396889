"""Makes readable bags of recordings whose recorder was killed."""
import fcntl
import shutil
import struct
from dataclasses import replace
from pathlib import Path

from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from .audit import TopicMonitor
from .bag import PARTIAL, BagWriter, RecordingError, remove_if_empty
from .episode import RECORD_FILE, EpisodeRecord, Outcome
from .topics import CHUNK, SETPOINT, recorded_topics

_CUT = '~cut'


def recover(output):
    """Finish the abandoned recordings below ``<output>/.partial`` as interrupted episodes.

    Recordings in use by a living recorder are left alone. What has no readable beginning is removed.

    Returns:
        list of the recovered episodes' folders.

    Raises:
        RecordingError: no space or permission; what was found is kept for another time.
    """
    partial = Path(output, PARTIAL)
    for folder in sorted(partial.glob('*')):
        if not folder.name.endswith(_CUT) and not _in_use(folder):
            aside = folder.with_name(folder.name + _CUT)
            if aside.exists():  # an earlier recovery was cut off as well; the original lies aside
                shutil.rmtree(folder)
            else:
                folder.rename(aside)
    recovered = [final for final in map(_rebuild, sorted(partial.glob(f'*{_CUT}'))) if final]
    remove_if_empty(partial)
    return recovered


def _in_use(folder):
    for path in folder.glob('*.mcap'):
        with path.open('rb') as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def _rebuild(folder):
    paths = list(folder.glob('*.mcap'))
    if not paths or not (folder / RECORD_FILE).exists():
        shutil.rmtree(folder)
        return None
    record = EpisodeRecord.load(folder)
    if Path(folder.parents[1], record.id).exists():  # an earlier recovery was cut off after its last step but one
        shutil.rmtree(folder)
        return None
    monitors = {topic.bag_topic: TopicMonitor(topic, record.started) for topic in recorded_topics(record.robot)}
    types = get_typestore(Stores.EMPTY)
    bag = BagWriter(folder.parents[1], record, types)
    ended, announced = record.started, set()
    try:
        for schema, channel, message in _intact_messages(paths[0]):
            if channel.topic not in announced:
                found = get_types_from_msg(schema.data.decode(), schema.name)
                types.register({name: fields for name, fields in found.items() if name not in types.fielddefs})
                bag.add(channel.topic, schema.name)
                announced.add(channel.topic)
            bag.write(channel.topic, message.log_time, message.data)
            monitors[channel.topic].observe(message.log_time)
            ended = max(ended, message.log_time)
        final = bag.finish(replace(
            record, outcome=Outcome.INTERRUPTED, ended=ended,
            reason='the recorder was killed; recovered up to the last chunk on disk',
            steps=monitors[SETPOINT].received, chunks=monitors[CHUNK].received,
            topics=tuple(monitor.audit(ended) for monitor in monitors.values())))
    except RecordingError:
        bag.discard()
        raise
    shutil.rmtree(folder)
    return final


def _intact_messages(path):
    schemas, channels = {}, {}
    with path.open('rb') as stream:
        try:
            for chunk in StreamReader(stream, emit_chunks=True).records:
                if not isinstance(chunk, Chunk):
                    continue
                if len(chunk.data) < chunk.uncompressed_size:  # our bags are not compressed; the reader lets this pass
                    return
                for entry in breakup_chunk(chunk):
                    if isinstance(entry, Schema):
                        schemas[entry.id] = entry
                    elif isinstance(entry, Channel):
                        channels[entry.id] = entry
                    elif isinstance(entry, Message):
                        channel = channels[entry.channel_id]
                        yield schemas[channel.schema_id], channel, entry
        except (McapError, struct.error):
            return  # the file ends within a record
