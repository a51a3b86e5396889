"""The supervisor's configuration: one frozen record, no defaults in code."""
import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields

import numpy as np
import yaml

from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import GRIPPER_INDEX, Side
from cosmos_policy_ros.embodiment.limits import hardware_limits

from .keep_out import KeepOut

CELL_KEYS = {'left_base': 4, 'right_base': 4, 'workspace_lower': 3, 'workspace_upper': 3}
MAY_BE_ZERO = ('table_margin', 'row_slack', 'keep_out_margin')
MAY_HAVE_ANY_SIGN = ('gripper_lower', 'gripper_upper', 'finger_gripper_margin', 'finger_margin')
BY_JOINT = ('arm_lower', 'arm_upper', 'arm_speed', 'arm_acceleration', 'servo_lag', 'current_warn', 'current_act')
CORNERS = ('walls_lower', 'walls_upper')
LONGEST_STOP = 0.5
"""s from full speed to rest, of every joint."""


class ConfigError(ValueError):
    """The configuration is wrong; the message says which key and what is expected."""


@dataclass(frozen=True)
class SafetyConfig:
    """Every value of ``config/safety.yaml``, which explains each; s, rad, m, openings."""

    authorities: tuple
    camera_authorities: tuple
    operator_authorities: tuple
    planned_authorities: tuple
    cameras: tuple
    wrist_cameras: tuple
    stop_sources: tuple
    arm_lower: tuple
    arm_upper: tuple
    gripper_lower: float
    gripper_upper: float
    arm_speed: tuple
    gripper_speed: float
    arm_acceleration: tuple
    gripper_acceleration: float
    far_outside_factor: float
    clamped_rows_limit: int
    slow_scale: float
    reduced_authorities: tuple
    reduced_speed: float
    limits_source: str
    row_period: float
    tick_period: float
    row_slack: float
    row_max_age: float
    row_max_lead: float
    standing_chunk_age: float
    starvation: float
    overrun_factor: float
    overrun_count: int
    clock_step: float
    loop_gap: float
    joint_states_warn: float
    joint_states_act: float
    camera_warn: float
    camera_act: float
    camera_frozen: float
    camera_motion: float
    stop_source_warn: float
    stop_source_act: float
    stop_source_echo: float
    fresh_before_reset: float
    rest_window: float
    rest_motion: float
    servo_lag: tuple
    gripper_lag: float
    tracking_warn: float
    tracking_act: float
    tracking_time: float
    follow_window: float
    follow_motion: float
    gripper_tolerance: float
    gripper_time: float
    idle_current: float
    load_current: float
    current_warn: tuple
    current_act: tuple
    current_time: float
    gripper_current: float
    gripper_current_time: float
    hold_tolerance: float
    arm_margin: float
    hand_margin: float
    gripper_margin: float
    finger_gripper_margin: float
    finger_margin: float
    slow_zone: float
    slow_zone_scale: float
    table_margin: float
    walls_lower: tuple
    walls_upper: tuple
    keep_out: tuple
    keep_out_margin: float
    gripper_map: str
    cell: Cell

    def __post_init__(self):
        for field in fields(self):
            _check(field, getattr(self, field.name))
        hardware = hardware_limits()
        gripper = GRIPPER_INDEX[Side.LEFT]
        for arm, hand, sign in (('arm_lower', 'gripper_lower', 1), ('arm_upper', 'gripper_upper', -1),
                                ('arm_speed', 'gripper_speed', -1), ('arm_acceleration', 'gripper_acceleration', -1)):
            bound = getattr(hardware, arm.partition('_')[2])
            if (sign * np.asarray(getattr(self, arm)) < sign * bound[:6]).any():
                raise ConfigError(f'{arm}: {getattr(self, arm)} is wider than the hardware allows, '
                                  f'{bound[:6].tolist()}; limits can only be tightened')
            if sign * getattr(self, hand) < sign * bound[gripper]:
                raise ConfigError(f'{hand}: {getattr(self, hand)} is wider than the hardware allows, {bound[gripper]}; '
                                  'limits can only be tightened')
        _require(all(low < high for low, high in zip(self.arm_lower, self.arm_upper)),
                 'arm_lower: must be below arm_upper')
        _require(self.gripper_lower < self.gripper_upper, 'gripper_lower: must be below gripper_upper')
        _require(self.far_outside_factor > 1, 'far_outside_factor: must be above 1')
        for name in ('slow_scale', 'slow_zone_scale'):
            _require(getattr(self, name) <= 1, f'{name}: must be at most 1')
        for part in ('arm', 'gripper'):
            stop = np.max(np.divide(getattr(self, f'{part}_speed'), getattr(self, f'{part}_acceleration')))
            _require(stop <= LONGEST_STOP, f'{part}_acceleration: a stop from full speed would take {stop:.2f} s; '
                                           f'raise it or lower {part}_speed until it takes at most {LONGEST_STOP} s')
        _require(all(low < high for low, high in zip(self.walls_lower, self.walls_upper)),
                 'walls_lower: must be below walls_upper')
        _require(self.row_slack < self.row_period, 'row_slack: must be below row_period')
        _require(self.tick_period <= self.row_period, 'tick_period: must be at most row_period')
        _require(self.starvation > self.row_period, 'starvation: must be above row_period, else every row starves')
        for name in ('joint_states', 'camera', 'stop_source', 'tracking'):
            _require(getattr(self, f'{name}_warn') <= getattr(self, f'{name}_act'),
                     f'{name}_warn: must be at most {name}_act')
        _require(self.gripper_map in GRIPPER_MAPS,
                 f'gripper_map: {self.gripper_map!r} is none of {", ".join(GRIPPER_MAPS)}')
        _require(all(warn <= act for warn, act in zip(self.current_warn, self.current_act)),
                 'current_warn: must be at most current_act, joint by joint')
        _require(self.loop_gap > self.overrun_factor * self.tick_period,
                 'loop_gap: must be above an overrun, overrun_factor times tick_period')
        _require(self.follow_window >= 2 * self.tick_period, 'follow_window: must be at least two tick_periods')
        _require(len(self.wrist_cameras) in (0, 2) and set(self.wrist_cameras) <= set(self.cameras),
                 f'wrist_cameras: expected two of cameras, left and right, or none, got {list(self.wrist_cameras)}')
        for name in ('camera_authorities', 'operator_authorities', 'planned_authorities', 'reduced_authorities'):
            unknown = set(getattr(self, name)) - set(self.authorities)
            _require(not unknown, f'{name}: {sorted(unknown)} not among authorities')

    @classmethod
    def from_mapping(cls, mapping):
        """The configuration in a mapping with exactly the keys of ``config/safety.yaml``.

        Raises:
            ConfigError: a key is missing or unknown, or a value is wrong.
        """
        if not isinstance(mapping, dict):
            raise ConfigError(f'expected a mapping of names to values, got {type(mapping).__name__}')
        _same_keys(mapping, [field.name for field in fields(cls)], '')
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in mapping.items()
                      if name not in ('cell', 'keep_out')},
                   cell=_cell(mapping['cell']), keep_out=_boxes(mapping['keep_out']))

    @property
    def digest(self):
        """SHA-256 of all values, to record which limits were in force."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        cell, values['keep_out'] = values.pop('cell'), [asdict(box) for box in self.keep_out]
        values['cell'] = {'bases': {side.value: pose for side, pose in cell.bases.items()},
                          'lower': cell.workspace_lower, 'upper': cell.workspace_upper, 'table': cell.table_height}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def load_config(path):
    """``SafetyConfig`` of a YAML file.

    Raises:
        ConfigError: the file cannot be read or does not hold a valid configuration.
    """
    try:
        with open(path, encoding='utf-8') as file:
            mapping = yaml.safe_load(file)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f'safety configuration: {error}') from error
    try:
        return SafetyConfig.from_mapping(mapping)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from error


def _check(field, value):
    name = field.name
    if field.type is float or field.type is int:
        number = isinstance(value, int) or (field.type is float and isinstance(value, float))
        _require(number and not isinstance(value, bool) and math.isfinite(value),
                 f'{name}: expected a finite {field.type.__name__}, got {value!r}')
        _require(name in MAY_HAVE_ANY_SIGN or value > 0 or (value == 0 and name in MAY_BE_ZERO),
                 f'{name}: expected a positive number, got {value!r}')
    elif name == 'keep_out':
        _require(isinstance(value, tuple) and all(isinstance(box, KeepOut) for box in value),
                 f'{name}: expected boxes, got {value!r}')
    elif name in CORNERS:
        _numbers(name, value, 3)
    elif name in BY_JOINT:
        _numbers(name, value, 6)
        _require(name in ('arm_lower', 'arm_upper') or min(value) > 0, f'{name}: expected positive numbers, got {value!r}')
    elif field.type is tuple:
        _require(isinstance(value, tuple) and all(isinstance(entry, str) and entry for entry in value)
                 and len(set(value)) == len(value), f'{name}: expected a list of different names, got {value!r}')
    else:
        _require(isinstance(value, field.type), f'{name}: expected a {field.type.__name__}, got {value!r}')


def _cell(mapping):
    if not isinstance(mapping, dict):
        raise ConfigError(f'cell: expected a mapping, got {mapping!r}')
    _same_keys(mapping, [*CELL_KEYS, 'table_height'], 'cell.')
    values = {name: _numbers(f'cell.{name}', mapping[name], count) for name, count in CELL_KEYS.items()}
    _require(all(low < high for low, high in zip(values['workspace_lower'], values['workspace_upper'])),
             'cell.workspace_lower: must be below cell.workspace_upper')
    (table,) = _numbers('cell.table_height', [mapping['table_height']], 1)
    return Cell({Side.LEFT: values['left_base'], Side.RIGHT: values['right_base']},
                values['workspace_lower'], values['workspace_upper'], table)


def _boxes(mapping):
    _require(isinstance(mapping, dict), f'keep_out: expected names and boxes, or {{}} for none, got {mapping!r}')
    boxes = []
    for name, corners in mapping.items():
        _require(isinstance(corners, list) and len(corners) == 2,
                 f'keep_out.{name}: expected [lower corner, upper corner], got {corners!r}')
        lower, upper = (_numbers(f'keep_out.{name}', corner, 3) for corner in corners)
        _require(all(low < high for low, high in zip(lower, upper)),
                 f'keep_out.{name}: the first corner must be below the second in x, y and z')
        boxes.append(KeepOut(str(name), lower, upper))
    return tuple(boxes)


def _numbers(name, value, count):
    good = (isinstance(value, (list, tuple)) and len(value) == count
            and all(isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in value))
    _require(good, f'{name}: expected {count} finite numbers, got {value!r}')
    return tuple(float(x) for x in value)


def _same_keys(mapping, expected, prefix):
    missing = [name for name in expected if name not in mapping]
    unknown = [name for name in mapping if name not in expected]
    _require(not missing,
             f'missing: {", ".join(prefix + name for name in missing)}; config/safety.yaml shows every key')
    _require(not unknown, f'unknown: {", ".join(prefix + str(name) for name in unknown)}; check the spelling')


def _require(condition, message):
    if not condition:
        raise ConfigError(message)
