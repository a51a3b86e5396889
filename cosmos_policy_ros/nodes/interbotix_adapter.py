"""Interbotix's own Python API as an ``ArmDriver``, where ``interbotix_xs_modules`` is installed.

Their calls wait for the driver without an end, so each runs in a thread that is left behind when its time is over.
"""
import importlib
import threading

from cosmos_policy_ros.arms.arm import STANDARD_VELOCITY_GAINS
from cosmos_policy_ros.arms.driver import DriverAbsent, DriverTimeout, RobotInfo

MODULE = 'interbotix_xs_modules.xs_robot.core'


def connect(name, model, limit, module=MODULE):
    """``InterbotixAdapter`` of the arm with namespace ``name`` and ``model`` (such as vx300s).

    Raises:
        DriverAbsent: the module is not installed. DriverTimeout: the arm's driver does not answer within ``limit`` s.
    """
    try:
        core = importlib.import_module(module)
    except ImportError as error:
        raise DriverAbsent(f'{module} cannot be imported ({error}); source the Interbotix workspace, or use the client that '
                           'needs none') from error
    return InterbotixAdapter(name, _within(limit, f'{name}: the driver', lambda: core.InterbotixRobotXSCore(
        robot_model=model, robot_name=name.strip('/'))))


class InterbotixAdapter:
    """``ArmDriver`` on an ``InterbotixRobotXSCore``. After a call that timed out it takes no more: one is stuck in there."""

    def __init__(self, name, core):
        self.name = name
        self._core, self._stuck = core, ''

    def robot_info(self, target, limit):
        found = self._call(limit, 'robot_get_robot_info', target)
        return RobotInfo(found.mode, found.profile_type, tuple(found.joint_names), tuple(found.joint_lower_limits),
                         tuple(found.joint_upper_limits))

    def get_registers(self, target, item, limit):
        return tuple(self._call(limit, 'robot_get_motor_registers', target, item).values)

    def set_registers(self, target, item, value, limit):
        self._call(limit, 'robot_set_motor_registers', target, item, value)

    def set_operating_modes(self, target, mode, profile, limit):
        self._call(limit, 'robot_set_operating_modes', target, mode, profile.kind, profile.velocity, profile.acceleration)

    def set_torque(self, target, enable, limit):
        self._call(limit, 'robot_torque_enable', target, enable)

    def set_gains(self, target, gains, limit):
        velocity_p, velocity_i = STANDARD_VELOCITY_GAINS
        self._call(limit, 'robot_set_motor_pid_gains', target, gains.p, gains.i, gains.d, 0, 0, velocity_p, velocity_i)

    def reboot(self, target, enable, limit):
        self._call(limit, 'robot_reboot_motors', target, enable, False)

    def _call(self, limit, method, target, *arguments):
        if self._stuck:
            raise DriverTimeout(f'{self.name}: {self._stuck} never returned; restart this program, and the driver with the '
                                'arm supported')
        try:
            return _within(limit, f'{self.name}: {method}',
                           lambda: getattr(self._core, method)(target.kind, target.name, *arguments))
        except DriverTimeout:
            self._stuck = method
            raise


def _within(limit, what, function):
    results, errors = [], []

    def work():
        try:
            results.append(function())
        except Exception as error:  # passed on to the caller's thread
            errors.append(error)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limit)
    if errors:
        raise errors[0]
    if not results:
        raise DriverTimeout(f'{what} has not answered within {limit:g} s; restart the driver with the arm supported')
    return results[0]
