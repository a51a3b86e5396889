"""Pacing of simulated time by the nodes that have to keep up with it."""
from dataclasses import dataclass, field


@dataclass
class LockStep:
    """Lets simulated time wait for late streams, so that a busy machine slows the simulation down and trips nothing.

    A stream is expected from its first message on, or from ``expect``. When it is silent for longer than its allowance of
    simulated time, time stands still; after ``patience`` s of wall time the stream counts as ended and time goes on, so
    that a real fault shows its effect.

    Args:
        allowances: s of simulated silence by kind of stream: its name up to the first "/". patience: s of wall time.
    """

    allowances: dict
    patience: float
    _heard: dict = field(default_factory=dict)
    _waiting_since: float = None

    def heard(self, stream, simulated):
        """A message of ``stream`` came at simulated time ``simulated`` (s)."""
        self._heard[stream] = simulated

    def expect(self, stream, simulated):
        """``stream`` has to go on from simulated time ``simulated`` (s), whether it was heard before or not."""
        self._heard.setdefault(stream, simulated)

    def release(self, stream):
        """Expect nothing of ``stream`` until it is heard again: it has ended on purpose."""
        self._heard.pop(stream, None)

    def late(self, simulated):
        """Names of the streams that simulated time has run ahead of."""
        return [stream for stream, last in self._heard.items() if simulated - last > self.allowances[stream.partition('/')[0]]]

    def may_advance(self, simulated, wall):
        """Whether simulated time may go on at wall time ``wall`` (s, monotonic)."""
        late = self.late(simulated)
        if not late:
            self._waiting_since = None
            return True
        if self._waiting_since is None:
            self._waiting_since = wall
        if wall - self._waiting_since < self.patience:
            return False
        for stream in late:
            del self._heard[stream]
        self._waiting_since = None
        return True
