"""What the grippers were measured to do, judged, kept in a file, and applied to the gripper's constants."""
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import yaml

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side

from .driver import ArmError

LEAST_TRAVEL = 0.5
"""Share of the commanded motor travel that a gripper has to do; less is a blocked or a switched-off one."""

LINKAGE_TOLERANCE = 0.003
"""m between the finger's distance and the one that the linkage gives for the motor's angle."""


class CalibrationError(ArmError):
    """A measurement that is none, or a file that cannot be used."""


@dataclass(frozen=True)
class GripperReading:
    """One gripper at the commands 0 (closed) and 1 (open), at rest: motor angles in rad, finger distances in m."""

    closed_motor: float
    open_motor: float
    closed_finger: float
    open_finger: float

    def __post_init__(self):
        values = [getattr(self, item.name) for item in fields(self)]
        numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        if not numbers or not np.isfinite(values).all() or not self.closed_finger < self.open_finger:
            raise CalibrationError(f'gripper readings {values}: expected four finite numbers, the open finger beyond the '
                                   'closed one; calibrate again')


def judge_reading(reading, gripper, name):
    """Raise ``CalibrationError`` for a reading that does not belong to a ``GripperMap``; ``name`` of the arm."""
    wanted = gripper.joint_open - gripper.joint_close
    travel = reading.open_motor - reading.closed_motor
    if travel < LEAST_TRAVEL * wanted:
        raise CalibrationError(f'{name}: the gripper moved {travel:.2f} rad of {wanted:.2f}; free the fingers, run '
                               '"cosmos-policy-ros arms check", then calibrate again')
    for motor, finger in ((reading.closed_motor, reading.closed_finger), (reading.open_motor, reading.open_finger)):
        expected = gripper.finger_from_joint(motor)
        if abs(finger - expected) > LINKAGE_TOLERANCE:
            fits = [other for other, known in GRIPPER_MAPS.items()
                    if abs(finger - known.finger_from_joint(motor)) <= LINKAGE_TOLERANCE]
            advice = f'set gripper_map to {" or ".join(fits)}' if fits else 'add a map to embodiment/gripper.py'
            raise CalibrationError(f'{name}: finger at {finger:.4f} m with the motor at {motor:.3f} rad, where gripper_map '
                                   f'has {expected:.4f} m: another linkage; {advice}')


def calibrated(gripper, reading):
    """``GripperMap`` whose observations are 0 and 1 where the commands 0 and 1 led; commands stay as they are."""
    return replace(gripper, finger_close=reading.closed_finger, finger_open=reading.open_finger)


def store(path, readings, gripper_map, date, source):
    """Write {``Side``: ``GripperReading``} to a YAML file, with what it belongs to.

    Raises:
        CalibrationError: it cannot be written.
    """
    content = {'date': date, 'source': source, 'gripper_map': gripper_map,
               **{side.value: asdict(reading) for side, reading in readings.items()}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding='utf-8')
    except OSError as error:
        raise CalibrationError(f'{path}: {error.strerror}; set calibration_file to a file that can be written') from error


def load(path, gripper_map):
    """{``Side``: ``GripperReading``} of a file.

    Raises:
        CalibrationError: it cannot be read, is incomplete, or belongs to another gripper map.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
        belongs = content['gripper_map']
        readings = {side: GripperReading(**content[side.value]) for side in Side}
    except (OSError, yaml.YAMLError, KeyError, TypeError, CalibrationError) as error:
        said = ' '.join(str(error).split())
        raise CalibrationError(f'{path}: {said}; run "cosmos-policy-ros arms calibrate" again, or empty '
                               'gripper_calibration') from error
    if belongs != gripper_map:
        raise CalibrationError(f'{path} was measured with gripper_map {belongs}, this is {gripper_map}; calibrate again')
    return readings
