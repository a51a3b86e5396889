"""The safety supervisor's node: the only publisher of arm commands."""
import gc
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import Header

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.setpoint import Setpoint
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.msg import JointSetpoint, SafetyCause, SafetyStatus, StopSource
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.safety.supervisor import Supervisor
from cosmos_policy_ros.srv import Arm, ResetSafety

from .clock import NodeClock
from .convert import driver_positions
from .parameters import ParameterError, declare, parameter
from .qos import DRIVER, LATCHED, ROW, SENSOR
from .robot import RobotParameters
from .running import run

STATUS_PERIOD = 0.1
PUBLISHER_CHECK_PERIOD = 0.5


@dataclass(frozen=True)
class SupervisorParameters(RobotParameters):
    """Parameters of the supervisor beside those of the robot."""

    safety_config: str = parameter('safety.yaml', 'limits, deadlines and stop sources: a file in config/, or a full path')
    gripper_deadband: float = parameter(0.005, 'rad; smaller gripper changes are not sent, each costs the bus 11 ms', 0.0, 0.1)


class SupervisorNode(Node):
    """Wires topics to ``safety.supervisor.Supervisor`` and publishes what it lets through."""

    def __init__(self):
        super().__init__('safety_supervisor')
        self._p = declare(self, SupervisorParameters)
        self._time = NodeClock(self)
        self._config = load_config(config_file(self._p.safety_config))
        self._core = Supervisor(self._config)
        self._status_due = 0.0
        self._gripper_sent = {}
        self._group, self._single = {}, {}
        self._status = self.create_publisher(SafetyStatus, '/cosmos_policy/safety_status', LATCHED)
        self._heartbeat = self.create_publisher(Header, '/cosmos_policy/supervisor_heartbeat', ROW)
        self._time.when_started(self._connect)

    def _connect(self):
        for side in SIDES:
            arm = self._p.arm(side)
            self._group[side] = self.create_publisher(JointGroupCommand, f'{arm}/commands/joint_group', DRIVER)
            self._single[side] = self.create_publisher(JointSingleCommand, f'{arm}/commands/joint_single', DRIVER)
            self.create_subscription(JointState, f'{arm}/joint_states', partial(self._on_joints, side), SENSOR)
        for camera in CAMERAS:
            self.create_subscription(CameraInfo, self._p.info_topic(camera), partial(self._on_camera, camera), SENSOR)
        self.create_subscription(JointSetpoint, '/cosmos_policy/setpoint', self._on_setpoint, ROW)
        self.create_subscription(StopSource, '/cosmos_policy/stop', self._on_stop_source, DRIVER)
        self.create_service(Arm, '/cosmos_policy/arm', self._on_arm)
        self.create_service(ResetSafety, '/cosmos_policy/reset_safety', self._on_reset)
        self._time.timer(self._config.tick_period, self._tick)
        self._time.timer(PUBLISHER_CHECK_PERIOD, self._check_publishers)
        gc.collect()
        gc.freeze()

    def _on_joints(self, side, message):
        positions = driver_positions(message, self._p.gripper)
        self._core.observe_joints(side, positions, self._time.from_stamp(message.header.stamp), self._time.now())

    def _on_camera(self, camera, message):
        self._core.observe_camera(camera, self._time.from_stamp(message.header.stamp), self._time.now())

    def _on_stop_source(self, message):
        self._core.observe_stop_source(message.id, message.level != StopSource.RELEASED, message.sequence,
                                       message.supervisor_counter, self._time.now())

    def _on_setpoint(self, message):
        verdict = self._core.offer(Setpoint(message.source, message.epoch, message.sequence,
                                            self._time.from_stamp(message.header.stamp),
                                            np.array(message.positions)), self._time.now())
        if verdict.kind is Outcome.REFUSED:
            self.get_logger().warning(f'row {message.sequence} of {message.source!r} refused: {verdict.reason} '
                                      f'{verdict.detail}'.rstrip(), throttle_duration_sec=1.0)

    def _on_arm(self, request, response):
        now = self._time.now()
        reply = self._core.request_arm(request.authority, now) if request.arm else self._core.request_disarm(now)
        response.accepted, response.epoch, response.blockers = reply.accepted, reply.epoch, list(reply.blockers)
        self._publish_status(now)
        return response

    def _on_reset(self, request, response):
        now = self._time.now()
        reply = self._core.request_reset(request.event_id, now)
        response.accepted, response.blockers = reply.accepted, list(reply.blockers)
        self._publish_status(now)
        return response

    def _check_publishers(self):
        for side in SIDES:
            for publisher in (self._group[side], self._single[side]):
                others = self.count_publishers(publisher.topic_name) - 1
                if others > 0:
                    self._core.report('duplicate_publisher', self._time.now(),
                                      f'{others} other publisher(s) on {publisher.topic_name}')

    def _tick(self):
        now = self._time.now()
        output = self._core.tick(now)
        if output.command is not None:
            self._publish_command(output.command)
        if output.changed or now >= self._status_due:
            self._publish_status(now)
        self._heartbeat.publish(Header(stamp=self._time.to_stamp(now)))

    def _publish_command(self, command):
        for side in SIDES:
            self._group[side].publish(JointGroupCommand(name=self._p.arm_group, cmd=command[ARM_SLICE[side]].tolist()))
            motor = self._p.gripper.joint_from_action(command[GRIPPER_INDEX[side]])
            if abs(motor - self._gripper_sent.get(side, math.inf)) >= self._p.gripper_deadband:
                self._gripper_sent[side] = motor
                self._single[side].publish(JointSingleCommand(name=self._p.gripper_joint, cmd=float(motor)))

    def _publish_status(self, now):
        status = self._core.status(now)
        message = SafetyStatus(
            counter=status.counter, state=int(status.state), state_name=status.state.name,
            authority=status.authority, epoch=status.epoch, armed=status.armed, last_event_id=status.last_event_id,
            blockers=list(status.blockers), speed_scale=status.speed_scale, min_clearance=status.min_clearance,
            rows_accepted=status.rows_accepted, rows_clamped=status.rows_clamped, rows_refused=status.rows_refused,
            watched=list(status.ages), ages=list(status.ages.values()), loop_period_max=status.loop_period_max,
            command=[] if self._core.command is None else self._core.command.tolist(),
            config_digest=self._config.digest)
        message.header.stamp = self._time.to_stamp(now)
        for active in status.causes:
            message.causes.append(SafetyCause(
                id=active.cause.id, severity=int(active.cause.severity), event_id=active.event_id,
                since=self._time.to_stamp(active.since), text=active.text, hint=active.cause.hint))
        self._status.publish(message)
        self._status_due = now + STATUS_PERIOD


def main():
    """Entry point of the executable ``supervisor_node``."""
    run(SupervisorNode, (ConfigError, ParameterError))


if __name__ == '__main__':
    main()
