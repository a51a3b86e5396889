"""What can be broken in the simulated robot: a catalogue, and the record of what is broken now.

Whatever plays a part of the robot asks the record whether one of its faults is active; without any, nothing changes.
Some harm needs no injection, since the driver always does it: it drops a goal outside the servos' limits in silence,
and makes 0 rad of a NaN.
"""
from dataclasses import dataclass
from enum import Enum

from ..embodiment.joints import DRIVER_JOINTS
from .arm_models import SHADOWS

SERVICES = ('torque_enable', 'reboot_motors', 'get_robot_info', 'set_operating_modes', 'set_motor_pid_gains',
            'set_motor_registers', 'get_motor_registers')
"""Services of an arm's driver, below the arm's namespace."""


class Part(Enum):
    """What a fault befalls."""

    ARM = 'arm'
    MOTOR = 'arm/motor'
    SERVICE = 'arm/service'
    CAMERA = 'camera'
    STAMPS = 'arm or camera'


@dataclass(frozen=True)
class Fault:
    """One entry of the catalogue.

    ``lasting``: stays until it is mended; the others happen once and end as they do on the robot, or when mended.
    ``unit``: of the value, '' when it has none. ``default``: stands in for a value of 0. ``low``, ``high``: its range.
    """

    id: str
    text: str
    part: Part
    unit: str = ''
    default: float = 1.0
    low: float = 1.0
    high: float = 1.0
    lasting: bool = True


CATALOGUE = {fault.id: fault for fault in (
    Fault('dead_bus', 'every joint reads -pi with fresh stamps; nothing reaches the motors, which hold their goals',
          Part.ARM),
    Fault('nan_states', 'failed reads of the bus are published as NaN with fresh stamps', Part.ARM),
    Fault('sync_write_latch', 'group commands are dropped in silence; single commands and states go on', Part.ARM),
    Fault('slow_states', 'joint states come at this rate', Part.ARM, 'Hz', 30.0, 1.0, 99.0),
    Fault('state_gap', 'the driver is busy for so long: no joint states, commands and services wait', Part.ARM, 's',
          1.0, 0.02, 600.0, lasting=False),
    Fault('torque_off', 'the motors lose their torque and the arm collapses; torque_enable gives it back', Part.ARM,
          lasting=False),
    Fault('overload_latch', 'the motor protects itself and goes limp until it is rebooted; joint states do not show it',
          Part.MOTOR, 'bits of Hardware_Error_Status', 0x20, 1.0, 255.0, lasting=False),
    Fault('hung_service', 'requests are not taken; they are carried out when this is mended', Part.SERVICE),
    Fault('camera_late', 'images come so much later; their stamps stay those of the capture', Part.CAMERA, 's', 0.3,
          0.01, 10.0),
    Fault('camera_frozen', 'the picture stands still while its stamps go on', Part.CAMERA),
    Fault('camera_wrong_size', 'images are so wide, and as high as before', Part.CAMERA, 'pixels', 848.0, 64.0, 1280.0),
    Fault('camera_dropped', 'this share of the images is lost', Part.CAMERA, 'share', 1.0, 0.01, 1.0),
    Fault('clock_skew', 'stamps are off by so much, as from a computer with another clock', Part.STAMPS, 's', 0.5,
          -60.0, 60.0),
)}

CLEAR = 'clear'
"""In place of a fault's id: mend everything."""


class FaultError(ValueError):
    """No such fault or target, or a value out of range; the message says what there is."""


class Faults:
    """What is broken now.

    Args:
        arms, cameras: their names; they make the targets. A target may be cut short: ``follower_left`` stands for all
            motors or services of that arm, '' for every target of the fault.
    """

    def __init__(self, arms=(), cameras=()):
        motors = (*DRIVER_JOINTS[:7], *SHADOWS)
        self._targets = {
            Part.ARM: tuple(arms), Part.CAMERA: tuple(cameras), Part.STAMPS: (*arms, *cameras),
            Part.MOTOR: tuple(f'{arm}/{motor}' for arm in arms for motor in motors),
            Part.SERVICE: tuple(f'{arm}/{service}' for arm in arms for service in SERVICES)}
        self._active = {}

    def select(self, fault_id, target=''):
        """(``Fault``, targets that ``target`` stands for). Raises FaultError."""
        if fault_id not in CATALOGUE:
            raise FaultError(f'no fault {fault_id!r}; there are {", ".join(CATALOGUE)}, and {CLEAR}')
        fault = CATALOGUE[fault_id]
        known, wanted = self._targets[fault.part], target.strip('/')
        chosen = tuple(name for name in known if not wanted or name == wanted or name.startswith(f'{wanted}/'))
        if not chosen:
            raise FaultError(f'{fault_id} has no target {target!r}; it takes {", ".join(known) or "none here"}')
        return fault, chosen

    def inject(self, fault_id, target='', value=0.0):
        """Break something; returns (``Fault``, targets, value in effect). One that happens once is not recorded."""
        fault, chosen = self.select(fault_id, target)
        value = float(value) or fault.default
        if not fault.low <= value <= fault.high:
            raise FaultError(f'{fault_id}: {value:g} {fault.unit} is outside {fault.low:g} to {fault.high:g}')
        if fault.lasting:
            self._active.update({(fault_id, name): value for name in chosen})
        return fault, chosen, value

    def mend(self, fault_id, target=''):
        """Mend it; returns (``Fault``, targets)."""
        fault, chosen = self.select(fault_id, target)
        for name in chosen:
            self._active.pop((fault_id, name), None)
        return fault, chosen

    def clear(self):
        """Mend all lasting faults."""
        self._active.clear()

    def value(self, fault_id, target):
        """The value with which a lasting fault is active on one target, else None."""
        return self._active.get((fault_id, target))

    def active(self):
        """A line for each lasting fault that is active on a target."""
        return [f'{fault_id} {target}' + (f' {value:g} {CATALOGUE[fault_id].unit}' if CATALOGUE[fault_id].unit else '')
                for (fault_id, target), value in self._active.items()]

    def listing(self):
        """The catalogue with targets and values, then what is active; text of several lines."""
        lines = []
        for fault in CATALOGUE.values():
            span = f'{fault.low:g} to {fault.high:g}, 0 takes {fault.default:g}'
            lines.append(f'{fault.id} ({fault.part.value}): {fault.text}'
                         + (f'; value in {fault.unit}, {span}' if fault.unit else '')
                         + ('' if fault.lasting else '; happens once'))
        return '\n'.join([*lines, 'active: ' + ('; '.join(self.active()) or 'none')])
