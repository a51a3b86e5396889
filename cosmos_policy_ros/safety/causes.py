"""Every reason to refuse a row or to slow, hold or stop the arms, as data."""
from dataclasses import dataclass
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How much a cause takes away; the most severe active one decides. Values are those of ``SafetyCause.severity``."""

    NOTICE = 0      # shown; takes nothing from motion
    SLOW = 1        # motion goes on
    HOLD = 2        # brake, stand with power, go on with a new epoch
    PROTECTIVE = 3  # brake and latch
    EMERGENCY = 4   # brake and latch
    FAULT = 5       # brake and latch until the supervisor is restarted


class Action(Enum):
    """What happens while a cause is active."""

    BAR = 'refuse to arm'
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


def _slow(name, text, hint, file='faults'):
    return Cause(name, Severity.SLOW, Action.SLOW, Clears.ITSELF, True, text, hint, _test(name, file))


def _hold(name, text, hint, file='faults'):
    return Cause(name, Severity.HOLD, Action.BRAKE, Clears.EPOCH, True, text, hint, _test(name, file))


def _protective(name, text, hint, file='faults'):
    return Cause(name, Severity.PROTECTIVE, Action.BRAKE, Clears.RESET, False, text, hint, _test(name, file))


def _emergency(name, text, hint):
    return Cause(name, Severity.EMERGENCY, Action.BRAKE, Clears.RESET, False, text, hint, _test(name))


def _test(name, file='faults'):
    return f'test/safety/test_{file}.py::test_{name}'


_TABLE = (
    Cause('config_changed', Severity.NOTICE, Action.BAR, Clears.ITSELF, False,
          'the configuration file is not the one in force', 'restart the supervisor, or put the file back',
          _test('config_changed')),
    Cause('companion_missing', Severity.NOTICE, Action.BAR, Clears.ITSELF, False,
          'a process that the supervisor relies on is not heard', 'start it, look at its log', _test('companion_missing')),
    _refused('setpoint_epoch', 'row of another epoch', 'its sender must follow the epoch in the safety status'),
    _refused('setpoint_source', 'row of a source without authority', 'arm that source first'),
    _refused('setpoint_stale', 'row too late or too early', 'check the load of the computer and the sender\'s clock'),
    _refused('setpoint_sequence', 'row repeated, out of order or closer than one period to the last one',
             'look for a second sender'),
    _refused('setpoint_unplanned', 'row without a chunk inferred from where the arms stand now',
             'its sender must infer anew after every arming'),
    _slow('tracking_lag', 'an arm falls behind its commands', 'look for contact or a heavy load', 'motor_faults'),
    _slow('motor_current', 'a motor works hard', 'look for contact or a heavy load', 'motor_faults'),
    _hold('policy_starved', 'rows stopped coming', 'check the policy, then arm again'),
    _hold('setpoint_nonfinite', 'row with NaN or infinity', 'check the checkpoint and its inputs, then arm again'),
    _hold('setpoint_shape', 'row that is not 14 numbers', 'check the sender, then arm again'),
    _hold('far_outside_limits', 'row far outside the limits', 'check the policy and its units, then arm again'),
    _hold('too_many_clamped', 'too many rows in succession had to be clamped', 'slow the source down, then arm again'),
    _hold('workspace', 'row leaves the workspace or its walls, or meets the table or a keep-out box',
          'check the task and the cell in safety.yaml, then arm again'),
    _hold('arm_clearance', 'row brings the arms too close to each other',
          'take over or move the arms apart, then arm again'),
    _hold('gripper_strain', 'a gripper has been squeezing at its current limit for long',
          'take over and open it, let it rest, then arm again', 'motor_faults'),
    _protective('joint_states_stale', 'no fresh joint states', 'check the arm driver and its cable, then reset'),
    _protective('joint_states_invalid', 'joint states are not measurements: dead bus or not finite',
                'support the arm, check power and cable, then reset'),
    _protective('camera_stale', 'no fresh images', 'check the camera, then reset'),
    _protective('camera_frozen', 'images do not change', 'check the camera, then reset'),
    _protective('tracking_error', 'an arm does not follow its commands',
                'look for a collision, support the arm, then reset', 'motor_faults'),
    _protective('motor_off', 'a motor does not pull: it has probably switched itself off',
                'support the arm, read its error register, reboot it, then reset', 'motor_faults'),
    _protective('command_ignored', 'a joint stands still without load while its command moves: goals are dropped',
                'compare the servo\'s own limits with safety.yaml, restart the arm driver, then reset', 'motor_faults'),
    _protective('arms_swapped', 'each arm does what the other one is told',
                'swap the arms\' ports or namespaces, then reset', 'motor_faults'),
    _protective('gripper_dead', 'a gripper does not follow its commands',
                'free it, read its error register, reboot it, then reset', 'motor_faults'),
    _protective('motor_overload', 'a motor is overloaded', 'free the arm, let it cool down, then reset', 'motor_faults'),
    _protective('clock_step', 'a clock stepped', 'check the time service of the computer, then reset'),
    _protective('loop_overrun', 'the supervisor runs too slowly', 'take load off the computer, then reset'),
    _protective('unclean_end', 'the supervisor ended in a fault or while a source was armed',
                'look at the arms and at the log, then reset', 'latch'),
    _protective('latch_damaged', 'the record of the last stop cannot be read', 'look at the arms, then reset', 'latch'),
    _emergency('stop_pressed', 'stop pressed', 'release the stop, then reset'),
    _emergency('stop_source_lost', 'a stop button is missing or does not answer', 'restore it, then reset'),
    _emergency('duplicate_publisher', 'something else commands the arms too', 'end the other publisher, then reset'),
    Cause('internal_error', Severity.FAULT, Action.BRAKE, Clears.RESTART, False, 'the supervisor failed',
          'keep the log, report it, restart the supervisor', _test('internal_error')),
)

CAUSES = {cause.id: cause for cause in _TABLE}
"""Every cause by id."""
