"""What happened between the episodes, too: who asked for what, who had the arms, and what held them."""
import json
from datetime import datetime, timezone

JOURNAL_FILE = 'logs/journal.jsonl'
"""Below the folder of all episodes: a JSON object a line, oldest first."""


class Journal:
    """Appends a line for each step and each change; ``path``: the file, made with its folder when there is something to say.

    Raises (every method): OSError, when the line could not be written.
    """

    def __init__(self, path):
        self._path, self._last = path, None
        self._steps = {_identity(line) for line in read_journal(path) if 'step' in line}
        if path.exists() and not path.read_bytes().endswith(b'\n'):
            self._write('\n')  # a recorder was killed in the middle of a line

    def see(self, state, authority, origin, causes, episode):
        """Take note of a safety status.

        Args:
            state, authority, origin: as in ``SafetyStatus``. causes: (id, source) of each that holds or stops the arms.
            episode: that is being recorded, '' for none.
        """
        seen = {'state': state, 'authority': authority, 'origin': origin,
                'causes': [f'{name} {source}'.strip() for name, source in causes], 'episode': episode}
        if seen == self._last:
            return
        self._last = seen
        self._append(seen)

    def step(self, step, source, note, asked, episode):
        """Take note, once, of what ``source`` has asked for, or begins.

        Args:
            note: said with it. asked: ISO time at which ``source`` said so. episode: as in ``see``.
        """
        entry = {'step': step, 'source': source, 'note': note, 'asked': asked, 'episode': episode}
        if _identity(entry) not in self._steps:
            self._append(entry)
            self._steps.add(_identity(entry))

    def _append(self, entry):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write(json.dumps({'at': datetime.now(timezone.utc).isoformat(timespec='milliseconds'), **entry}) + '\n')

    def _write(self, text):
        with self._path.open('a', encoding='utf-8') as file:
            file.write(text)


def _identity(entry):
    return entry['step'], entry['source'], entry.get('asked')


def read_journal(path):
    """List of the whole lines' objects, oldest first; empty when nothing was ever written."""
    return list(_entries(path.read_text(encoding='utf-8').splitlines())) if path.exists() else []


def _entries(lines):
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # cut off by a kill
            pass
