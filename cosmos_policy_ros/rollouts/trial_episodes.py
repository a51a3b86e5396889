"""What the recorded episodes of a session's trials are worth: what their labels say, also later ones."""
from pathlib import Path

from .bag import BagReader
from .episode import RECORD_FILE, EpisodeRecord, Outcome
from .labels import current_label
from .topics import CHUNK
from .trial_log import SessionError

EPISODES = 'episodes'
"""Folder of a session's episodes."""


def verdicts(folder, results):
    """(not judged, to be run again): numbers of trials whose episodes have no label, or one that makes them no data.

    Args:
        folder: of the session. results: {number: {'episode': name, ...}}.

    Raises:
        SessionError: an episode is not there, or damaged.
    """
    labels = {number: _label(folder, result) for number, result in results.items()}
    return ([number for number, label in labels.items() if label is None],
            [number for number, label in labels.items() if label is not None and not label.usable])


def judged(folder, results):
    """{number: result} of the trials that somebody or something judged, with 'success', 'score', and 'inference', the
    s by stage of each chunk.

    Arguments and errors as for ``verdicts``.
    """
    found = {}
    for number, result in results.items():
        label = _label(folder, result)
        if label is not None and label.usable:
            found[number] = result | {'success': label.score == 1, 'score': label.score,
                                      'inference': _inference(Path(folder, EPISODES, result['episode']))}
    return found


def unnoticed(folder, trial, begun, results):
    """Name of the episode of a ``Trial`` that ended while nobody was left to write it down; None without one.

    Args:
        begun: ISO 8601 of the trial's last begin. results: those that were written down.
    """
    known = {result['episode'] for result in results.values()}
    for path in sorted(Path(folder, EPISODES).glob(f'*/{RECORD_FILE}')):
        record = EpisodeRecord.load(path.parent)
        if (record.id not in known and (record.task, record.seed) == (trial.task, trial.start)
                and record.recorded_at >= begun and record.outcome is not Outcome.INTERRUPTED):
            return record.id
    return None


def _label(folder, result):
    path = Path(folder, EPISODES, result['episode'])
    try:
        return current_label(path, EpisodeRecord.load(path))
    except (OSError, ValueError) as error:
        raise SessionError(f'episode {path} of this session cannot be read: {error}') from error


def _inference(folder):
    with BagReader(folder) as bag:
        return [dict(zip(chunk.latency_stages, map(float, chunk.latency_seconds)))
                for _, _, chunk in bag.messages([CHUNK])]
