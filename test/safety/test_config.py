"""The configuration: complete, checked, only ever tighter than the hardware."""
import copy

import numpy as np
import pytest
import yaml

from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.safety.config import ConfigError, SafetyConfig, load_config
from safety_rig import CONFIG_FILE

MAPPING = yaml.safe_load(CONFIG_FILE.read_text())


def changed(**values):
    return {**copy.deepcopy(MAPPING), **values}


def test_shipped_file_loads_and_uses_the_hardware_positions():
    config = load_config(CONFIG_FILE)
    assert config.arm_lower == pytest.approx(hardware_limits().lower[:6], abs=1e-5)
    assert config.arm_upper == pytest.approx(hardware_limits().upper[:6], abs=1e-5)
    assert config.cell == Cell()


@pytest.mark.parametrize('name', MAPPING)
def test_every_key_is_required(name):
    mapping = changed()
    del mapping[name]
    with pytest.raises(ConfigError, match=f'missing: {name}'):
        SafetyConfig.from_mapping(mapping)


# -1.0 is a number that a gripper's position or a finger's margin may be, and 'x' a name or a source; tests below hold
# positions and maps to what exists.
WELL_FORMED = (('gripper_lower', -1.0), ('gripper_upper', -1.0), ('gripper_map', 'x'), ('limits_source', 'x'),
               ('finger_gripper_margin', -1.0), ('finger_margin', -1.0))


@pytest.mark.parametrize('name, value', [
    (name, value) for name in MAPPING if name != 'cell' for value in (None, float('nan'), 'x', [1, 'x'], True, -1.0)
    if (name, value) not in WELL_FORMED])
def test_wrong_values_are_named(name, value):
    """Wrong types, non-finite and negative numbers."""
    with pytest.raises(ConfigError, match=name):
        SafetyConfig.from_mapping(changed(**{name: value}))


@pytest.mark.parametrize('values, message', [
    ({'spede': 1.0}, 'unknown: spede'),
    ({'cell': {**MAPPING['cell'], 'x': 1}}, 'unknown: cell.x'),
    ({'cell': {**MAPPING['cell'], 'left_base': [0, 0, 0]}}, 'cell.left_base: expected 4'),
    ({'cell': {**MAPPING['cell'], 'workspace_lower': [1.0, -0.3, 0.0]}}, 'workspace_lower: must be below'),
    ({'cell': 3}, 'cell: expected a mapping'),
    ({'arm_upper': [3.2, 1.2, 1.5, 3.1, 2.2, 3.1]}, 'arm_upper: .* only be tightened'),
    ({'arm_lower': [-3.1, -1.8, -1.5, -3.1, -1.2, -3.1]}, 'arm_lower: .* only be tightened'),
    ({'gripper_lower': -0.2}, 'gripper_lower: .* only be tightened'),
    ({'arm_speed': [3.0] * 5 + [3.2]}, 'arm_speed: .* only be tightened'),
    ({'gripper_acceleration': 300.0}, 'gripper_acceleration: .* only be tightened'),
    ({'arm_lower': [0.0] * 6, 'arm_upper': [0.0] * 6}, 'arm_lower: must be below'),
    ({'gripper_upper': -0.1}, 'gripper_lower: must be below'),
    ({'far_outside_factor': 1.0}, 'far_outside_factor'), ({'slow_scale': 1.5}, 'slow_scale'),
    ({'row_slack': 0.05}, 'row_slack'), ({'tick_period': 0.05}, 'tick_period'), ({'starvation': 0.04}, 'starvation'),
    ({'camera_warn': 1.0}, 'camera_warn'), ({'gripper_map': 'mine'}, 'gripper_map'),
    ({'servo_lag': [0.1] * 5 + [0.0]}, 'servo_lag'), ({'cameras': ['a', 'a']}, 'cameras'),
    ({'camera_authorities': ['ghost']}, 'camera_authorities'), ({'operator_authorities': ['ghost']}, 'operator_auth'),
    ({'planned_authorities': ['ghost']}, 'planned_auth'), ({'reduced_authorities': ['ghost']}, 'reduced_auth'),
    ({'wrist_cameras': ['cam_left_wrist']}, 'wrist_cameras: expected two'),
    ({'wrist_cameras': ['cam_left_wrist', 'ghost']}, 'wrist_cameras: expected two'),
    ({'current_warn': [2300.0] * 6}, 'current_warn: must be at most current_act'), ({'loop_gap': 0.015}, 'loop_gap'),
    ({'follow_window': 0.019}, 'follow_window'), ({'joint_states_warn': 0.2}, 'joint_states_warn'),
    ({'stop_source_warn': 0.2}, 'stop_source_warn'), ({'tracking_warn': 0.3}, 'tracking_warn'),
    ({'slow_zone_scale': 1.5}, 'slow_zone_scale'), ({'arm_acceleration': [5.0] * 6}, 'arm_acceleration: a stop'),
    ({'gripper_acceleration': 5.0}, 'gripper_acceleration: a stop'), ({'walls_lower': [2.0, 2.0, 2.0]}, 'walls_lower'),
    ({'walls_lower': [0.0, 0.0]}, 'walls_lower: expected 3'), ({'keep_out': [1]}, 'keep_out: expected names'),
    ({'keep_out': {'post': [[0, 0, 0]]}}, 'keep_out.post: expected'), ({'keep_out': {'post': [[0, 0], [1, 1, 1]]}}, 'post'),
    ({'keep_out': {'post': [[0, 0, 0], [1, 0, 1]]}}, 'keep_out.post: the first corner')])
def test_contradictions_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        SafetyConfig.from_mapping(changed(**values))


@pytest.mark.parametrize('text', ['- 1', ': :', ''])
def test_files_that_are_no_configuration(tmp_path, text):
    path = tmp_path / 'safety.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_config(path)
    with pytest.raises(ConfigError, match='No such file'):
        load_config(tmp_path / 'absent.yaml')


def test_digest_tells_configurations_apart():
    base = SafetyConfig.from_mapping(changed())
    assert base.digest == SafetyConfig.from_mapping(dict(reversed(list(changed().items())))).digest
    assert base.digest != SafetyConfig.from_mapping(changed(arm_speed=[2.0] * 6)).digest
    assert base.digest != SafetyConfig.from_mapping(changed(keep_out={})).digest
    assert base.digest != SafetyConfig.from_mapping(changed(cell={**MAPPING['cell'], 'table_height': 0.01})).digest


def test_lists_are_frozen():
    config = load_config(CONFIG_FILE)
    assert all(isinstance(value, tuple) for value in (config.arm_lower, config.cameras, config.cell.bases[Side.LEFT]))
    assert np.isfinite(config.servo_lag).all()


@pytest.mark.parametrize('values', [
    {'slow_scale': 1.0}, {'joint_states_warn': 0.1}, {'wrist_cameras': []}, {'current_warn': MAPPING['current_act']},
    {'follow_window': 0.02}, {'table_margin': 0.0}, {'row_slack': 0.0}, {'tick_period': 0.04, 'loop_gap': 0.2},
    {'keep_out': {}}, {'stop_sources': []}, {'arm_acceleration': [6.0] * 6}])
def test_bounds_themselves_are_good(values):
    config = SafetyConfig.from_mapping(changed(**values))
    for name, value in values.items():
        assert getattr(config, name) == (tuple(value) if isinstance(value, (list, dict)) else value)
