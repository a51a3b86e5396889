"""The servos of one arm as the driver holds them: names, modes and control items."""
from dataclasses import dataclass, field

from ..embodiment.joints import DRIVER_JOINTS
from ..embodiment.limits import MAX_ARM_SPEED
from .arm_models import MOTOR_IDS, SHADOWS
from .registers import MODE_NUMBERS, factory_registers

POSITION_MODES = ('position', 'ext_position', 'current_based_position', 'linear_position')
LIMP_MODES = ('current', 'pwm')
"""Modes in which a joint of the arm gives way as long as nothing drives it."""


@dataclass(frozen=True)
class RobotInfo:
    """Answer of ``get_robot_info``, field by field; all empty for an unknown name."""

    mode: str = ''
    profile_type: str = ''
    joint_names: tuple = ()
    joint_ids: tuple = ()
    joint_lower_limits: tuple = ()
    joint_upper_limits: tuple = ()
    joint_velocity_limits: tuple = ()
    joint_sleep_positions: tuple = ()
    joint_state_indices: tuple = ()
    num_joints: int = 0
    name: tuple = ()


@dataclass
class Motor:
    """One servo: the place of its joint in the arm (0..6), bus id, mode and control items."""

    name: str
    index: int
    id: int
    mode: str = 'position'
    profile_type: str = 'velocity'
    registers: dict = field(default_factory=dict)

    def set_mode(self, mode, profile_type):
        """Change the operating mode."""
        self.mode, self.profile_type = mode, profile_type
        self.registers['Operating_Mode'] = MODE_NUMBERS[mode]


class UnknownTarget(ValueError):
    """No such command type, group or joint."""


class Motors:
    """All servos of one arm; ``by_name`` has the seven of the joint states, then the shadows."""

    def __init__(self, model):
        self.model = model
        self.groups = {'arm': DRIVER_JOINTS[:6], 'all': DRIVER_JOINTS[:7]}
        self.by_name = {name: Motor(name, i, MOTOR_IDS[i], registers=factory_registers(name, model))
                        for i, name in enumerate(DRIVER_JOINTS[:7])}
        for name, (joint, number) in SHADOWS.items():
            self.by_name[name] = Motor(name, DRIVER_JOINTS.index(joint), number,
                                       registers=factory_registers(joint, model))

    def select(self, kind, name):
        """Motors of a 'group' or of a 'single' joint. Raises UnknownTarget."""
        if kind == 'group' and name in self.groups:
            return [self.by_name[joint] for joint in self.groups[name]]
        if kind == 'single' and name in self.by_name:
            return [self.by_name[name]]
        raise UnknownTarget(f'no {kind} {name!r} on this arm; groups: {", ".join(self.groups)}; '
                            f'joints: {", ".join(self.by_name)}')

    def with_shadows(self, motors):
        """``motors`` and the shadows that take the same writes."""
        chosen = {motor.name for motor in motors}
        return [*motors, *(self.by_name[name] for name, (joint, _) in SHADOWS.items() if joint in chosen)]

    def of_joint(self, index):
        """The motors that turn joint ``index``."""
        return [motor for motor in self.by_name.values() if motor.index == index]

    def info(self, motors, name, rest):
        """``RobotInfo`` of motors selected by ``name``; ``rest``: m, finger distance at motor angle 0.

        For the gripper motor it describes the left finger, in metres.
        """
        model, finger = self.model, [motor.name == 'gripper' for motor in motors]
        arm = [min(motor.index, 5) for motor in motors]
        return RobotInfo(
            motors[0].mode, motors[0].profile_type,
            tuple('left_finger' if f else motor.name for f, motor in zip(finger, motors)),
            tuple(motor.id for motor in motors),
            tuple(float(model.finger_limits[0] if f else model.lower[i]) for f, i in zip(finger, arm)),
            tuple(float(model.finger_limits[1] if f else model.upper[i]) for f, i in zip(finger, arm)),
            tuple(1.0 if f else float(MAX_ARM_SPEED) for f in finger),
            tuple(float(rest if f else model.sleep[i]) for f, i in zip(finger, arm)),
            tuple(7 if f else motor.index for f, motor in zip(finger, motors)),
            len(motors), tuple(self.groups) if name == 'all' else (name,))
