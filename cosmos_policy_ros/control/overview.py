"""What an operator's screen shows, as numbers and words; how it is drawn is the screen's own."""
from dataclasses import dataclass, field

from .operation import LATCHED, Situation

LATE = 0.2
"""s of age from which an input is shown as late. Only the supervisor decides what is too late, and then says so as a cause."""


@dataclass(frozen=True)
class Reason:
    """An active cause: what, what to do, and for how long (s)."""

    text: str
    hint: str
    age: float


@dataclass(frozen=True)
class Progress:
    """The rollout under way: rows of ``limit``, chunks, and the values that they were chosen with, oldest first."""

    step: int = 0
    limit: int = 0
    chunks: int = 0
    values: tuple = ()

    @property
    def share(self):
        """0 to 1."""
        return min(self.step / self.limit, 1.0) if self.limit else 0.0


@dataclass(frozen=True)
class Overview:
    """All of it at one moment.

    ``ages``: (name, s) of every watched input, inf when it was never seen. ``speed_scale``, ``clearance`` (m), ``event``,
    ``accepted``, ``clamped``, ``refused``, ``warnings``: as in ``SafetyStatus``.
    """

    situation: Situation = Situation()
    task: str = ''
    reasons: tuple = ()
    ages: tuple = ()
    progress: Progress = Progress()
    speed_scale: float = 1.0
    clearance: float = float('nan')
    event: int = 0
    accepted: int = 0
    clamped: int = 0
    refused: int = 0
    warnings: tuple = field(default=())

    @property
    def mood(self):
        """One word for a colour: lost, stopped, moving, armed, ready or resting."""
        situation = self.situation
        if not situation.heard:
            return 'lost'
        if situation.state in LATCHED:
            return 'stopped'
        return {'RUNNING': 'moving', 'STOPPING': 'moving', 'HELD': 'armed', 'READY': 'ready'}.get(situation.state, 'resting')

    @property
    def headline(self):
        """State, who has the arms, and what is under way."""
        situation = self.situation
        if not situation.state:
            return 'waiting for the safety supervisor'
        if not situation.heard:
            return f'the safety supervisor is not heard for {situation.age:.0f} s: use the hardware stop'
        taken = f'taken from {situation.origin}' if situation.origin else ''
        pressed = 'stop pressed here' if situation.pressed else ''
        return '  '.join(filter(None, (situation.state, situation.authority, taken, situation.rollout, situation.busy, pressed)))

    @property
    def late(self):
        """Names of the inputs that are late or were never seen."""
        return tuple(name for name, age in self.ages if not age <= LATE)
