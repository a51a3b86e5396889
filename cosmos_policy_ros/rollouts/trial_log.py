"""The record of an evaluation session: lines that are only appended, so that a kill costs at most the running rollout."""
import fcntl
import json
import os
from datetime import datetime, timezone
from pathlib import Path

from .whole_text import write_whole

PLAN_FILE, LOG_FILE = 'plan.json', 'trials.jsonl'
BEGUN, ENDED, REOPENED, REVEALED = 'begun', 'ended', 'reopened', 'revealed'


class SessionError(ValueError):
    """A session's folder cannot be used; the message is for the operator."""


class TrialLog:
    """One session's folder, held by one process at a time; a context manager.

    ``results``: {number: result} of the trials that have ended. ``cut``: how often a trial was begun and never ended.
    ``open``: (number, time in ISO 8601) of the trial begun last, if it has not ended, else None.
    ``revealed``: number of results at which the blinding was ended, None if it was not.

    Args:
        folder: made if missing. plan: JSON object that says all that the results depend on.

    Raises:
        SessionError: another process holds the session; it was begun with another plan; its record is damaged.
    """

    def __init__(self, folder, plan):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open(folder / LOG_FILE, 'a+b')
        try:
            self._hold(folder)
            _agree(folder / PLAN_FILE, plan)
            self._read(folder / LOG_FILE)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def begin(self, number):
        """Trial ``number`` begins now."""
        self._append({'event': BEGUN, 'trial': number})

    def end(self, number, result):
        """Trial ``number`` has ended with ``result``, a JSON object with at least 'success' and 'score'."""
        self._append({'event': ENDED, 'trial': number, 'result': result})
        self.results[number] = result

    def reopen(self, number):
        """The result of trial ``number`` does not count; it is to be run again."""
        self._append({'event': REOPENED, 'trial': number})
        del self.results[number]

    def reveal(self):
        """The blinding is ended here."""
        if self.revealed is None:
            self.revealed = len(self.results)
            self._append({'event': REVEALED})

    def _hold(self, folder):
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SessionError(f'another process runs the session in {folder}; wait for its end') from None

    def _read(self, path):
        self.results, self.revealed, self.open, begun, ended = {}, None, None, 0, 0
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b'\n'):  # killed in the middle of a line
            self._file.truncate(sum(map(len, lines[:-1])))
            lines.pop()
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if entry['event'] == ENDED:
                    if entry['trial'] in self.results:
                        raise ValueError(f'trial {entry["trial"]} ended twice')
                    self.results[entry['trial']], self.open = entry['result'], None
                    ended += 1
                elif entry['event'] == BEGUN:
                    self.open = entry['trial'], entry['at']
                    begun += 1
                elif entry['event'] == REOPENED:
                    del self.results[entry['trial']]
                else:
                    self.revealed = len(self.results)
            except (KeyError, TypeError, ValueError) as error:
                raise SessionError(f'{path}, line {number}: {error}; mend it, or begin anew elsewhere') from error
        self.cut = begun - ended

    def _append(self, entry):
        line = {**entry, 'at': datetime.now(timezone.utc).isoformat(timespec='seconds')}
        self._file.write(json.dumps(line).encode() + b'\n')
        self._file.flush()
        os.fsync(self._file.fileno())


def _agree(path, plan):
    """The plan on disk is this one; without one this one is written, in one step."""
    if path.exists():
        begun = json.loads(path.read_text())
        changed = sorted(key for key in begun.keys() | plan.keys() if begun.get(key) != plan.get(key))
        if changed:
            raise SessionError(f'{path} was begun with other {", ".join(changed)}; give it the same again, or choose '
                               'another folder')
        return
    write_whole(path, json.dumps(plan, indent=1))
