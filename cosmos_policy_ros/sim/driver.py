"""What the arm driver (Interbotix ``xs_sdk``) makes of commands, services and motors, on the simulated arms.

No ROS: a node feeds it messages and publishes what it returns. Behaviour as read in the driver's source, the harmful
parts included: a NaN goal becomes 0 rad, a goal beyond the servo's limits is dropped in silence, goals never expire,
services stall the state stream, an unknown register is ignored. All time is the world's.
"""
from dataclasses import dataclass, field

import numpy as np

from ..embodiment.joints import ARM_JOINTS, ARM_SLICE, DRIVER_JOINTS, GRIPPER_INDEX
from ..embodiment.limits import ARM_LOWER, ARM_UPPER, MAX_ARM_SPEED
from .registers import GAINS, MODE_NUMBERS, STANDARD_P_GAIN, counts_of, factory_registers, forget_ram, writable
from .world import SERVO_TICK

POSITION_MODES = ('position', 'ext_position', 'current_based_position', 'linear_position')

SPEED_TICK = 0.229 * 2 * np.pi / 60
"""rad/s of one count of Present_Velocity."""

CURRENT_TICK = 2.69
"""mA of one count of Present_Current."""

FINGER_LIMITS = (0.021, 0.057)
"""m, URDF limits of a finger; what ``robot_info`` gives for the gripper."""

SLEEP_POSITIONS = (0.0, -2.05, 1.7, 0.0, -2.0, 0.0)
"""rad; shoulder, elbow and wrist angle lie outside the servos' limits, as in the vendor's file."""

WRITE_TIME, MODE_TIME, REBOOT_TIME, READ_TIME = 0.011, 0.08, 1.0, 0.003
"""s of bus time per motor: an acknowledged write, a change of mode, a reboot, a register read."""

# Motor data: XM540-W270 4.4 A at 10.6 N m (two of them at shoulder and elbow), XM430-W350 2.3 A at 4.1 N m.
_MILLIAMPERE_PER_NM = np.array([415, 208, 208, 415, 415, 560])
_MILLIAMPERE_PER_NEWTON = 15.0  # gripper: the XM430 through its crank, per newton at one finger (estimate)
_IDS = (1, 2, 4, 6, 7, 8, 9)


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
    """One servo: its place in the arm (0..6), bus id, mode and control items."""

    name: str
    index: int
    id: int
    mode: str = 'position'
    profile_type: str = 'velocity'
    registers: dict = field(default_factory=dict)


class UnknownTarget(ValueError):
    """No such command type, group or joint."""


class ArmDriver:
    """One arm's driver.

    Commands and services return '' or the text that the real driver would log as an error; the robot's services have
    no success value either. Each service and each single command keeps the bus busy until ``busy_until`` (s, world
    time): meanwhile there are no states, and commands wait. A node calls ``states`` at 100 Hz, which also lets
    waiting commands through.
    """

    def __init__(self, world, side, gripper_mode='current_based_position'):
        """``gripper_mode``: 'linear_position' is how the driver launches; ALOHA's set-up leaves the default."""
        self.world, self.side, self._gripper_mode = world, side, gripper_mode
        self.groups = {'arm': ARM_JOINTS, 'all': DRIVER_JOINTS[:7]}
        self.reset()

    def reset(self):
        """As freshly started: registers of the factory file, torque on. To be called after a reset of the world."""
        self.busy_until, self._waiting = self.world.time, []
        self.motors = {name: Motor(name, i, _IDS[i], registers=factory_registers(name))
                       for i, name in enumerate(DRIVER_JOINTS[:7])}
        for motor in self.motors.values():
            self._set_mode(motor, self._gripper_mode if motor.name == 'gripper' else 'position', 'velocity')

    def states(self):
        """(names, position (9,), velocity (9,), effort (9,)) of ``joint_states``; None while the bus is busy.

        rad and rad/s of the motors, m of the fingers, quantised as the servos report; effort in mA. Finger speeds and
        efforts are always 0.
        """
        if not self._free():
            return None
        world, gripper = self.world, self.world.gripper_map
        angle = gripper.joint_from_finger(world.finger(self.side))
        slope = (gripper.finger_from_joint(angle + 1e-4) - gripper.finger_from_joint(angle - 1e-4)) / 2e-4
        force = world.servo_force(self.side)
        position, velocity, effort = np.zeros(9), np.zeros(9), np.zeros(9)
        position[:7] = _quantise(np.append(world.joints(self.side), angle), SERVO_TICK)
        position[7] = gripper.finger_from_joint(position[6])
        position[8] = -position[7]
        speeds = np.append(world.joint_speeds(self.side), world.finger_speed(self.side) / slope)
        velocity[:7] = _quantise(speeds, SPEED_TICK)
        effort[:6] = _quantise(force[:6] * _MILLIAMPERE_PER_NM, CURRENT_TICK)
        limit = self.motors['gripper'].registers['Current_Limit'] * CURRENT_TICK
        effort[6] = np.clip(_quantise(force[6] * _MILLIAMPERE_PER_NEWTON, CURRENT_TICK), -limit, limit)
        return DRIVER_JOINTS, position, velocity, effort

    def command_group(self, name, values):
        """``commands/joint_group``: goals for all motors of a group (float32 payload)."""
        return self._command('group', name, values)

    def command_single(self, name, value):
        """``commands/joint_single``: a goal for one motor (float32 payload); keeps the bus busy for 11 ms."""
        problem = self._command('single', name, [value])
        self._occupy(WRITE_TIME)
        return problem

    def _command(self, kind, name, values):
        try:
            motors = self._select(kind, name)
        except UnknownTarget as error:
            return str(error)
        if len(values) != len(motors):
            return f'{kind} {name!r} has {len(motors)} joints but the command has {len(values)} values: dropped'
        wrong = [motor.name for motor in motors if motor.mode not in POSITION_MODES]
        if wrong:
            return f'goals in the present mode of {", ".join(wrong)} are not simulated: dropped'
        values = np.asarray(values, dtype=np.float32).astype(float)
        if self._free():
            self._set_goals(motors, values)
        else:
            self._waiting.append((self.busy_until, lambda: self._set_goals(motors, values)))
        return ''

    def _set_goals(self, motors, values):
        arm = self.world.arm_goal(self.side)
        # The driver's conversion of a number that is not finite falls through to the centre of the scale.
        for motor, value in zip(motors, np.where(np.isfinite(values), values, 0.0)):
            if motor.name != 'gripper':
                arm[motor.index] = value
            elif motor.mode == 'linear_position':
                self.world.command_gripper(self.side, self.world.gripper_map.joint_from_finger(max(value / 2, 1e-3)))
            else:
                self.world.command_gripper(self.side, value)
        self.world.command_arm(self.side, arm)

    def torque_enable(self, kind, name, enable):
        """``torque_enable``: off, and the arm sags; on, and it chases the goal that it still has at full speed."""
        return self._service(kind, name, WRITE_TIME, lambda motor: self._set_torque(motor, enable))

    def reboot(self, kind, name, enable, smart_reboot=False):
        """``reboot_motors``: 1 s a motor, one after the other; all limp until the end, when ``enable`` returns torque.

        Clears latched errors and everything in RAM; ``smart_reboot`` reboots only motors with a latched error.
        """
        try:
            motors = self._select(kind, name)
        except UnknownTarget as error:
            return str(error)
        if smart_reboot:
            motors = [motor for motor in motors if motor.registers['Hardware_Error_Status']]
        for motor in motors:
            forget_ram(motor.registers)
            self.world.set_servo_gain(self.side, motor.index, 0.0)
        self._occupy(REBOOT_TIME * len(motors))
        self._waiting.append((self.busy_until, lambda: self._rebooted(motors, enable)))
        return ''

    def _rebooted(self, motors, enable):
        for motor in motors:
            self.world.hold_here(self.side, motor.index)
            self._set_torque(motor, enable)

    def set_operating_modes(self, kind, name, mode, profile_type='velocity', profile_velocity=0,
                            profile_acceleration=0):
        """``set_operating_modes``: always ends with torque on. Profiles are stored, not simulated."""
        if mode not in MODE_NUMBERS:
            return f'unknown operating mode {mode!r}; known: {", ".join(MODE_NUMBERS)}'

        def change(motor):
            self._set_mode(motor, mode, profile_type)
            motor.registers.update(Profile_Velocity=profile_velocity, Profile_Acceleration=profile_acceleration)
        return self._service(kind, name, MODE_TIME, change)

    def set_gains(self, kind, name, *gains):
        """``set_motor_pid_gains``: the seven values of ``GAINS`` in order. Position P acts, 800 being the standard."""
        if len(gains) != len(GAINS):
            return f'expected the {len(GAINS)} gains {", ".join(GAINS)}, got {len(gains)}'
        values = dict(zip(GAINS, gains))
        return self._service(kind, name, len(GAINS) * WRITE_TIME, lambda motor: self._write(motor, values))

    def set_registers(self, kind, name, item, value):
        """``set_motor_registers``: an unknown name, a wrong case or a locked EEPROM item is ignored without a word."""
        return self._service(kind, name, WRITE_TIME, lambda motor: self._write(motor, {item: value}))

    def get_registers(self, kind, name, item):
        """``get_motor_registers``: (values of the motors, error text); no values for an unknown name."""
        values = []
        problem = self._service(kind, name, READ_TIME, lambda motor: values.append(self._read(motor).get(item)))
        if None in values:
            return (), f'no control item {item!r} (names are case-sensitive)'
        return tuple(values), problem

    def robot_info(self, kind, name):
        """(``RobotInfo``, error text). For the gripper motor it describes the left finger, in metres."""
        try:
            motors = self._select(kind, name)
        except UnknownTarget as error:
            return RobotInfo(), str(error)
        finger = [motor.name == 'gripper' for motor in motors]
        arm = [min(motor.index, 5) for motor in motors]
        rest = self.world.gripper_map.finger_from_joint(0.0)
        return RobotInfo(
            motors[0].mode, motors[0].profile_type,
            tuple('left_finger' if f else motor.name for f, motor in zip(finger, motors)),
            tuple(motor.id for motor in motors),
            tuple(float(FINGER_LIMITS[0] if f else ARM_LOWER[i]) for f, i in zip(finger, arm)),
            tuple(float(FINGER_LIMITS[1] if f else ARM_UPPER[i]) for f, i in zip(finger, arm)),
            tuple(1.0 if f else float(MAX_ARM_SPEED) for f in finger),
            tuple(float(rest if f else SLEEP_POSITIONS[i]) for f, i in zip(finger, arm)),
            tuple(7 if f else motor.index for f, motor in zip(finger, motors)),
            len(motors), tuple(self.groups) if name == 'all' else (name,)), ''

    def latch_error(self, joint, bits=0x20):
        """A motor protects itself (0x20 overload, 0x04 heat): limp until rebooted; the states do not show it."""
        self.motors[joint].registers['Hardware_Error_Status'] = bits
        self._set_torque(self.motors[joint], False)

    def _select(self, kind, name):
        if kind == 'group' and name in self.groups:
            return [self.motors[joint] for joint in self.groups[name]]
        if kind == 'single' and name in self.motors:
            return [self.motors[name]]
        raise UnknownTarget(f'no {kind} {name!r} on this arm; groups: {", ".join(self.groups)}; '
                            f'joints: {", ".join(self.motors)}')

    def _service(self, kind, name, seconds, act):
        try:
            motors = self._select(kind, name)
        except UnknownTarget as error:
            return str(error)
        self._free()
        for motor in motors:
            act(motor)
        self._occupy(seconds * len(motors))
        return ''

    def _free(self):
        """Let what waited for the bus happen; whether the bus is free now."""
        due = [act for time, act in self._waiting if time <= self.world.time]
        self._waiting = [entry for entry in self._waiting if entry[0] > self.world.time]
        for act in due:
            act()
        return self.world.time >= self.busy_until

    def _occupy(self, seconds):
        self.busy_until = max(self.busy_until, self.world.time) + seconds

    def _set_mode(self, motor, mode, profile_type):
        motor.mode, motor.profile_type = mode, profile_type
        motor.registers['Operating_Mode'] = MODE_NUMBERS[mode]
        self._set_torque(motor, True)

    def _set_torque(self, motor, enable):
        enable = bool(enable) and not motor.registers['Hardware_Error_Status']
        motor.registers['Torque_Enable'] = int(enable)
        gain = motor.registers['Position_P_Gain'] / STANDARD_P_GAIN if enable else 0.0
        self.world.set_servo_gain(self.side, motor.index, gain)

    def _write(self, motor, values):
        torque = motor.registers['Torque_Enable']
        motor.registers.update({item: value for item, value in values.items() if writable(item, torque)})
        self._set_torque(motor, motor.registers['Torque_Enable'])

    def _read(self, motor):
        world, gripper = self.world, self.world.gripper_map
        if motor.name == 'gripper':
            angle, goal = (gripper.joint_from_finger(finger) for finger in
                           (world.finger(self.side), world.data.ctrl[GRIPPER_INDEX[self.side]]))
        else:
            angle, goal = world.joints(self.side)[motor.index], world.data.ctrl[ARM_SLICE[self.side]][motor.index]
        return {**motor.registers, 'Present_Position': counts_of(angle), 'Goal_Position': counts_of(goal)}


def _quantise(values, tick):
    return np.round(values / tick) * tick
