"""What the grippers were measured to do is judged, kept, and makes 0 and 1 of the ends of their travel."""
import dataclasses

import pytest

from cosmos_policy_ros.arms.calibration import CalibrationError, GripperReading, calibrated, judge_reading, load, store
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side

OLD, NEW = GRIPPER_MAPS['ros1'], GRIPPER_MAPS['interbotix_main']


def reading(gripper, closed=0.0, opened=1.0):
    motors = [float(gripper.joint_from_action(action)) for action in (closed, opened)]
    return GripperReading(*motors, *(float(gripper.finger_from_joint(motor)) for motor in motors))


def test_a_calibrated_gripper_is_observed_from_0_to_1():
    """With the constants of the newer robot alone it reads -0.08 to 1.33."""
    found = reading(NEW)
    assert NEW.observation_from_finger(found.open_finger) > 1.3
    after = calibrated(NEW, found)
    assert after.observation_from_finger(found.closed_finger) == pytest.approx(0.0)
    assert after.observation_from_finger(found.open_finger) == pytest.approx(1.0)
    assert after.joint_from_action(0.3) == NEW.joint_from_action(0.3), 'commands are untouched'


def test_a_file_gives_back_what_was_stored(tmp_path):
    path = tmp_path / 'state' / 'grippers.yaml'
    readings = {Side.LEFT: reading(OLD), Side.RIGHT: reading(OLD, 0.05)}
    store(path, readings, 'ros1', '2026-01-01T00:00:00', 'test')
    assert load(path, 'ros1') == readings and 'date' in path.read_text() and 'source: test' in path.read_text()
    with pytest.raises(CalibrationError, match='measured with gripper_map ros1'):
        load(path, 'interbotix_main')


@pytest.mark.parametrize('content', ['', 'gripper_map: ros1', 'gripper_map: ros1\nleft: {closed_motor: x}', '[', 'left: 3'])
def test_a_file_that_is_none_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / 'grippers.yaml'
    path.write_text(content)
    with pytest.raises(CalibrationError, match='grippers.yaml.*calibrate'):
        load(path, 'ros1')
    with pytest.raises(CalibrationError, match='missing.yaml'):
        load(tmp_path / 'missing.yaml', 'ros1')


def test_a_gripper_that_hardly_moves_is_no_calibration():
    with pytest.raises(CalibrationError, match='left: the gripper moved'):
        judge_reading(reading(OLD, 0.4, 0.6), OLD, 'left')


def test_another_linkage_is_found_and_named():
    judge_reading(reading(NEW), NEW, 'left')
    with pytest.raises(CalibrationError, match='set gripper_map to interbotix_main'):
        judge_reading(reading(dataclasses.replace(NEW, joint_close=OLD.joint_close, joint_open=OLD.joint_open)), OLD, 'left')


def test_readings_have_to_be_numbers_in_order():
    for values in ((0.0, 1.0, 0.05, 0.02), (0.0, 1.0, float('nan'), 0.05), ('a', 1.0, 0.02, 0.05)):
        with pytest.raises(CalibrationError, match='expected four'):
            GripperReading(*values)
