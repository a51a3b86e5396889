"""What a command shows: one live line on a terminal, plain lines in a pipe, errors with the next step."""
import sys
import time

PIPE_PERIOD = 5.0


class CommandError(Exception):
    """A command cannot do its job. The message says what and where, ``hint`` what to do next."""

    def __init__(self, message, hint='', code=1):
        super().__init__(message)
        self.hint, self.code = hint, code


class LiveLine:
    """A status line that replaces itself on a terminal, and is repeated now and then in a pipe."""

    def __init__(self, stream=None):
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._shown, self._at = '', float('-inf')

    def show(self, text):
        """Show ``text``; in a pipe only when it changed and the last line is a while ago."""
        if self._terminal:
            self._stream.write('\r\x1b[K' + text[:160])
        elif text != self._shown and time.monotonic() - self._at >= PIPE_PERIOD:
            self._stream.write(text + '\n')
            self._at = time.monotonic()
        else:
            return
        self._shown = text
        self._stream.flush()

    def end(self):
        """Leave the line standing and go on below it."""
        if self._terminal and self._shown:
            self._stream.write('\n')
            self._stream.flush()
        self._shown = ''


def say(text):
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)
