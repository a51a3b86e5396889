"""One episode, one bag: a rosbag2 folder with MCAP storage that is also the episode's folder.

While it is written it lies in ``<output>/.partial/<id>`` and moves to ``<output>/<id>`` when complete, so whatever has
a plain name is whole. ``episode.json`` lies beside the bag from the first moment, saying "interrupted" until the end.
"""
import fcntl
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError

from .episode import EpisodeRecord

PARTIAL = '.partial'
FLUSH_PERIOD = 1_000_000_000
"""ns of message stamps after which the open chunk goes to disk: what a kill can cost."""

_BAG_VERSION = 8  # of metadata.yaml; the newest that every distribution from Humble on reads


class RecordingError(Exception):
    """A recording cannot begin or go on; the message is for the operator."""


class UnreadableBag(ValueError):
    """A bag is damaged or cut off; the message is for the operator."""


class BagWriter:
    """Writes one episode's bag. Not thread-safe.

    Raises (every method): RecordingError, after which :meth:`discard` is the only call left.
    """

    def __init__(self, output, record, types):
        """Open the bag.

        Args:
            output: folder of all episodes, made if missing. record: the ``EpisodeRecord`` as it begins.
            types: a rosbags type store.
        """
        self.final = Path(output, record.id)
        self.partial = Path(output, PARTIAL, record.id)
        self._types = types
        self._connections = {}
        if self.final.exists() or self.partial.exists():
            raise RecordingError(f'episode {record.id} exists already in {output}; give it another id')
        self._writer = Writer(self.partial, version=_BAG_VERSION, storage_plugin=StoragePlugin.MCAP)
        try:
            self._writer.open()
            # Tells a recovery that this bag is in use; released when the file closes, however that happens.
            fcntl.flock(self._writer.storage.bio, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record.save(self.partial)
        except (OSError, WriterError) as error:
            self.discard()
            raise RecordingError(f'cannot record into {output}: {error}; choose a folder that can be written '
                                 'and has free space') from error

    def add(self, topic, msgtype):
        """Announce a topic before its first message."""
        self._connections[topic] = self._writer.add_connection(topic, msgtype, typestore=self._types)

    def write(self, topic, stamp, data):
        """Append one serialised message (CDR bytes) received at ``stamp`` (ns)."""
        storage = self._writer.storage
        try:
            if stamp - storage.chunk.message_start_time > FLUSH_PERIOD:
                storage.close_chunk()
                storage.bio.flush()
            self._writer.write(self._connections[topic], stamp, data)
        except OSError as error:
            raise self._failed(error) from error

    def finish(self, record):
        """Close the bag, put ``record`` beside and inside it, give it its final name; returns that path."""
        try:
            for key, value in (('outcome', record.outcome.value), ('task', record.task), ('seed', str(record.seed)),
                               ('episode', record.to_json())):
                self._writer.set_custom_data(key, value)
            self._writer.close()
            record.save(self.partial)
            self.partial.rename(self.final)
        except OSError as error:
            raise self._failed(error) from error
        remove_if_empty(self.partial.parent)
        return self.final

    def discard(self):
        """Remove everything written."""
        if self._writer.storage is not None:
            with suppress(OSError):  # the file's last buffer may meet the full disk again
                self._writer.abort()
        shutil.rmtree(self.partial, ignore_errors=True)
        remove_if_empty(self.partial.parent)

    def _failed(self, error):
        return RecordingError(f'cannot write the recording of episode {self.final.name} to {self.final.parent}: '
                              f'{error.strerror or error}; make space or choose another folder')


def remove_if_empty(folder):
    """Remove a folder unless it holds something."""
    with suppress(OSError):
        folder.rmdir()


class BagReader:
    """A finished episode folder: ``record`` and messages. A context manager; needs no ROS and no type definitions.

    Raises (opening and reading): UnreadableBag. OSError: the folder is none of an episode.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.record = EpisodeRecord.load(self.folder)
        with self._readable():
            self._reader = AnyReader([self.folder])

    def __enter__(self):
        with self._readable():
            self._reader.open()
        return self

    def __exit__(self, *error):
        self._reader.close()

    @property
    def topics(self):
        """Message type and count by topic."""
        return {connection.topic: (connection.msgtype, connection.msgcount) for connection in self._reader.connections}

    def raw(self, topics=None, start=None):
        """Yield (topic, stamp in ns, CDR bytes) in order of stamps; of the given topics, from ``start`` (ns) on."""
        wanted = [c for c in self._reader.connections if topics is None or c.topic in topics]
        if wanted:
            with self._readable():
                for connection, stamp, data in self._reader.messages(wanted, start=start):
                    yield connection.topic, stamp, data

    def decode(self, topic, data):
        """The message of a topic's CDR bytes."""
        with self._readable():
            return self._reader.deserialize(data, self.topics[topic][0])

    def messages(self, topics=None):
        """Yield (topic, stamp in ns, message) in order of stamps, of all or of the given topics."""
        types = {connection.topic: connection.msgtype for connection in self._reader.connections}
        for topic, stamp, data in self.raw(topics):
            with self._readable():
                message = self._reader.deserialize(data, types[topic])
            yield topic, stamp, message

    @contextmanager
    def _readable(self):
        """What rosbags raises on damaged bytes is whatever they lead to."""
        try:
            yield
        except OSError:
            raise
        except Exception as error:
            raise UnreadableBag(f'{self.folder}: the bag cannot be read: {error or repr(error)}') from error
