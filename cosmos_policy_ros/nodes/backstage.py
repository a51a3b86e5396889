"""What has to wait for a disk or a terminal, in a thread of its own, so that a control loop never does."""
import os
import threading
from collections import deque

from cosmos_policy_ros.safety.config import ConfigError, load_config

LOOK_PERIOD = 1.0
"""s between two looks at the configuration file."""

LINES_KEPT = 100
"""Lines of the log that may wait for a terminal that stands still; the oldest go first."""


class Backstage:
    """Keeps the latch record, watches the configuration file and writes the log of the supervisor's node.

    ``problem``: why the record could not be written, '' if it was. ``digest``: of the configuration file as it is now, ''
    if it is unreadable.

    Args:
        latch: ``LatchFile``, None to keep nothing. config_path, digest: the file, and what it was read as.
        log: called with each line.
    """

    def __init__(self, latch, config_path, digest, log):
        self._latch, self._path, self._log = latch, config_path, log
        self.problem, self.digest = '', digest
        self._seen = self._stamp()
        self._record = self._written = None
        self._lines = deque(maxlen=LINES_KEPT)
        self._wake, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name='backstage', daemon=True)
        self._thread.start()

    def keep(self, record):
        """Write a ``LatchRecord``; of several that wait only the last."""
        self._record = record
        self._wake.set()

    def say(self, line):
        """Write a line to the log."""
        self._lines.append(line)
        self._wake.set()

    def close(self):
        """Write what still waits and end."""
        self._ended = True
        self._wake.set()
        self._thread.join(timeout=2.0)

    def _work(self):
        while not self._ended:
            if not self._wake.wait(LOOK_PERIOD):
                self._look()
            self._wake.clear()
            self._serve()
        self._serve()  # what came while it served

    def _serve(self):
        self._write()
        while self._lines:
            self._log(self._lines.popleft())

    def _write(self):
        record = self._record
        if self._latch is None or record == self._written:
            return
        try:
            self._latch.write(record)
            self._written, self.problem = record, ''
        except OSError as error:
            self.problem = f'the latch is not kept: {error}'

    def _look(self):
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.digest = load_config(self._path).digest
        except ConfigError:
            self.digest = ''

    def _stamp(self):
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
