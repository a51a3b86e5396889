"""What people say about an episode: labels with history, in a file of their own beside the bag.

Nothing that was recorded is rewritten. The last label counts; without one, what the recording itself knows.
"""
import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from .episode import RECORD_FILE, Outcome

LABEL_FILE = 'labels.json'
"""Beside ``episode.json``: {"labels": [...]}, oldest first."""


class Verdict(Enum):
    """What an episode is worth; the value is the word in files and on the command line."""

    SUCCESS = 'success'
    PARTIAL = 'partial'  # got somewhere: a score between 0 and 1
    FAILURE = 'failure'
    DISCARD = 'discard'  # not to be used: something was wrong with the setup
    REDO = 'redo'        # not to be used, and to be run again


class FailureType(Enum):
    """Why an episode failed."""

    MISSED_GRASP = 'missed_grasp'
    MISPERCEPTION = 'misperception'
    RUNAWAY_MOTION = 'runaway_motion'
    COLLISION = 'collision'
    TIMEOUT = 'timeout'
    OPERATOR_ABORT = 'operator_abort'
    OTHER = 'other'


class LabelError(ValueError):
    """A label that cannot be, or a file of labels that cannot be read; the message is for the operator."""


_FIXED_SCORE = {Verdict.SUCCESS: 1.0, Verdict.FAILURE: 0.0, Verdict.DISCARD: None, Verdict.REDO: None}


@dataclass(frozen=True)
class Label:
    """One judgement of one episode.

    ``score``: 0..1, fixed but for PARTIAL (None fills it in); None when the episode is not to be used. ``failure``:
    only of a FAILURE or PARTIAL, None when nobody said why. ``at``: ISO 8601. ``operator``: '' when it comes from the
    recording. ``source``: the panel or command at which it was given, '' when unknown.

    Raises:
        LabelError: score or failure that do not fit the verdict.
    """

    verdict: Verdict
    at: str
    score: float = None
    failure: FailureType = None
    note: str = ''
    operator: str = ''
    source: str = ''

    def __post_init__(self):
        word = self.verdict.value
        if self.verdict is Verdict.PARTIAL:
            if self.score is None or not 0 < self.score < 1:
                raise LabelError(f'{word}: score {self.score}; give one between 0 and 1')
        elif self.score not in (None, _FIXED_SCORE[self.verdict]):
            raise LabelError(f'{word}: score {self.score}; it is fixed at {_FIXED_SCORE[self.verdict]}, leave it out '
                             'or use "partial"')
        else:
            object.__setattr__(self, 'score', _FIXED_SCORE[self.verdict])
        if self.failure is not None and self.verdict not in (Verdict.FAILURE, Verdict.PARTIAL):
            raise LabelError(f'{word}: failure type {self.failure.value!r}; only "failure" and "partial" have one')

    @property
    def usable(self):
        """Whether the episode is data."""
        return self.verdict not in (Verdict.DISCARD, Verdict.REDO)

    @property
    def text(self):
        """The label on one line, without its time."""
        parts = [self.verdict.value]
        if self.verdict is Verdict.PARTIAL:
            parts.append(f'{self.score:g}')
        if self.failure is not None:
            parts.append(f'({self.failure.value.replace("_", " ")})')
        if self.operator:
            parts.append(f'by {self.operator}')
        if self.source:
            parts.append(f'at {self.source}')
        return ' '.join(parts) + (f': {self.note}' if self.note else '')

    def to_json(self):
        """A JSON object."""
        return {'verdict': self.verdict.value, 'at': self.at, 'score': self.score,
                'failure': self.failure and self.failure.value, 'note': self.note, 'operator': self.operator,
                'source': self.source}

    @classmethod
    def from_json(cls, data):
        """The label of :meth:`to_json`'s object."""
        return cls(**{**data, 'verdict': Verdict(data['verdict']),
                      'failure': FailureType(data['failure']) if data['failure'] else None})


def now():
    """The time of a label that is given now."""
    return datetime.now(timezone.utc).isoformat(timespec='seconds')


def label_of(word, score, note, operator, source):
    """The ``Label`` given now as a verdict's word; ``score`` counts for a partial success only.

    Raises:
        LabelError: no such verdict, or a partial success without a score between 0 and 1.
    """
    words = [verdict.value for verdict in Verdict]
    if word not in words:
        raise LabelError(f'label {word!r}; use one of {", ".join(words)}')
    verdict = Verdict(word)
    failure = named_failure(note) if verdict in (Verdict.FAILURE, Verdict.PARTIAL) else None
    return Label(verdict, now(), score if verdict is Verdict.PARTIAL else None, failure, note, operator, source)


def read_labels(folder):
    """Tuple of an episode's ``Label``s, oldest first; empty when nobody has given one.

    Raises:
        LabelError: the file is not one of labels.
    """
    path = Path(folder, LABEL_FILE)
    if not path.exists():
        return ()
    try:
        return tuple(Label.from_json(entry) for entry in json.loads(path.read_text(encoding='utf-8'))['labels'])
    except (KeyError, TypeError, ValueError) as error:
        raise LabelError(f'{path} is no file of labels: {error}; mend it, or move it away and label again') from error


def add_label(folder, label):
    """Append a label to an episode's history, in one step: a reader sees the old file or the new one.

    Raises:
        LabelError: the folder is no episode's, or see :func:`read_labels`. OSError: it cannot be written.
    """
    folder = Path(folder)
    if not (folder / RECORD_FILE).is_file():
        raise LabelError(f'{folder} holds no {RECORD_FILE}: give the folder of an episode')
    with _locked(folder):
        labels = (*read_labels(folder), label)
        draft = folder / f'.{LABEL_FILE}'
        with draft.open('w', encoding='utf-8') as file:
            json.dump({'labels': [entry.to_json() for entry in labels]}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / LABEL_FILE)


def recorded_judgement(record):
    """The ``Label`` that an ``EpisodeRecord`` amounts to; None when nobody and nothing has judged the episode.

    The operator judges by ending an episode, the simulator by its score. A time limit or a stop alone is no judgement.
    """
    if record.outcome is Outcome.INTERRUPTED:
        return None
    if record.outcome is Outcome.SUCCESS:
        return Label(Verdict.SUCCESS, record.recorded_at, note=record.note)
    failure = FailureType.TIMEOUT if record.outcome is Outcome.TIMEOUT else named_failure(record.note)
    if record.score is not None and 0 < record.score < 1:
        return Label(Verdict.PARTIAL, record.recorded_at, record.score, failure, record.note)
    if record.outcome is Outcome.FAILURE or record.score is not None:
        return Label(Verdict.FAILURE, record.recorded_at, failure=failure, note=record.note)
    return None


def named_failure(note):
    """The ``FailureType`` that a note names, None when it is any other: the operator's panels have no other place for it."""
    return next((kind for kind in FailureType if kind.value == note), None)


def current_label(folder, record):
    """The ``Label`` that counts for an episode: the last given, else the record's own; None without either.

    Raises:
        LabelError: see :func:`read_labels`.
    """
    labels = read_labels(folder)
    return labels[-1] if labels else recorded_judgement(record)


@contextmanager
def _locked(folder):
    """Two who label at once wait for each other."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
