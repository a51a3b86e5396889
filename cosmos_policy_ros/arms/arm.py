"""One arm whose every write is read back."""
from dataclasses import dataclass

from cosmos_policy_ros.embodiment.joints import ARM_JOINTS

from .driver import MODE_NUMBERS, NotTaken, Target

LOOK_PERIOD = 0.2
"""s between two looks at a register that does not read as written yet."""

STANDARD_VELOCITY_GAINS = (100, 1920)
"""``Velocity_P_Gain`` and ``Velocity_I_Gain`` of the factory; a write of gains has to repeat them."""


@dataclass(frozen=True)
class ArmNames:
    """The driver's names: ``group`` of the six joints, ``gripper`` motor, ``shadows`` {motor: the one it moves with}."""

    group: str
    gripper: str
    shadows: dict


@dataclass(frozen=True)
class CallLimits:
    """s: ``call`` for any call, ``motor`` more for each motor that changes its mode, ``reboot`` more for each
    that restarts."""

    call: float
    motor: float
    reboot: float


class Arm:
    """Reads and writes through an ``ArmDriver``; a write returns once it reads back, else raises ``NotTaken``.

    Args:
        driver: ``ArmDriver``. names: ``ArmNames``. limits: ``CallLimits``. pause: called with s to let pass between looks.
    """

    def __init__(self, driver, names, limits, pause):
        self._driver, self._limits, self._pause = driver, limits, pause
        self.name, self.names = driver.name, names
        self.joints, self.gripper = Target('group', names.group), Target('single', names.gripper)
        self.all = (self.joints, self.gripper)

    @staticmethod
    def single(motor):
        """``Target`` of one motor."""
        return Target('single', motor)

    def info(self, target):
        """``RobotInfo`` of a target."""
        return self._driver.robot_info(target, self._limits.call)

    def read(self, item, *targets):
        """{motor: value} of a control item; of all motors but the shadows when no target is given."""
        found = {}
        for target in targets or self.all:
            found.update(zip(self.motors(target), self._driver.get_registers(target, item, self._limits.call)))
        return found

    def read_shadows(self, item):
        """{motor: value} of the shadow motors that the driver knows."""
        return self.read(item, *map(self.single, self.names.shadows)) if self.names.shadows else {}

    def motors(self, target):
        """Names of a target's motors, in the driver's order."""
        return ARM_JOINTS if target == self.joints else (target.name,)

    def set_mode(self, target, mode, profile):
        """Operating mode and ``Profile``; ends with torque on."""
        limit = self._limits.call + self._limits.motor * len(self.motors(target))
        self._driver.set_operating_modes(target, mode, profile, limit)
        self._proved(target, limit, Operating_Mode=MODE_NUMBERS[mode], Profile_Velocity=profile.velocity,
                     Profile_Acceleration=profile.acceleration)
        said = self.info(target).mode
        if said != mode:
            raise NotTaken(f'{self.name}: mode of {target} is {said!r} after it was set to {mode!r}; restart the driver with '
                           'the arm supported')

    def set_gains(self, target, gains):
        """Position ``Gains``."""
        self._driver.set_gains(target, gains, self._limits.call)
        self._proved(target, self._limits.call, Position_P_Gain=gains.p, Position_I_Gain=gains.i, Position_D_Gain=gains.d)

    def set_register(self, target, item, value):
        """One control item."""
        self._driver.set_registers(target, item, value, self._limits.call)
        self._proved(target, self._limits.call, **{item: value})

    def set_torque(self, target, enable):
        """Torque on or off."""
        self._driver.set_torque(target, enable, self._limits.call)
        self._proved(target, self._limits.call, Torque_Enable=int(enable))

    def reboot(self, motor):
        """Restart one motor without torque; returns once it answers again and its error is gone."""
        target, limit = self.single(motor), self._limits.call + self._limits.reboot
        self._driver.reboot(target, False, limit)
        self._proved(target, limit, Hardware_Error_Status=0, Torque_Enable=0)

    def _proved(self, target, limit, **items):
        """Look until all items read as written; a driver may go on with what it was asked after its answer."""
        for attempt in range(1 + round(limit / LOOK_PERIOD)):
            if attempt:
                self._pause(LOOK_PERIOD)
            wrong = {f'{item} of {motor}': (value, wanted) for item, wanted in items.items()
                     for motor, value in self.read(item, target).items() or {str(target): 'nothing'}.items()
                     if value != wanted}
            if not wrong:
                return
        said = ', '.join(f'{what} reads {value}, not {wanted}' for what, (value, wanted) in wrong.items())
        raise NotTaken(f'{self.name}: {said}, {limit:g} s after it was written; look into the driver\'s log, and power-cycle '
                       'the motor with the arm supported')
