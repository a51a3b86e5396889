"""States of the supervisor and the one function that moves between them."""
from dataclasses import dataclass
from enum import IntEnum

from .causes import Severity


class SafetyState(IntEnum):
    """Values are those of ``SafetyStatus.state``."""

    BOOT = 0             # no valid joint states yet; nothing is published
    DISARMED = 1         # the arms hold; no source may command
    READY = 2            # as DISARMED, and arming would be accepted
    RUNNING = 3          # rows of the one authority pass
    STOPPING = 4         # braking within the acceleration limits; commands are ignored
    HELD = 5             # armed and standing
    PROTECTIVE_STOP = 6  # latched until reset
    ESTOPPED = 7         # latched until reset
    FAULT = 8            # latched until restart


LATCHED = {Severity.PROTECTIVE: SafetyState.PROTECTIVE_STOP, Severity.EMERGENCY: SafetyState.ESTOPPED,
           Severity.FAULT: SafetyState.FAULT}
"""Where a latched severity ends once the arms are at rest."""


@dataclass(frozen=True)
class Facts:
    """What the transition depends on.

    ``sensed``: both arms' joint states have been seen. ``worst``: highest active severity, 0 if none. ``moving``: the
    last command has a speed. ``armed``: a source holds authority. ``ready``: arming would be accepted. ``row``: a row
    was just accepted. ``halt``: the arms must come to rest first, for another source takes over.
    """

    sensed: bool
    worst: int
    moving: bool
    armed: bool
    ready: bool
    row: bool
    halt: bool


def next_state(state, facts):
    """The state after ``state`` under ``facts``. Leaving a latched state needs ``worst`` to have been reset."""
    if state is SafetyState.FAULT:
        return state
    if facts.worst >= Severity.PROTECTIVE:
        return SafetyState.STOPPING if facts.moving else LATCHED[facts.worst]
    if state in LATCHED.values():
        return SafetyState.DISARMED
    if state is SafetyState.BOOT and not facts.sensed:
        return state
    if not facts.armed:
        if facts.moving:
            return SafetyState.STOPPING
        # BOOT and a stop both pass through DISARMED, so that every change is seen.
        prepared = facts.ready and state in (SafetyState.DISARMED, SafetyState.READY)
        return SafetyState.READY if prepared else SafetyState.DISARMED
    if facts.worst == Severity.HOLD or facts.halt or state is SafetyState.STOPPING:
        return SafetyState.STOPPING if facts.moving else SafetyState.HELD
    if facts.row:
        return SafetyState.RUNNING
    return SafetyState.RUNNING if state is SafetyState.RUNNING else SafetyState.HELD
