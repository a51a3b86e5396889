"""Every reason to refuse a row or to slow, hold or stop the arms, as data."""
from dataclasses import dataclass
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How much a cause takes away; the most severe active one decides. Values are those of ``SafetyCause.severity``."""

    SLOW = 1        # motion goes on
    HOLD = 2        # brake, stand with power, go on with a new epoch
    PROTECTIVE = 3  # brake and latch
    EMERGENCY = 4   # brake and latch
    FAULT = 5       # brake and latch until the supervisor is restarted


class Action(Enum):
    """What happens while a cause is active."""

    REFUSE = 'refuse the row'
    SLOW = 'scale the speed limit'
    BRAKE = 'brake every joint to rest, then hold'


class Clears(Enum):
    """What ends a cause."""

    ITSELF = 'by itself'
    EPOCH = 'by arming again, which opens a new epoch'
    RESET = 'by the guarded reset'
    RESTART = 'by restarting the supervisor'


@dataclass(frozen=True)
class Cause:
    """One row of the table.

    ``id`` is stable on the wire. ``operator_may_take_over``: another source may be armed while it is active. ``text``
    is what the operator reads, ``hint`` what to do. ``test`` names the test that proves it.
    """

    id: str
    severity: Severity
    action: Action
    clears: Clears
    operator_may_take_over: bool
    text: str
    hint: str
    test: str


def _refused(name, text, hint):
    return Cause(name, Severity.SLOW, Action.REFUSE, Clears.ITSELF, True, text, hint, _test(name))


def _hold(name, text, hint):
    return Cause(name, Severity.HOLD, Action.BRAKE, Clears.EPOCH, True, text, hint, _test(name))


def _protective(name, text, hint):
    return Cause(name, Severity.PROTECTIVE, Action.BRAKE, Clears.RESET, False, text, hint, _test(name))


def _emergency(name, text, hint):
    return Cause(name, Severity.EMERGENCY, Action.BRAKE, Clears.RESET, False, text, hint, _test(name))


def _test(name):
    return f'test/safety/test_faults.py::test_{name}'


_TABLE = (
    _refused('setpoint_epoch', 'row of another epoch', 'its sender must follow the epoch in the safety status'),
    _refused('setpoint_source', 'row of a source without authority', 'arm that source first'),
    _refused('setpoint_stale', 'row too late or too early', 'check the load of the computer and the sender\'s clock'),
    _refused('setpoint_sequence', 'row repeated, out of order or closer than one period to the last one',
             'look for a second sender'),
    Cause('tracking_lag', Severity.SLOW, Action.SLOW, Clears.ITSELF, True, 'an arm falls behind its commands',
          'look for contact or a heavy load', _test('tracking_lag')),
    _hold('policy_starved', 'rows stopped coming', 'check the policy, then arm again'),
    _hold('setpoint_nonfinite', 'row with NaN or infinity', 'check the checkpoint and its inputs, then arm again'),
    _hold('setpoint_shape', 'row that is not 14 numbers', 'check the sender, then arm again'),
    _hold('far_outside_limits', 'row far outside the limits', 'check the policy and its units, then arm again'),
    _hold('too_many_clamped', 'too many rows in succession had to be clamped', 'slow the source down, then arm again'),
    _hold('workspace', 'row leaves the workspace or meets the table',
          'check the task and the cell in safety.yaml, then arm again'),
    _hold('arm_clearance', 'row brings the arms too close to each other',
          'take over or move the arms apart, then arm again'),
    _protective('joint_states_stale', 'no fresh joint states', 'check the arm driver and its cable, then reset'),
    _protective('joint_states_invalid', 'joint states are not measurements: dead bus or not finite',
                'support the arm, check power and cable, then reset'),
    _protective('camera_stale', 'no fresh images', 'check the camera, then reset'),
    _protective('camera_frozen', 'images do not change', 'check the camera, then reset'),
    _protective('tracking_error', 'an arm does not follow its commands',
                'look for a collision or a motor that switched itself off, support the arm, then reset'),
    _protective('clock_step', 'a clock stepped', 'check the time service of the computer, then reset'),
    _protective('loop_overrun', 'the supervisor runs too slowly', 'take load off the computer, then reset'),
    _emergency('stop_pressed', 'stop pressed', 'release the stop, then reset'),
    _emergency('stop_source_lost', 'a stop button is missing or does not answer', 'restore it, then reset'),
    _emergency('duplicate_publisher', 'something else commands the arms too', 'end the other publisher, then reset'),
    Cause('internal_error', Severity.FAULT, Action.BRAKE, Clears.RESTART, False, 'the supervisor failed',
          'keep the log, report it, restart the supervisor', _test('internal_error')),
)

CAUSES = {cause.id: cause for cause in _TABLE}
"""Every cause by id."""
