"""What the arm driver (Interbotix ``xs_sdk``) makes of commands, services and motors, on the simulated arms.

No ROS: a node feeds it messages and publishes what it returns. Behaviour as read in the driver's source, the harmful
parts included: a NaN goal becomes 0 rad, a goal beyond the servo's limits is dropped in silence, goals never expire,
services stall the state stream, an unknown register is ignored. All time is the world's.
"""
import numpy as np

from ..embodiment.joints import DRIVER_JOINTS
from .arm_models import FOLLOWER
from .bus import Bus
from .faults import Faults
from .motors import LIMP_MODES, POSITION_MODES, Motors, RobotInfo, UnknownTarget
from .readings import Gear, motor_readings
from .registers import GAINS, MODE_NUMBERS, STANDARD_P_GAIN, counts_of, forget_ram, writable
from .trajectory import Trajectory

WRITE_TIME, MODE_TIME, REBOOT_TIME, READ_TIME = 0.011, 0.08, 1.0, 0.003
"""s of bus time per motor: an acknowledged write, a change of mode, a reboot, a register read."""

DEAD_BUS = 'no status packet from the motors'


class ArmDriver:
    """One arm's driver.

    Commands and services return '' or the text that the real driver would log as an error; the robot's services have
    no success value either. Each service and each single command keeps the bus busy until ``busy_until`` (s, world
    time): meanwhile there are no states, and commands wait. A node calls ``states`` at 100 Hz, which also lets
    waiting commands through.
    """

    def __init__(self, world, side, gripper_mode='current_based_position', model=FOLLOWER, convention='ros1',
                 torque=True, faults=None, name=''):
        """
        Args:
            world: moves the arm: a ``World``, or ``LeaderArms``.
            gripper_mode: 'linear_position' is how the driver launches a follower; ALOHA's set-up leaves the default.
            model: ``ArmModel``. convention: of its gripper constants and linkage.
            torque: whether it is on after the launch.
            faults, name: a ``Faults`` and the arm's name in it.
        """
        self.world, self.side, self.name = world, side, name
        self._model, self._gear = model, Gear(model.grippers[convention], world.gripper_map)
        self._gripper_mode, self._launch_torque = gripper_mode, torque
        self._faults = faults or Faults()
        self.reset()

    def reset(self):
        """As freshly started: factory registers, torque as launched. To be called after a reset of the world."""
        self._bus, self._slot = Bus(lambda: self.world.time), None
        self._all, self._trajectory = Motors(self._model), None
        self._struck = set()
        for motor in self.motors.values():
            motor.set_mode(self._gripper_mode if motor.name == 'gripper' else 'position', 'velocity')
            self._set_torque(motor, self._launch_torque)

    @property
    def busy_until(self):
        """s of world time until which the bus is busy."""
        return self._bus.busy_until

    @property
    def motors(self):
        """{name: ``Motor``}, shadows included."""
        return self._all.by_name

    def states(self):
        """(names, position (9,), velocity (9,), effort (9,)) of ``joint_states``; None while the bus is busy.

        rad and rad/s of the motors, m of the fingers, quantised as the servos report; effort in mA. Finger speeds and
        efforts are always 0.
        """
        if not self._bus.free() or self._skipped():
            return None
        self._follow_trajectory()
        position, velocity, effort = np.zeros(9), np.zeros(9), np.zeros(9)
        if self._broken('nan_states'):
            position[:], velocity[:7], effort[:7] = np.nan, np.nan, np.nan
            return DRIVER_JOINTS, position, velocity, effort
        if self._broken('dead_bus'):
            position[:7] = -np.pi
        else:
            position[:7], velocity[:7], effort[:7] = motor_readings(
                self.world, self.side, self._gear, self.motors['gripper'].registers['Current_Limit'])
        position[7] = self._gear.own.finger_from_joint(position[6])
        position[8] = -position[7]
        return DRIVER_JOINTS, position, velocity, effort

    def command_group(self, name, values):
        """``commands/joint_group``: goals for all motors of a group (float32 payload)."""
        return self._command('group', name, values)

    def command_single(self, name, value):
        """``commands/joint_single``: a goal for one motor (float32 payload); keeps the bus busy for 11 ms."""
        problem = self._command('single', name, [value])
        self._bus.occupy(WRITE_TIME)
        return problem

    def command_trajectory(self, kind, name, points):
        """``commands/joint_trajectory``: ``points`` [(s, ns, positions)], with the driver's timing error."""
        try:
            joints = [motor.name for motor in self._all.select(kind, name)]
        except UnknownTarget as error:
            return str(error)
        if self._trajectory is not None:
            return 'trajectory rejected: joints are still moving'
        if len(points) < 2:
            return 'trajectory has fewer than 2 points: dropped'
        self._trajectory = Trajectory(kind, name, points, self.world.time)
        position = dict(zip(DRIVER_JOINTS, np.append(self.world.joints(self.side),
                                                     self._gear.reported(self.world.gripper_angle(self.side)))))
        off = [joint for joint, value in zip(joints, points[0][2]) if not abs(value - position[joint]) < 0.01]
        return f'not at the first point of the trajectory, which is followed anyway: {", ".join(off)}' if off else ''

    def _follow_trajectory(self):
        if self._trajectory is not None:
            for positions in self._trajectory.due(self.world.time):
                self._command(self._trajectory.kind, self._trajectory.name, positions)
            if self._trajectory.ended:
                self._trajectory = None

    def _command(self, kind, name, values):
        try:
            motors = self._all.select(kind, name)
        except UnknownTarget as error:
            return str(error)
        if len(values) != len(motors):
            return f'{kind} {name!r} has {len(motors)} joints but the command has {len(values)} values: dropped'
        wrong = [motor.name for motor in motors
                 if motor.mode not in POSITION_MODES and not (motor.name == 'gripper' and motor.mode in LIMP_MODES)]
        if wrong:
            return f'goals in the present mode of {", ".join(wrong)} are not simulated: dropped'
        values = np.asarray(values, dtype=np.float32).astype(float)
        if self._bus.free():
            self._set_goals(kind, motors, values)
        else:
            self._bus.when_free(lambda: self._set_goals(kind, motors, values))
        return ''

    def _set_goals(self, kind, motors, values):
        if self._broken('dead_bus') or (kind == 'group' and self._broken('sync_write_latch')):
            return
        arm = self.world.arm_goal(self.side)
        # The driver's conversion of a number that is not finite falls through to the centre of the scale.
        for motor, value in zip(motors, np.where(np.isfinite(values), values, 0.0)):
            if motor.name != 'gripper':
                arm[motor.index] = value
            elif motor.mode == 'linear_position':
                angle = self._gear.own.joint_from_finger(max(value / 2, 1e-3))
                self.world.command_gripper(self.side, self._gear.commanded(angle))
            elif motor.mode in POSITION_MODES:
                self.world.command_gripper(self.side, self._gear.commanded(value))
            elif value:  # current or PWM: closes or opens until something stops it
                self.world.command_gripper(self.side, np.copysign(np.pi / 2, value))
            else:
                self.world.hold_here(self.side, motor.index)
        self.world.command_arm(self.side, arm)

    def torque_enable(self, kind, name, enable):
        """``torque_enable``: off, and the arm sags; on, and it chases the goal that it still has at full speed."""
        return self._service(kind, name, WRITE_TIME, lambda motor: self._set_torque(motor, enable))

    def reboot(self, kind, name, enable, smart_reboot=False):
        """``reboot_motors``: 1 s a motor, one after the other; all limp until the end, when ``enable`` returns torque.

        Clears latched errors and everything in RAM; ``smart_reboot`` reboots only motors with a latched error.
        """
        try:
            motors = self._all.select(kind, name)
        except UnknownTarget as error:
            return str(error)
        if self._broken('dead_bus'):
            return DEAD_BUS
        if smart_reboot:
            motors = [motor for motor in motors if motor.registers['Hardware_Error_Status']]
        for motor in motors:
            forget_ram(motor.registers)
        for motor in self._all.with_shadows(motors):
            self._set_torque(motor, False)
        self._bus.occupy(REBOOT_TIME * len(motors))
        self._bus.when_free(lambda: self._rebooted(motors, enable))
        return ''

    def _rebooted(self, motors, enable):
        for motor in self._all.with_shadows(motors):
            self.world.hold_here(self.side, motor.index)
            self._set_torque(motor, enable)

    def set_operating_modes(self, kind, name, mode, profile_type='velocity', profile_velocity=0,
                            profile_acceleration=0):
        """``set_operating_modes``: always ends with torque on. Profiles are stored, not simulated."""
        if mode not in MODE_NUMBERS:
            return f'unknown operating mode {mode!r}; known: {", ".join(MODE_NUMBERS)}'

        def change(motor):
            motor.set_mode(mode, profile_type)
            motor.registers.update(Profile_Velocity=profile_velocity, Profile_Acceleration=profile_acceleration)
            self._set_torque(motor, True)
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
        try:
            motors = self._all.select(kind, name)
        except UnknownTarget as error:
            return (), str(error)
        self._bus.free()
        self._bus.occupy(READ_TIME * len(motors))
        if self._broken('dead_bus'):
            return (), DEAD_BUS
        values = tuple(self._read(motor).get(item) for motor in motors)
        return ((), f'no control item {item!r} (names are case-sensitive)') if None in values else (values, '')

    def robot_info(self, kind, name):
        """(``RobotInfo``, error text). For the gripper motor it describes the left finger, in metres."""
        try:
            return self._all.info(self._all.select(kind, name), name, self._gear.own.finger_from_joint(0.0)), ''
        except UnknownTarget as error:
            return RobotInfo(), str(error)

    def gravity_compensation(self, enable):
        """What the gravity compensation's node asks of a leader's driver: weightless joints, or all of them held."""
        if enable:
            return (self.set_operating_modes('group', 'all', 'current')
                    or self.torque_enable('single', 'gripper', False))
        for motor in self.motors.values():
            self.world.hold_here(self.side, motor.index)
        return (self.set_operating_modes('group', 'arm', 'position')
                or self.set_operating_modes('single', 'gripper', 'current_based_position'))

    def latch_error(self, joint, bits=0x20):
        """A motor protects itself (0x20 overload, 0x04 heat): limp until rebooted; the states do not show it."""
        self.motors[joint].registers['Hardware_Error_Status'] = bits
        self._set_torque(self.motors[joint], False)

    def suffer(self, fault_id, motor, value):
        """A fault that happens once, to this arm or to one motor of it."""
        if fault_id == 'overload_latch':
            self.latch_error(motor, int(value))
            self._struck.add(motor)
        elif fault_id == 'torque_off':
            for each in self.motors.values():
                if each.registers['Torque_Enable']:
                    self._set_torque(each, False)
                    self._struck.add(each.name)
        elif fault_id == 'state_gap':
            self._bus.occupy(value)

    def recover(self, fault_id, motor=''):
        """Undo ``suffer``, for one motor or for all: what lost its torque by it, and still has none, holds where it is."""
        if fault_id == 'state_gap':
            self._bus.release()
            return
        for name in self._struck & ({motor} if motor else set(self.motors)):
            each = self.motors[name]
            each.registers['Hardware_Error_Status'] = 0
            self.world.hold_here(self.side, each.index)
            self._set_torque(each, True)

    def _service(self, kind, name, seconds, act):
        try:
            motors = self._all.select(kind, name)
        except UnknownTarget as error:
            return str(error)
        self._bus.free()
        self._bus.occupy(seconds * len(motors))
        if self._broken('dead_bus'):
            return DEAD_BUS
        for motor in self._all.with_shadows(motors):
            act(motor)
        return ''

    def _broken(self, fault_id):
        return self._faults.value(fault_id, self.name) is not None

    def _skipped(self):
        """Whether slow states leave this one out."""
        rate = self._faults.value('slow_states', self.name)
        if rate is None:
            return False
        before, self._slot = self._slot, int(self.world.time * rate + 1e-6)
        return self._slot == before

    def _set_torque(self, motor, enable):
        on = bool(enable) and not motor.registers['Hardware_Error_Status']
        motor.registers['Torque_Enable'] = int(on)
        if on:
            self._struck.discard(motor.name)
        gains = [self._gain(each) for each in self._all.of_joint(motor.index)]
        self.world.set_servo_gain(self.side, motor.index, sum(gains) / len(gains))

    def _gain(self, motor):
        limp = motor.mode in LIMP_MODES and motor.name != 'gripper'
        on = motor.registers['Torque_Enable'] and not limp
        return motor.registers['Position_P_Gain'] / STANDARD_P_GAIN if on else 0.0

    def _write(self, motor, values):
        torque = motor.registers['Torque_Enable']
        motor.registers.update({item: value for item, value in values.items() if writable(item, torque)})
        self._set_torque(motor, motor.registers['Torque_Enable'])

    def _read(self, motor):
        world, side = self.world, self.side
        if motor.name == 'gripper':
            angle, goal = self._gear.reported(world.gripper_angle(side)), self._gear.reported(world.gripper_goal(side))
        else:
            angle, goal = world.joints(side)[motor.index], world.arm_goal(side)[motor.index]
        return {**motor.registers, 'Present_Position': counts_of(angle), 'Goal_Position': counts_of(goal)}
