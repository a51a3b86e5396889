"""What the arm driver (Interbotix ``xs_sdk``) makes of commands, services and motors, on the simulated arms.

No ROS: a node feeds it messages and publishes what it returns. Behaviour as read in the driver's source, the harmful
parts included: a NaN goal becomes 0 rad, a goal beyond the servo's limits is dropped in silence, goals never expire,
services stall the state stream, an unknown register is ignored. All time is the world's.
"""
from dataclasses import dataclass, field

import numpy as np

from ..embodiment.joints import ARM_JOINTS, DRIVER_JOINTS
from ..embodiment.limits import ARM_LOWER, ARM_UPPER, MAX_ARM_SPEED
from .registers import REGISTERS, factory_registers
from .world import SERVO_TICK

MODES = ('position', 'ext_position', 'current_based_position', 'linear_position', 'velocity', 'current', 'pwm')
_POSITION_MODES = ('position', 'ext_position', 'current_based_position')

SPEED_TICK = 0.229 * 2 * np.pi / 60
"""rad/s of one count of Present_Velocity."""

CURRENT_TICK = 2.69
"""mA of one count of Present_Current."""

FINGER_LIMITS = (0.021, 0.057)
"""m, URDF limits of a finger; what ``robot_info`` gives for the gripper."""

SLEEP_POSITIONS = (0.0, -2.05, 1.7, 0.0, -2.0, 0.0)
"""rad; shoulder, elbow and wrist angle lie outside the servos' limits, as in the vendor's file."""

SERVO_TIME, MODE_TIME, REBOOT_TIME, REGISTER_TIME = 0.011, 0.08, 1.0, 0.003
"""s of bus time per motor: a write that waits, a change of mode, a reboot, a register read."""

# Two XM540 share shoulder and elbow: 10.6 N m at 4.4 A each; the wrist-rotate XM430-W350: 4.1 N m at 2.3 A.
_MILLIAMPERE_PER_NM = np.array([415, 208, 208, 415, 415, 560])
_MILLIAMPERE_PER_NEWTON = 15.0  # the gripper motor through its crank, about
_GAIN_REGISTERS = ('Position_P_Gain', 'Position_I_Gain', 'Position_D_Gain', 'Feedforward_1st_Gain', 'Feedforward_2nd_Gain',
                   'Velocity_P_Gain', 'Velocity_I_Gain')
_STANDARD_P_GAIN = 800


@dataclass(frozen=True)
class RobotInfo:
    """Answer of ``get_robot_info``, field by field."""

    mode: str
    profile_type: str
    joint_names: tuple
    joint_ids: tuple
    joint_lower_limits: tuple
    joint_upper_limits: tuple
    joint_velocity_limits: tuple
    joint_sleep_positions: tuple
    joint_state_indices: tuple
    num_joints: int
    name: tuple


NO_INFO = RobotInfo('', '', (), (), (), (), (), (), (), 0, ())


@dataclass
class Motor:
    """One servo as the driver sees it. ``goal_held``: the goal that it keeps while torque is on (rad or None)."""

    name: str
    id: int
    mode: str
    torque: bool = True
    profile_type: str = 'velocity'
    registers: dict = field(default_factory=dict)


class ArmDriver:
    """One arm's driver.

    Commands and services return '' or the text of the error that the real driver would only log; services have no
    other success value, as on the robot. While ``world.time < busy_until`` the real driver publishes no states.
    """

    def __init__(self, world, side, gripper_mode='current_based_position'):
        """``gripper_mode``: the driver launches with 'linear_position'; the ALOHA set-up then changes it to the default."""
        self.world, self.side = world, side
        self.busy_until = world.time
        self.motors = {name: Motor(name, ident, gripper_mode if name == 'gripper' else 'position',
                                   registers=factory_registers(name))
                       for name, ident in zip(DRIVER_JOINTS[:7], (1, 2, 4, 6, 7, 8, 9))}
        self.groups = {'arm': ARM_JOINTS, 'all': DRIVER_JOINTS[:7]}

    # States

    def states(self):
        """(names, position (9,), velocity (9,), effort (9,)) of ``joint_states``.

        rad and rad/s of the motors, m of the fingers, quantised as the servos report; effort in mA. Finger speeds and
        efforts are always 0.
        """
        gripper, world = self.world.gripper_map, self.world
        finger = world.finger(self.side)
        motor = gripper.joint_from_finger(finger)
        slope = (gripper.finger_from_joint(motor + 1e-4) - gripper.finger_from_joint(motor - 1e-4)) / 2e-4
        position, velocity, effort = np.zeros(9), np.zeros(9), np.zeros(9)
        position[:7] = _quantise(np.append(world.joints(self.side), motor), SERVO_TICK)
        position[7] = gripper.finger_from_joint(position[6])
        position[8] = -position[7]
        velocity[:7] = _quantise(np.append(world.joint_speeds(self.side), world.finger_speed(self.side) / slope), SPEED_TICK)
        force = world.servo_force(self.side)
        effort[:7] = _quantise(np.append(force[:6] * _MILLIAMPERE_PER_NM, force[6] * _MILLIAMPERE_PER_NEWTON), CURRENT_TICK)
        limit = self.motors['gripper'].registers['Current_Limit'] * CURRENT_TICK
        effort[6] = np.clip(effort[6], -limit, limit)
        return DRIVER_JOINTS, position, velocity, effort

    # Commands

    def command_group(self, name, values):
        """``commands/joint_group``: goals (float32 payload) for all motors of a group."""
        motors = self._select('group', name)
        if isinstance(motors, str):
            return motors
        if len(values) != len(motors):
            return f'group {name!r} has {len(motors)} joints but the command has {len(values)} values: dropped'
        return '; '.join(filter(None, (self._goal(motor, value) for motor, value in zip(motors, values))))

    def command_single(self, name, value):
        """``commands/joint_single``: a goal (float32 payload) for one motor. Costs the bus 11 ms."""
        motors = self._select('single', name)
        if isinstance(motors, str):
            return motors
        self._stall(SERVO_TIME)
        return self._goal(motors[0], value)

    def _goal(self, motor, value):
        if motor.mode not in (*_POSITION_MODES, 'linear_position'):
            return f'{motor.name}: goals in mode {motor.mode!r} are not simulated'
        if not motor.torque:
            return ''
        value = float(np.float32(value))
        if not np.isfinite(value):
            value = 0.0  # the driver's conversion to encoder counts falls through to the centre of the scale
        if motor.name == 'gripper':
            if motor.mode == 'linear_position':
                value = self.world.gripper_map.joint_from_finger(max(value / 2, 1e-3))
            self.world.command_gripper(self.side, value)
        else:
            goals = self.world.arm_goal(self.side)
            goals[ARM_JOINTS.index(motor.name)] = value
            self.world.command_arm(self.side, goals)
        return ''

    # Services

    def torque_enable(self, kind, name, enable):
        """``torque_enable``: off lets the arm sag and ignore commands; on holds wherever the motor is by then."""
        return self._service(kind, name, SERVO_TIME, lambda motor: self._torque(motor, enable))

    def reboot(self, kind, name, enable, smart_reboot=False):
        """``reboot_motors``: 1 s without torque per motor, one after the other; with ``enable`` torque returns at the end.

        ``smart_reboot`` reboots only motors with a latched error.
        """
        motors = self._select(kind, name)
        if isinstance(motors, str):
            return motors
        if smart_reboot:
            motors = [motor for motor in motors if motor.registers['Hardware_Error_Status']]
        for motor in motors:
            self._torque(motor, False)
            motor.registers['Hardware_Error_Status'] = 0
            motor.registers.update(Profile_Velocity=0, Profile_Acceleration=0)
        self._stall(REBOOT_TIME * len(motors))
        if enable:
            for motor in motors:
                self.world.after(self.busy_until, lambda motor=motor: self._torque(motor, True))
        return ''
