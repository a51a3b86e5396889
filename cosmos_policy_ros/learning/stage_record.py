"""A stage of a recipe on disk: what it was asked for, the seconds that it took, and what came of it once it is done."""
import json
import time

from ..rollouts.whole_text import write_whole

WRITE_PERIOD = 1.0
"""s between two notes of the time that a stage has taken so far."""


class StageRecord:
    """The file ``stage.json`` in a stage's folder, there from the stage's begin on.

    ``seconds``: s, over all starts; a start that was killed counts up to its last note. ``figures``: a dictionary, None
    before the stage is done.
    """

    def __init__(self, folder, request, clock=time.monotonic):
        """``request``: what defines the stage, JSON-ready. ``clock``: s, monotonic.

        Raises:
            ValueError: the folder holds a stage with another request.
        """
        self._path, self._request, self._clock = folder / 'stage.json', request, clock
        self.seconds, self.figures = 0.0, None
        if self._path.exists():
            found = json.loads(self._path.read_text())
            if found['request'] != request:
                raise ValueError(f'{self._path} is of another recipe; choose another folder, or remove {folder} and '
                                 'the stages after it')
            self.seconds, self.figures = found['seconds'], found['figures']
        self._noted = clock()
        if self.figures is None:
            self._write()

    def note(self):
        """Say that the stage goes on."""
        if self._clock() - self._noted >= WRITE_PERIOD:
            self._write()

    def done(self, figures):
        """The stage has ended with ``figures``, JSON-ready."""
        self.figures = figures
        self._write()

    def _write(self):
        now = self._clock()
        self.seconds, self._noted = round(self.seconds + now - self._noted, 3), now
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, json.dumps({'request': self._request, 'seconds': self.seconds, 'figures': self.figures}))
