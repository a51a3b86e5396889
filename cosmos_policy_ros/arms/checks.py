"""The start-up checks as data: what is asked, what is expected, and what to type when it is not so."""
from dataclasses import dataclass
from typing import Callable

import numpy as np

from cosmos_policy_ros.embodiment.joints import ARM_JOINTS
from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER

from .driver import MODE_NUMBERS

LIMIT_SLACK = 0.01
"""rad beyond the driver's limits that a resting arm may read; two of the servos' limits are this much narrower or wider."""

ERROR_BITS = {0x01: 'input voltage', 0x04: 'overheating', 0x08: 'encoder', 0x10: 'electrical shock', 0x20: 'overload'}
"""Bits of ``Hardware_Error_Status`` (Dynamixel X series)."""

REGISTERS = ('Operating_Mode', 'Torque_Enable', 'Hardware_Error_Status', 'Present_Temperature', 'Position_P_Gain',
             'Position_I_Gain', 'Position_D_Gain', 'Profile_Velocity', 'Profile_Acceleration')
"""Control items that are read of every motor."""

PREPARE = 'cosmos-policy-ros arms prepare'


@dataclass(frozen=True, eq=False)
class Readings:
    """What one arm was found to be: ``registers`` {item: {motor: value}}, ``modes`` {'arm' and 'gripper': mode},
    ``shadow_errors`` {shadow motor: error bits} of those that answer, ``state`` the newest ``ArmState``, ``rate`` Hz."""

    arm: str
    registers: dict
    current_limit: dict
    modes: dict
    shadow_errors: dict
    shadows: tuple
    state: object
    rate: float

    @property
    def errors(self):
        """{motor: error bits} of the motors that have switched themselves off, shadows included."""
        found = {**self.registers['Hardware_Error_Status'], **self.shadow_errors}
        return {motor: bits for motor, bits in found.items() if bits}


@dataclass(frozen=True)
class Check:
    """``wrong(readings, expected)`` yields what is wrong. ``asked`` and ``expected`` for people, the latter a format string
    on ``Expectations``; ``fix`` is to be typed or done, a format string on the arm's namespace."""

    id: str
    asked: str
    expected: str
    fix: str
    wrong: Callable
    fails: bool = True


@dataclass(frozen=True)
class Finding:
    """Result of one check on one arm: ``found`` is '' when all is well; ``fails``: the arm may not be used so."""

    arm: str
    check: str
    asked: str
    expected: str
    found: str
    fix: str
    fails: bool

    def __str__(self):
        return f'{self.arm} {self.check}: {self.found}; expected {self.expected}. Fix: {self.fix}'


def read_arm(arm, state, rate):
    """``Readings`` of an ``Arm`` with its newest ``ArmState`` and the rate (Hz) of its states."""
    return Readings(arm.name, {item: arm.read(item) for item in REGISTERS}, arm.read('Current_Limit', arm.gripper),
                    {'arm': arm.info(arm.joints).mode, 'gripper': arm.info(arm.gripper).mode},
                    arm.read_shadows('Hardware_Error_Status'), tuple(arm.names.shadows), state, rate)


def judge(readings, expected):
    """A ``Finding`` for every entry of ``CHECKS``, in their order."""
    return tuple(Finding(readings.arm, check.id, check.asked, check.expected.format(expected),
                         '; '.join(check.wrong(readings, expected)), check.fix.format(arm=readings.arm), check.fails)
                 for check in CHECKS)


def mode_differs(readings, expected, part):
    """Whether the 'arm' or the 'gripper' is in another mode than expected, by its name or by a register."""
    wanted = {'arm': expected.arm_mode, 'gripper': expected.gripper_mode}[part]
    numbers = [value for motor, value in readings.registers['Operating_Mode'].items()
               if (motor in ARM_JOINTS) == (part == 'arm')]
    return readings.modes[part] != wanted or any(number != MODE_NUMBERS[wanted] for number in numbers)


def describe_error(bits):
    """Words for the bits of ``Hardware_Error_Status``."""
    return ', '.join(text for bit, text in ERROR_BITS.items() if bits & bit) or f'0x{bits:02x}'


def _register(item, wanted):
    """Motors of which ``item`` is not ``wanted(expected, motor)``."""
    def wrong(readings, expected):
        for motor, value in readings.registers[item].items():
            if value != wanted(expected, motor):
                yield f'{item} of {motor} is {value}'
        if not readings.registers[item]:
            yield f'{item} is not answered'
    return wrong


def _all(*rules):
    return lambda readings, expected: [text for rule in rules for text in rule(readings, expected)]


def _slow(readings, expected):
    if readings.rate < expected.state_rate:
        yield f'{readings.rate:.0f} Hz'


def _dead(readings, _):
    if readings.state is None:
        yield 'no joint states'
    elif readings.state.fault:
        yield readings.state.fault


def _outside(readings, _):
    if readings.state is None or readings.state.fault:
        return
    joints = readings.state.joints
    for i in np.flatnonzero((joints < ARM_LOWER - LIMIT_SLACK) | (joints > ARM_UPPER + LIMIT_SLACK)):
        yield f'{ARM_JOINTS[i]} at {joints[i]:.3f} rad, limits {ARM_LOWER[i]:.3f} to {ARM_UPPER[i]:.3f}'


def _mode(readings, expected):
    for part, mode in readings.modes.items():
        if mode_differs(readings, expected, part):
            numbers = readings.registers['Operating_Mode']
            yield (f'{part} is in mode {mode!r}, Operating_Mode '
                   f'{sorted({value for motor, value in numbers.items() if (motor in ARM_JOINTS) == (part == "arm")})}')


def _latched(readings, _):
    for motor, bits in readings.errors.items():
        yield f'{motor} has switched itself off: {describe_error(bits)}'


def _hot(readings, expected):
    for motor, degrees in readings.registers['Present_Temperature'].items():
        if degrees >= expected.temperature_limit:
            yield f'{motor} is at {degrees} C'


def _current_limit(readings, expected):
    for motor, value in readings.current_limit.items():
        if value != expected.gripper_current_limit:
            yield f'Current_Limit of {motor} is {value}'


def _shadows(readings, _):
    for motor in readings.shadows:
        if motor not in readings.shadow_errors:
            yield f'{motor} is not answered'


def _gripper_map(_, expected):
    robot, safety = expected.gripper_maps
    if robot != safety:
        yield f'gripper_map is {robot!r} in the robot file and {safety!r} in the safety configuration'


CHECKS = (
    Check('state_rate', 'joint_states', 'at least {0.state_rate:g} Hz over {0.state_window:g} s',
          'set the latency timer of the USB adapter to 1 ms (udev rules of the driver), close whatever else uses the port, '
          'restart the driver with the arm supported', _slow),
    Check('bus', 'joint_states', 'finite positions, not all at -pi',
          'check the 12 V supply and the USB cable of {arm}; restart the driver with the arm supported', _dead),
    Check('error', 'Hardware_Error_Status of every motor and shadow', '0', 'cosmos-policy-ros arms recover', _latched),
    Check('temperature', 'Present_Temperature', 'below {0.temperature_limit} C',
          'let the motor rest, with the arm in its sleep pose or supported', _hot),
    Check('mode', 'robot info and Operating_Mode', 'arm {0.arm_mode}, gripper {0.gripper_mode}', PREPARE,
          _mode),
    Check('profile', 'Profile_Velocity, Profile_Acceleration', '{0.profile.velocity}, {0.profile.acceleration}', PREPARE,
          _all(_register('Profile_Velocity', lambda expected, _: expected.profile.velocity),
               _register('Profile_Acceleration', lambda expected, _: expected.profile.acceleration))),
    Check('gains', 'Position_P_Gain, Position_I_Gain, Position_D_Gain', '{0.gains.p}, {0.gains.i}, {0.gains.d}', PREPARE,
          _all(_register('Position_P_Gain', lambda expected, _: expected.gains.p),
               _register('Position_I_Gain', lambda expected, _: expected.gains.i),
               _register('Position_D_Gain', lambda expected, _: expected.gains.d))),
    Check('current_limit', 'Current_Limit of the gripper', '{0.gripper_current_limit} counts of 2.69 mA',
          'write Current_Limit (it is EEPROM, and case counts) into the motor file of {arm}, then restart the driver with '
          'load_configs:=true and the arm supported', _current_limit),
    Check('torque', 'Torque_Enable', '1', PREPARE, _register('Torque_Enable', lambda *_: 1)),
    Check('pose', 'joint_states', 'inside the limits of the servos',
          'support {arm}, switch its torque off, move it inside its limits by hand, then ' + PREPARE, _outside),
    Check('shadows', 'Hardware_Error_Status of the shadow motors', 'an answer',
          'correct shadow_motors in the robot parameters; errors of motors that do not answer stay unseen', _shadows, False),
    Check('gripper_map', 'gripper_map', 'the same in both files',
          'set gripper_map in config/safety.yaml to that of config/robot_*.yaml', _gripper_map),
)
"""In the order in which they are worth mending."""
