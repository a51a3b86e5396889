"""What the supervisor answers and reports."""
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .state import SafetyState


class Outcome(Enum):
    """What became of a row."""

    ACCEPTED = 'accepted'  # will be commanded bit for bit
    CLAMPED = 'clamped'    # will be commanded with some joints moved to their limits
    REFUSED = 'refused'    # will not be commanded


@dataclass(frozen=True, eq=False)
class Verdict:
    """Answer to one row.

    ``positions`` (14,) is what will be commanded, None when refused. ``reason`` is '' unless refused, then a cause id
    or the state that ignores rows. ``detail`` is for a log.
    """

    kind: Outcome
    reason: str = ''
    detail: str = ''
    positions: np.ndarray = None


@dataclass(frozen=True)
class Reply:
    """Answer to a request: every blocker when it was not accepted."""

    accepted: bool
    epoch: int
    blockers: tuple = ()


@dataclass(frozen=True, eq=False)
class Output:
    """Result of one tick.

    ``command`` (14,) goes to the arms now; None when nothing is to be sent. ``changed``: state, causes, authority or
    epoch differ from the tick before, so a status is due.
    """

    command: np.ndarray
    state: SafetyState
    changed: bool


@dataclass(frozen=True)
class Status:
    """The fields of ``SafetyStatus.msg``; ``ages`` maps every watched input to s since its newest sample, or inf.

    ``origin``: source that an operator took the arms from, '' if from none. ``hand_speed``: m/s that no point of a hand
    may exceed, inf in the full speed mode.
    """

    counter: int
    state: SafetyState
    authority: str
    epoch: int
    armed: bool
    causes: tuple
    last_event_id: int
    blockers: tuple
    speed_scale: float
    min_clearance: float
    rows_accepted: int
    rows_clamped: int
    rows_refused: int
    ages: dict
    loop_period_max: float
    origin: str
    hand_speed: float

    @property
    def state_name(self):
        """Name of the state."""
        return self.state.name

    @property
    def watched(self):
        """Names of the watched inputs, in the order of ``ages``."""
        return tuple(self.ages)
