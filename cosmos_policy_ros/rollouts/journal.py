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

    def step(self, step, source, note, episode):
        """Take note of what ``source`` has asked for, or begins; ``note``: said with it. ``episode``: as in ``see``."""
        self._append({'step': step, 'source': source, 'note': note, 'episode': episode})

    def _append(self, entry):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps({'at': datetime.now(timezone.utc).isoformat(timespec='milliseconds'), **entry}) + '\n')


def read_journal(path):
    """List of the lines' objects, oldest first; empty when nothing was ever written."""
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []
