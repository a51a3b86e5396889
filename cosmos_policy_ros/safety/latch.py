"""What has to survive the supervisor's own end: the latched stops, event ids and epochs, kept in one small file."""
import hashlib
import json
import os
from dataclasses import dataclass

from .causes import CAUSES, Severity
from .events import ActiveCause

RESTARTED = 'supervisor'


@dataclass(frozen=True)
class LatchRecord:
    """State to keep. ``authority``: source that was armed, '' if none; ``causes``: latched ``ActiveCause``."""

    event_id: int = 0
    epoch: int = 0
    authority: str = ''
    causes: tuple = ()


def restored(record, now):
    """(last event id, causes) to begin with after a restart: nothing that was latched is gone.

    A fault ends with the restart that it needs, and an end while armed must not pass unseen: both come back as one stop
    that a reset clears.
    """
    causes = [active for active in record.causes if active.cause.severity < Severity.FAULT]
    faults = [active.text for active in record.causes if active.cause.severity == Severity.FAULT]
    event_id = record.event_id
    if faults or record.authority:
        event_id += 1
        detail = '; '.join(faults) or f'{record.authority} was armed'
        causes.append(ActiveCause(CAUSES['unclean_end'], RESTARTED, event_id, now, detail))
    return event_id, tuple(causes)


class LatchFile:
    """A ``LatchRecord`` on disk. A reader sees the old record or the new one, never half of one.

    Writing waits for the disk, so it has no place in the supervisor's loop.

    Args:
        path: of the file; its folder must exist.
    """

    def __init__(self, path):
        self._path = os.fspath(path)

    def write(self, record):
        """Replace the record.

        Raises:
            OSError: the disk refused.
        """
        body = json.dumps({
            'event_id': record.event_id, 'epoch': record.epoch, 'authority': record.authority,
            'causes': [[active.cause.id, active.source, active.event_id, active.detail] for active in record.causes]})
        draft = f'{self._path}.new'
        with open(draft, 'w', encoding='utf-8') as file:
            file.write(f'{_digest(body)}\n{body}\n')
            file.flush()
            # In place before the disk has it, which may take seconds: the end of a process must not lose it. Should the
            # power fail in between, what is left does not fit its checksum, and that is a stop.
            os.replace(draft, self._path)
            os.fsync(file.fileno())
        folder = os.open(os.path.dirname(self._path) or '.', os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, now):
        """The record, an empty one when there is no file; one with the cause ``latch_damaged`` when it is unreadable.

        ``now``: s, from when on the causes count as active in this run.
        """
        try:
            with open(self._path, encoding='utf-8') as file:
                digest, body = file.read().splitlines()
            if digest != _digest(body):
                raise ValueError('its checksum does not match')
            values = json.loads(body)
            causes = tuple(ActiveCause(CAUSES[name], source, event_id, now, detail)
                           for name, source, event_id, detail in values['causes'])
            return LatchRecord(values['event_id'], values['epoch'], values['authority'], causes)
        except FileNotFoundError:
            return LatchRecord()
        except (OSError, ValueError, KeyError, TypeError) as error:
            return LatchRecord(DAMAGED_EVENT, DAMAGED_EVENT, '', (ActiveCause(
                CAUSES['latch_damaged'], RESTARTED, DAMAGED_EVENT, now, f'{self._path}: {error}'),))


DAMAGED_EVENT = 1 << 31
"""Event id and epoch after a damaged record: above any that an earlier run can have given, within the 32 bits of an
epoch on the wire."""


def _digest(body):
    return hashlib.sha256(body.encode()).hexdigest()
