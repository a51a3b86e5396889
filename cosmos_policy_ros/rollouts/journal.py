"""What happened between the episodes, too: every change of who has the arms, and of what holds them."""
import json
from datetime import datetime, timezone

JOURNAL_FILE = 'logs/journal.jsonl'
"""Below the folder of all episodes: a JSON object a line, oldest first."""


class Journal:
    """Appends a line for each change; ``path``: the file, made with its folder when there is something to say."""

    def __init__(self, path):
        self._path, self._last = path, None

    def see(self, state, authority, origin, causes, episode):
        """Take note of a safety status.

        Args:
            state, authority, origin: as in ``SafetyStatus``. causes: (id, source) of each that holds or stops the arms.
            episode: that is being recorded, '' for none.

        Raises:
            OSError: the line could not be written; the next change tries again.
        """
        seen = {'state': state, 'authority': authority, 'origin': origin,
                'causes': [f'{name} {source}'.strip() for name, source in causes], 'episode': episode}
        if seen == self._last:
            return
        self._last = seen
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps({'at': datetime.now(timezone.utc).isoformat(timespec='milliseconds'), **seen}) + '\n')


def read_journal(path):
    """List of the lines' objects, oldest first; empty when nothing was ever written."""
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []
