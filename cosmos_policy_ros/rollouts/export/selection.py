"""Which recorded episodes become data, by their labels; every one that does not is named with its reason."""
from dataclasses import dataclass
from pathlib import Path

from ..bag import PARTIAL
from ..episode import RECORD_FILE, EpisodeRecord, Outcome
from ..labels import Label, LabelError, Verdict, current_label

DATA = (Verdict.SUCCESS, Verdict.PARTIAL, Verdict.FAILURE)
"""Verdicts that can be exported."""


@dataclass(frozen=True)
class Episode:
    """An episode's folder with its record and the label that counts."""

    folder: Path
    record: EpisodeRecord
    label: Label

    @property
    def success(self):
        """Whether it was labelled a success, not only a partial one."""
        return self.label.verdict is Verdict.SUCCESS

    @property
    def demonstration(self):
        """Whether a person did all of it at the leader arms, and succeeded."""
        return self.success and self.record.extra.get('mode') == 'teleop'


@dataclass(frozen=True)
class LeftOut:
    """An episode that does not become data. ``broken``: it should have; somebody has to look at it."""

    folder: str
    reason: str
    broken: bool = False


@dataclass(frozen=True)
class Selection:
    """``episodes``: to export, in the order of the folders. ``left_out``: all others."""

    episodes: tuple
    left_out: tuple


def select(folders, keep=DATA):
    """The ``Selection`` among ``folders``: each an episode, or a folder of episodes. ``keep``: verdicts to export.

    Raises:
        FileNotFoundError: a folder that holds no episode.
    """
    episodes, left_out = [], []
    for folder in dict.fromkeys(found for folder in folders for found in _below(Path(folder))):
        if folder.parent.name == PARTIAL:
            left_out.append(LeftOut(str(folder), 'cut off with its recorder, whose next start recovers it'))
            continue
        try:
            record = EpisodeRecord.load(folder)
            label = current_label(folder, record)
        except LabelError as error:
            left_out.append(LeftOut(str(folder), str(error), broken=True))
            continue
        except (KeyError, OSError, TypeError, ValueError) as error:
            left_out.append(LeftOut(str(folder), f'{RECORD_FILE} cannot be read: {error}', broken=True))
            continue
        if label is None and record.outcome is Outcome.INTERRUPTED:
            left_out.append(LeftOut(str(folder), 'interrupted' + (f': {record.reason}' if record.reason else '')
                                    + '; label it if it is worth something'))
        elif label is None:
            left_out.append(LeftOut(str(folder), f'ended as {record.outcome.value} and nobody judged it; label it'))
        elif label.verdict not in keep:
            left_out.append(LeftOut(str(folder), f'labelled {label.text}'))
        else:
            episodes.append(Episode(folder, record, label))
    return Selection(tuple(episodes), tuple(left_out))


def _below(folder):
    """The episode folders in a folder: itself, or those right below it, abandoned ones included."""
    if (folder / RECORD_FILE).exists():
        return [folder]
    records = [*folder.glob(f'*/{RECORD_FILE}'), *folder.glob(f'{PARTIAL}/*/{RECORD_FILE}')]
    found = sorted(path.parent for path in records)
    if not found:
        raise FileNotFoundError(f'{folder}: neither an episode nor a folder of episodes')
    return found
