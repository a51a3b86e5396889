"""A fake arm driver: registers in a dict, an ``ArmDriver`` that does what it is told, and a log of the calls."""
from cosmos_policy_ros.arms.arm import Arm, ArmNames, CallLimits
from cosmos_policy_ros.arms.driver import MODE_NUMBERS, Gains, Profile, RobotInfo
from cosmos_policy_ros.arms.expectations import Expectations
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS

SHADOWS = {'shoulder_shadow': 'shoulder', 'elbow_shadow': 'elbow'}
EXPECTED = Expectations(80.0, 2.0, 65, 'position', 'current_based_position', Profile('velocity', 0, 0), Gains(800, 0, 0), 200,
                        ('ros1', 'ros1'))
HEALTHY = {'Operating_Mode': 3, 'Torque_Enable': 1, 'Hardware_Error_Status': 0, 'Present_Temperature': 35,
           'Position_P_Gain': 800, 'Position_I_Gain': 0, 'Position_D_Gain': 0, 'Profile_Velocity': 0,
           'Profile_Acceleration': 0, 'Current_Limit': 2047, 'Goal_Position': 2048, 'Present_Position': 2048}


class FakeDriver:
    """``deaf``: items whose writes are lost in silence, as an unknown name's are; ``incurable``: motors whose error stays."""

    def __init__(self, name='/fake_left', deaf=(), incurable=()):
        self.name, self.deaf, self.incurable, self.log = name, deaf, incurable, []
        self.registers = {motor: dict(HEALTHY) for motor in (*ARM_JOINTS, 'gripper', *SHADOWS)}
        self.registers['gripper'].update(Operating_Mode=5, Current_Limit=200)
        self.modes = {'arm': 'position', 'gripper': 'current_based_position'}

    def _motors(self, target):
        return ARM_JOINTS if target.kind == 'group' else tuple(m for m in [target.name] if m in self.registers)

    def _write(self, target, **items):
        for motor in self._motors(target):
            self.registers[motor].update({item: value for item, value in items.items() if item not in self.deaf})

    def robot_info(self, target, limit):
        return RobotInfo(self.modes.get(target.name, ''), 'velocity', self._motors(target), (), ())

    def get_registers(self, target, item, limit):
        return tuple(self.registers[motor][item] for motor in self._motors(target) if item in self.registers[motor])

    def set_registers(self, target, item, value, limit):
        self.log.append(('write', target.name, item))
        if item in HEALTHY:
            self._write(target, **{item: value})

    def set_operating_modes(self, target, mode, profile, limit):
        self.log.append(('mode', target.name, mode))
        self.modes[target.name] = mode
        self._write(target, Operating_Mode=MODE_NUMBERS[mode], Profile_Velocity=profile.velocity,
                    Profile_Acceleration=profile.acceleration, Torque_Enable=1)

    def set_torque(self, target, enable, limit):
        self.log.append(('torque', target.name, enable))
        self._write(target, Torque_Enable=int(enable))

    def set_gains(self, target, gains, limit):
        self.log.append(('gains', target.name))
        self._write(target, Position_P_Gain=gains.p, Position_I_Gain=gains.i, Position_D_Gain=gains.d)

    def reboot(self, target, enable, limit):
        self.log.append(('reboot', target.name, enable))
        self._write(target, Torque_Enable=int(enable), Profile_Velocity=0, Position_P_Gain=800)
        if target.name not in self.incurable:
            self._write(target, Hardware_Error_Status=0)


def fake_arm(**arguments):
    """(``FakeDriver``, ``Arm``) whose pauses take no time."""
    driver = FakeDriver(**arguments)
    return driver, Arm(driver, ArmNames('arm', 'gripper', SHADOWS), CallLimits(2.0, 0.1, 2.0), lambda _: None)
