"""One simulated arm on the wire: the topics and services of its driver."""
from functools import partial

from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand, JointTrajectoryCommand
from interbotix_xs_msgs.srv import MotorGains, OperatingModes, Reboot, RegisterValues, RobotInfo, TorqueEnable
from rclpy.callback_groups import CallbackGroup
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from .clock import time_message
from .qos import DRIVER


class ByHand(CallbackGroup):
    """Services in it are left alone by the executor."""

    def can_execute(self, entity):
        return False

    def beginning_execution(self, entity):
        return False

    def ending_execution(self, entity):
        pass


class SimulatedArm:
    """Feeds an ``ArmDriver`` (``driver``) with messages and publishes what it returns.

    As with the real driver one thing happens at a time: a service is answered when the bus is done with it, and until
    then no other request is taken. rclpy would answer when the callback returns, so requests are taken by hand.

    Args:
        node: the simulator's. arm: namespace, with a leading slash. faults: a ``Faults``. took: called at each command.
        gravity: also serve gravity compensation, a node of its own beside a real leader's driver.
    """

    def __init__(self, node, arm, driver, faults, took, gravity=False):
        self._node, self._arm, self.driver, self._faults, self._took = node, arm, driver, faults, took
        self._name = arm.strip('/')
        self._states = node.create_publisher(JointState, f'{arm}/joint_states', DRIVER)
        for kind, topic, take in ((JointGroupCommand, 'joint_group', lambda m: driver.command_group(m.name, m.cmd)),
                                  (JointSingleCommand, 'joint_single', lambda m: driver.command_single(m.name, m.cmd)),
                                  (JointTrajectoryCommand, 'joint_trajectory', self._trajectory)):
            node.create_subscription(kind, f'{arm}/commands/{topic}', partial(self._on_command, take), DRIVER)
        self._pending = None
        by_hand = ByHand()
        self._services = [(name, node.create_service(kind, f'{arm}/{name}', None, callback_group=by_hand), answer)
                          for kind, name, answer in self._answers()]
        if gravity:
            self._weightless = None
            node.create_service(SetBool, f'{arm}/gravity_compensation_enable', self._on_gravity)

    def _answers(self):
        """(type, name, function that acts on a request, fills the response and gives an error text) of each service."""
        driver = self.driver
        yield TorqueEnable, 'torque_enable', lambda r, _: driver.torque_enable(r.cmd_type, r.name, r.enable)
        yield Reboot, 'reboot_motors', lambda r, _: driver.reboot(r.cmd_type, r.name, r.enable, r.smart_reboot)
        yield RobotInfo, 'get_robot_info', self._robot_info
        yield OperatingModes, 'set_operating_modes', lambda r, _: driver.set_operating_modes(
            r.cmd_type, r.name, r.mode, r.profile_type, r.profile_velocity, r.profile_acceleration)
        yield MotorGains, 'set_motor_pid_gains', lambda r, _: driver.set_gains(
            r.cmd_type, r.name, r.kp_pos, r.ki_pos, r.kd_pos, r.k1, r.k2, r.kp_vel, r.ki_vel)
        yield RegisterValues, 'set_motor_registers', lambda r, _: driver.set_registers(
            r.cmd_type, r.name, r.reg, r.value)
        yield RegisterValues, 'get_motor_registers', self._get_registers

    def publish(self, now):
        """Publish the joint states of now (s), unless the driver has none."""
        states = self.driver.states()
        if states is None:
            return
        names, *values = states
        position, velocity, effort = (value.tolist() for value in values)
        message = JointState(name=list(names), position=position, velocity=velocity, effort=effort)
        message.header.stamp = time_message(now + (self._faults.value('clock_skew', self._name) or 0.0))
        self._states.publish(message)

    def serve(self):
        """Answer the request under way once the bus is done with it; else take the next one."""
        driver = self.driver
        if self._pending is not None:
            service, response, header, until = self._pending
            if driver.world.time < until:
                return
            self._pending = None
            service.send_response(response, header)
        if driver.busy_until > driver.world.time:
            return
        for name, service, answer in self._services:
            if self._faults.value('hung_service', f'{self._name}/{name}') is not None:
                continue
            with service.handle:
                request, header = service.handle.service_take_request(service.srv_type.Request)
            if header is not None:
                response = service.srv_type.Response()
                self._complain(answer(request, response))
                self._pending = service, response, header, driver.busy_until
                return

    def reset(self):
        """As freshly started; to be called after a reset of the world."""
        self.driver.reset()
        if self._pending is not None:
            self._pending = (*self._pending[:3], 0.0)

    def _complain(self, error):
        if error:
            self._node.get_logger().error(f'{self._name}: {error}', throttle_duration_sec=1.0)

    def _on_command(self, take, message):
        self._took()
        self._complain(take(message))

    def _trajectory(self, message):
        points = [(point.time_from_start.sec, point.time_from_start.nanosec, list(point.positions))
                  for point in message.traj.points]
        return self.driver.command_trajectory(message.cmd_type, message.name, points)

    def _get_registers(self, request, response):
        values, error = self.driver.get_registers(request.cmd_type, request.name, request.reg)
        response.values = list(values)
        return error

    def _robot_info(self, request, response):
        info, error = self.driver.robot_info(request.cmd_type, request.name)
        for field in RobotInfo.Response.get_fields_and_field_types():
            value = getattr(info, field)
            setattr(response, field, list(value) if isinstance(value, tuple) else value)
        return error

    def _on_gravity(self, request, response):
        driver = self.driver
        if request.data != self._weightless or driver.busy_until <= driver.world.time:  # else it was asked twice
            self._weightless = request.data
            self._complain(driver.gravity_compensation(request.data))
        response.success = True
        return response
