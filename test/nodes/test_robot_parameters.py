"""The robot's constants as parameters: calibrated grippers, paired shadows, three naming conventions."""
from pathlib import Path

import pytest
import yaml

from cosmos_policy_ros.arms.calibration import GripperReading, store
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.nodes.parameters import ParameterError
from cosmos_policy_ros.nodes.robot import ArmParameters, MotorParameters

CONFIG = Path(__file__).resolve().parents[2] / 'config'


@pytest.mark.parametrize('name, left, leader', [
    ('interbotix_main', '/follower_left', '/leader_right'), ('interbotix_2_0', '/follower_left', '/leader_right'),
    ('ros1_names', '/puppet_left', '/master_right')])
def test_each_convention_names_arms_by_side(name, left, leader):
    """The 2.0 branch lists the right arm first; sides are names here, never places in a list."""
    content = yaml.safe_load((CONFIG / f'robot_{name}.yaml').read_text())['/**']['ros__parameters']
    robot = ArmParameters(**content)
    assert robot.arm(Side.LEFT) == left and robot.leader(Side.RIGHT) == leader


def test_a_calibration_changes_what_is_observed_and_not_what_is_commanded(tmp_path):
    path = tmp_path / 'grippers.yaml'
    readings = {side: GripperReading(-0.6, 1.4, 0.02 + 0.001 * i, 0.05) for i, side in enumerate(Side)}
    store(path, readings, 'ros1', 'today', 'test')
    robot = ArmParameters(gripper_calibration=str(path))
    assert robot.observed_gripper(Side.RIGHT).observation_from_finger(0.021) == pytest.approx(0.0)
    assert robot.observed_gripper(Side.LEFT).joint_from_action(1.0) == pytest.approx(robot.gripper.joint_open)
    assert ArmParameters().observed_gripper(Side.LEFT) is ArmParameters().gripper


def test_a_calibration_that_cannot_be_used_names_the_parameter(tmp_path):
    with pytest.raises(ParameterError, match='gripper_calibration.*missing.yaml'):
        ArmParameters(gripper_calibration=str(tmp_path / 'missing.yaml')).observed_gripper(Side.LEFT)


def test_shadows_without_the_motors_they_mirror_are_refused():
    assert MotorParameters().arm_names.shadows == {'shoulder_shadow': 'shoulder', 'elbow_shadow': 'elbow'}
    with pytest.raises(ParameterError, match='pair them'):
        MotorParameters(shadowed_motors=['shoulder']).arm_names
