"""An episode being recorded: takes serialised messages from any thread, compresses images, writes the bag."""
import shutil
import threading
from collections import Counter, deque
from dataclasses import replace

from .audit import TopicMonitor
from .bag import BagWriter, RecordingError
from .episode import Outcome
from .images import compress
from .topics import CHUNK, SETPOINT

PENDING_LIMIT = 64 << 20
"""Bytes waiting for the writer beyond which images are dropped; other messages are dropped at twice as much."""

SPACE_CHECK = 8 << 20
"""Bytes written between two looks at the free space."""


def free_space(folder):
    """Bytes free on the file system of a folder."""
    return shutil.disk_usage(folder).free


class Recording:
    """One open episode.

    One thread compresses and writes: Pillow holds the interpreter lock while it encodes, so more would gain nothing,
    and the bag keeps the order of arrival. ``problem`` turns into a sentence when recording cannot go on;
    ``warnings`` holds a sentence for each topic of which messages could not be used.
    """

    def __init__(self, output, record, topics, types, quality, minimum_free, free=free_space, before=()):
        """Open the bag and start the writer.

        Args:
            output: folder of all episodes. record: ``EpisodeRecord`` as it begins. topics: ``RecordedTopic`` tuple.
            types: a rosbags type store. quality: of JPEG, 1 to 95. minimum_free: bytes to leave on the disk.
            free: bytes free in a folder. before: (topic, stamp, raw) of a pre-roll; what comes meanwhile may wait for
            as much longer.

        Raises:
            RecordingError: the folder cannot be written, or has too little space; nothing is left behind.
        """
        self.record = record
        self.problem = ''
        self.warnings = {}
        self._output = output
        self._types, self._quality, self._minimum_free, self._free = types, quality, minimum_free, free
        self._topics = {topic.topic: topic for topic in topics}
        self._monitors = {topic.topic: TopicMonitor(topic, record.started) for topic in topics}
        self._dropped = Counter()
        self._queue, self._pending, self._ready = deque(), 0, threading.Condition()
        self._before, self._limit = before, PENDING_LIMIT + sum(len(raw) for _, _, raw in before)
        self._closing = self._broken = False
        self._unchecked = 0
        self._bag = BagWriter(output, record, types)
        try:
            lack = self._lack_of_space()
            if lack:
                raise RecordingError(f'episode {record.id} is not recorded: {lack}')
            for topic in topics:
                self._bag.add(topic.bag_topic, topic.bag_type)
        except RecordingError:
            self._bag.discard()
            raise
        self._thread = threading.Thread(target=self._run, name=f'record {record.id}', daemon=True)
        self._thread.start()

    def put(self, topic, stamp, raw):
        """Take one serialised message received at ``stamp`` (ns). Never blocks; what it cannot keep is counted."""
        topic = self._topics[topic]
        limit = self._limit if topic.compress else self._limit + PENDING_LIMIT
        with self._ready:
            if self._closing or self.problem or self._pending + len(raw) > limit:
                self._dropped[topic.topic] += 1
                return
            self._queue.append((topic, stamp, raw))
            self._pending += len(raw)
            self._ready.notify()

    def finish(self, record, ended):
        """Write what is pending, close the bag and return its folder.

        Args:
            record: the ``EpisodeRecord`` as it ended; steps and chunks are counted where None. A recording that met
                a problem makes it interrupted, with the problem as reason. ended: ns.

        Raises:
            RecordingError: the bag could not be written; nothing is left of it.
        """
        self._stop()
        if self._broken:
            self._bag.discard()
            raise RecordingError(self.problem)
        if self.problem:
            record = replace(record, outcome=Outcome.INTERRUPTED, reason=self.problem)
        self.record = replace(
            record, ended=ended, topics=self.audit(ended),
            steps=self._monitors[SETPOINT].received if record.steps is None else record.steps,
            chunks=self._monitors[CHUNK].received if record.chunks is None else record.chunks)
        try:
            return self._bag.finish(self.record)
        except RecordingError:
            self._bag.discard()
            raise

    def audit(self, now):
        """Tuple of ``TopicAudit`` from the begin until ``now`` (ns)."""
        return tuple(monitor.audit(now, self._dropped[topic])
                     for topic, monitor in self._monitors.items())

    def _stop(self):
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _run(self):
        for topic, stamp, raw in self._before:
            self._try_to_write(self._topics[topic], stamp, raw)
        self._before = ()
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                topic, stamp, raw = self._queue.popleft()
                self._pending -= len(raw)
            self._try_to_write(topic, stamp, raw)

    def _try_to_write(self, topic, stamp, raw):
        try:
            self._write(topic, stamp, raw)
        except RecordingError as error:
            self.problem, self._broken = str(error), True
        except Exception as error:  # this thread is the recording: whatever ends it has to be said
            self.problem, self._broken = f'recording of episode {self.record.id} failed: {error!r}', True

    def _write(self, topic, stamp, raw):
        if self._broken:
            self._dropped[topic.topic] += 1
            return
        if topic.compress:
            try:
                raw = compress(raw, self._types, self._quality)
            except ValueError as error:
                self.warnings[topic.topic] = str(error)
                self._dropped[topic.topic] += 1
                return
        self._bag.write(topic.bag_topic, stamp, raw)
        self._monitors[topic.topic].observe(stamp)
        self._unchecked += len(raw)
        if self._unchecked > SPACE_CHECK:
            self._unchecked = 0
            self.problem = self.problem or self._lack_of_space()

    def _lack_of_space(self):
        free = self._free(self._output)
        if free >= self._minimum_free:
            return ''
        return (f'{free / 1e9:.2f} GB free in {self._output}, {self._minimum_free / 1e9:.2f} GB are kept free; '
                'make space, choose another folder or lower minimum_free_gb')
