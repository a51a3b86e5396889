"""The arm driver's services (Interbotix ``xs_sdk``) as an ``ArmDriver``: every call has a time limit."""
from interbotix_xs_msgs.srv import MotorGains, OperatingModes, Reboot, RegisterValues, RobotInfo, TorqueEnable

from cosmos_policy_ros.arms.arm import STANDARD_VELOCITY_GAINS
from cosmos_policy_ros.arms.driver import DriverAbsent, DriverTimeout
from cosmos_policy_ros.arms.driver import RobotInfo as Info


class XsSdkClient:
    """``ArmDriver`` of one arm. Call it from another thread than the one that spins ``node``.

    A request is sent once: one that is not answered in time may still be under way in the driver.

    Args:
        node: spinning. name: namespace of the arm, with a leading slash.
        until: (condition, s) to whether it held within so many s.
    """

    def __init__(self, node, name, until):
        self.name, self._until = name, until
        self._clients = {kind: node.create_client(kind, f'{name}/{service}') for kind, service in (
            (RobotInfo, 'get_robot_info'), (RegisterValues, 'get_motor_registers'), (OperatingModes, 'set_operating_modes'),
            (TorqueEnable, 'torque_enable'), (MotorGains, 'set_motor_pid_gains'), (Reboot, 'reboot_motors'))}
        self._write = node.create_client(RegisterValues, f'{name}/set_motor_registers')

    def robot_info(self, target, limit):
        found = self._ask(RobotInfo, target, limit)
        return Info(found.mode, found.profile_type, tuple(found.joint_names), tuple(found.joint_lower_limits),
                    tuple(found.joint_upper_limits))

    def get_registers(self, target, item, limit):
        return tuple(self._ask(RegisterValues, target, limit, reg=item).values)

    def set_registers(self, target, item, value, limit):
        request = RegisterValues.Request(cmd_type=target.kind, name=target.name, reg=item, value=value)
        answered(self._write, request, limit, self._until)

    def set_operating_modes(self, target, mode, profile, limit):
        self._ask(OperatingModes, target, limit, mode=mode, profile_type=profile.kind, profile_velocity=profile.velocity,
                  profile_acceleration=profile.acceleration)

    def set_torque(self, target, enable, limit):
        self._ask(TorqueEnable, target, limit, enable=enable)

    def set_gains(self, target, gains, limit):
        velocity_p, velocity_i = STANDARD_VELOCITY_GAINS
        self._ask(MotorGains, target, limit, kp_pos=gains.p, ki_pos=gains.i, kd_pos=gains.d, k1=0, k2=0, kp_vel=velocity_p,
                  ki_vel=velocity_i)

    def reboot(self, target, enable, limit):
        self._ask(Reboot, target, limit, enable=enable, smart_reboot=False)

    def _ask(self, kind, target, limit, **fields):
        return answered(self._clients[kind], kind.Request(cmd_type=target.kind, name=target.name, **fields), limit,
                        self._until)


def answered(client, request, limit, until):
    """A service's response within ``limit`` s; ``until`` as for ``XsSdkClient``.

    Raises:
        DriverAbsent: nobody serves it. DriverTimeout: no answer came.
    """
    if not until(client.service_is_ready, limit):
        raise DriverAbsent(f'nobody serves {client.srv_name}; start the node that does (an arm\'s driver with the arm '
                           'supported), or correct its name in the parameters')
    future = client.call_async(request)
    if not until(future.done, limit):
        client.remove_pending_request(future)
        raise DriverTimeout(f'{client.srv_name} has not answered within {limit:g} s: the node behind it hangs; restart it, an '
                            'arm\'s driver with the arm supported')
    return future.result()
