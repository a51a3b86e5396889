"""The safety supervisor's node: the only publisher of arm commands while it lives."""
import math
import time
import traceback
from dataclasses import dataclass
from functools import partial

import numpy as np
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, JointState
from std_msgs.msg import Header

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.setpoint import Setpoint
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.msg import ActionChunk, GuardState, JointSetpoint, PictureFingerprint, SafetyStatus, StopSource
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.latch import LatchFile, LatchRecord
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.safety.state import SafetyState
from cosmos_policy_ros.safety.supervisor import Supervisor
from cosmos_policy_ros.srv import Arm, ResetSafety, Takeover

from .backstage import Backstage
from .clock import NodeClock
from .convert import driver_efforts, driver_positions, offered_chunk, safety_status
from .drivers import DriverWatch
from .parameters import ParameterError, declare, parameter
from .publishers import NAMING, PublisherWatch
from .qos import DRIVER, EVENT, LATCHED, ROW, SENSOR
from .realtime import RecentDurations, claim_processor, collect, own_garbage_collection
from .robot import RobotParameters, state_path
from .running import Leave, StartupError, run

STATUS_CYCLES = 10
"""Cycles between two statuses when nothing changes."""

CHECK_PERIOD = 0.5
"""s between two looks at everything that has no deadline: other publishers, companions, files, garbage."""

COMPANION_SILENCE = 1.0
TIMED_CYCLES = 6000
"""One minute."""

REFUSALS_SAID = 1.0
"""s between two lines of the log on refused rows."""

LEAVE_TIME = 1.0
"""s of wall time that the last brake may take when the process is asked to end, and then the last messages."""


@dataclass(frozen=True)
class SupervisorParameters(RobotParameters):
    """Parameters of the supervisor beside those of the robot."""

    safety_config: str = parameter('safety.yaml', 'limits, deadlines and stop sources: a file in config/, or a full path')
    gripper_deadband: float = parameter(0.005, 'rad; smaller gripper changes are not sent, each costs the bus 11 ms', 0.0,
                                        0.1)
    latch_file: str = parameter('latch.json', 'what survives a restart: a file in ~/.local/state/cosmos_policy_ros, or a '
                                              'full path; one for each robot. Empty keeps nothing: for a simulator only')
    guard: str = parameter('safety_guard', 'name of the guard\'s node, the one other that may publish arm commands; empty: '
                                           'none')
    companions_required: bool = parameter(True, 'refuse to arm without the guard and without fingerprints of pictures')
    realtime_priority: int = parameter(0, 'SCHED_FIFO priority of the loop; 0 leaves it to the system', 0, 99)
    cpu: int = parameter(-1, 'processor that the loop is bound to; -1: any', -1, 1023)


def latch_path(name):
    """Full path of the latch file; a bare name lies in the user's state folder.

    Raises:
        StartupError: its folder cannot be made.
    """
    path = state_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f'latch_file {path}: {error.strerror}; set the parameter to a file that can be written') from error
    return path


class SupervisorNode(Node):
    """Wires topics to ``safety.supervisor.Supervisor`` and publishes what it lets through."""

    def __init__(self):
        super().__init__('safety_supervisor')
        self._p = p = declare(self, SupervisorParameters)
        self._time = NodeClock(self)
        path = config_file(p.safety_config)
        self._config = load_config(path)
        latch = LatchFile(latch_path(p.latch_file)) if p.latch_file else None
        now = self._time.now()
        self._core = Supervisor(self._config, latch.read(now) if latch else LatchRecord(), now, companions=True)
        if latch:
            self._prove(latch)
        self._stage = Backstage(latch, path, self._config.digest, self.get_logger().info)
        self._refused_processor = claim_processor(p.realtime_priority, p.cpu)
        self._durations, self._tick_high = RecentDurations(TIMED_CYCLES), 0.0
        self._status_age, self._refusal_due = 0, 0.0
        self._heard = {**({p.guard: -math.inf} if p.guard else {}),
                       **{f'fingerprints of {camera}': -math.inf for camera in self._config.cameras}}
        self._gripper_sent = dict.fromkeys(SIDES, math.inf)
        self._group, self._single, self._rivals = {}, {}, None
        self._deaf = []
        self._group_message = JointGroupCommand(name=p.arm_group)
        self._single_message = JointSingleCommand(name=p.gripper_joint)
        self._beat = Header()
        self._tell = self._guarded(self._report)  # what goes wrong there must not silence the heartbeat
        self._status = self.create_publisher(SafetyStatus, '/cosmos_policy/safety_status', LATCHED)
        self._heartbeat = self.create_publisher(Header, '/cosmos_policy/supervisor_heartbeat', ROW)
        self._time.when_started(self._connect)

    def _prove(self, latch):
        """Write the latch once before anything depends on it."""
        try:
            latch.write(self._core.record)
        except OSError as error:
            raise StartupError(f'latch_file: {error}; set the parameter to a file that can be written') from error

    def _connect(self):
        topics, arms = {}, {}
        for side in SIDES:
            arm = self._p.arm(side)
            self._group[side] = self.create_publisher(JointGroupCommand, f'{arm}/commands/joint_group', DRIVER)
            self._single[side] = self.create_publisher(JointSingleCommand, f'{arm}/commands/joint_single', DRIVER)
            commands = {self._group[side].topic_name: JointGroupCommand,
                        self._single[side].topic_name: JointSingleCommand}
            topics |= commands
            arms[f'{arm}/joint_states'] = tuple(commands)
            self._hear(JointState, f'{arm}/joint_states', partial(self._on_joints, side), SENSOR)
        for camera in CAMERAS:
            self._hear(CameraInfo, self._p.info_topic(camera), partial(self._on_camera, camera), SENSOR)
        self._hear(PictureFingerprint, '/cosmos_policy/picture_fingerprint', self._on_fingerprint, DRIVER)
        self._hear(StopSource, '/cosmos_policy/stop', self._on_stop_source, DRIVER)
        self._hear(GuardState, '/cosmos_policy/guard_state', self._on_guard, DRIVER)
        self._hear(ActionChunk, '/cosmos_policy/chunk', self._on_chunk, EVENT)  # before its rows: they are served in order
        self._hear(JointSetpoint, '/cosmos_policy/setpoint', self._on_setpoint, ROW)
        self.create_service(Arm, '/cosmos_policy/arm', self._guarded(self._on_arm))
        self.create_service(Takeover, '/cosmos_policy/takeover', self._guarded(self._on_takeover))
        self.create_service(ResetSafety, '/cosmos_policy/reset_safety', self._guarded(self._on_reset))
        self._rivals = PublisherWatch(self, topics, self._p.guard, self._check_publishers)
        self._drivers, self._look_until = DriverWatch(self, arms), time.monotonic() + NAMING
        self._deaf = self._drivers.deaf()
        self._time.timer(self._config.tick_period, self._tick)
        self._time.timer(CHECK_PERIOD, self._guarded(self._check))
        own_garbage_collection()

    def _hear(self, kind, topic, callback, qos):
        self.create_subscription(kind, topic, self._guarded(callback), qos)

    def _guarded(self, callback):
        """``callback``, whose failure brakes the arms instead of ending the process in the middle of a motion."""
        def call(*arguments):
            try:
                return callback(*arguments)
            except Exception as error:
                self._core.fail(error, self._time.now())
                self._stage.say(traceback.format_exc())
                return arguments[-1] if arguments else None
        return call

    def spin(self, executor):
        """Serve until the process is asked to end; then brake, while everything still runs."""
        leave = Leave()
        while not leave.asked:
            executor.spin_once(timeout_sec=0.1)
        deadline = time.monotonic() + LEAVE_TIME
        self._core.request_disarm(self._time.now())
        while self._core.state is SafetyState.STOPPING and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
        self.close()  # first: whoever hears that it has ended may start the next one
        self._publish_status(self._time.now())
        for publisher in self.publishers:  # what is still on its way would end with the process
            publisher.wait_for_all_acked(Duration(seconds=max(0.0, deadline + LEAVE_TIME - time.monotonic())))

    def close(self):
        """Keep the last state: a supervisor that ended in order does not come back with a stop of its own."""
        self._stage.keep(self._core.record)
        self._stage.close()

    def _on_joints(self, side, message):
        self._core.observe_joints(side, driver_positions(message, self._p.gripper),
                                  self._time.from_stamp(message.header.stamp), self._time.now(), driver_efforts(message))

    def _on_camera(self, camera, message):
        self._core.observe_camera(camera, self._time.from_stamp(message.header.stamp), self._time.now())

    def _on_fingerprint(self, message):
        now, name = self._time.now(), f'fingerprints of {message.camera}'
        if name in self._heard:
            self._heard[name] = now
        self._core.observe_picture(message.camera, message.fingerprint)

    def _on_stop_source(self, message):
        self._core.observe_stop_source(message.id, message.level != StopSource.RELEASED, message.sequence,
                                       message.supervisor_counter, self._time.now())

    def _on_guard(self, message):
        now = self._time.now()
        if self._p.guard:
            self._heard[self._p.guard] = now
        if message.state == GuardState.BRAKING and self._core.authority:
            self._core.report('duplicate_publisher', now, f'{self._p.guard} has not heard this supervisor and took the arms')

    def _on_chunk(self, message):
        verdict = self._core.offer_chunk(offered_chunk(message, self._time, self._config.row_period), self._time.now())
        if verdict.kind is Outcome.REFUSED:
            self._say_refused(f'chunk {message.sequence} of {message.source!r}', verdict)

    def _on_setpoint(self, message):
        verdict = self._core.offer(Setpoint(message.source, message.epoch, message.sequence,
                                            self._time.from_stamp(message.header.stamp),
                                            np.array(message.positions)), self._time.now())
        if verdict.kind is Outcome.REFUSED:
            self._say_refused(f'row {message.sequence} of {message.source!r}', verdict)

    def _say_refused(self, what, verdict):
        now = time.monotonic()
        if now >= self._refusal_due:
            self._refusal_due = now + REFUSALS_SAID
            self._stage.say(f'{what} refused: {verdict.reason} {verdict.detail}'.rstrip())

    def _on_arm(self, request, response):
        now = self._time.now()
        return self._answer(response, self._core.request_arm(request.authority, now, reduced=request.reduced)
                            if request.arm else self._core.request_disarm(now), now)

    def _on_takeover(self, request, response):
        now = self._time.now()
        return self._answer(response, self._core.request_takeover(request.take, request.authority, now), now)

    def _on_reset(self, request, response):
        now = self._time.now()
        return self._answer(response, self._core.request_reset(request.event_id, now), now)

    def _answer(self, response, reply, now):
        response.accepted, response.blockers = reply.accepted, list(reply.blockers)
        if hasattr(response, 'epoch'):
            response.epoch = reply.epoch
        self._publish_status(now)
        return response

    def _check(self):
        now = self._time.now()
        self._check_publishers()
        self._core.observe_config(self._stage.digest, now)
        self._tick_high = self._durations.high()
        if not self._core.authority and self._core.state is not SafetyState.STOPPING:
            self._deaf = self._drivers.deaf()
            collect()
        missing = self._missing(now) if self._p.companions_required else []
        if not self._deaf or time.monotonic() > self._look_until:  # discovery takes a moment after the start
            self._core.observe_companions('; '.join(self._deaf + missing), now)

    def _check_publishers(self):
        for sentence in self._rivals.intruders() if self._rivals else ():
            self._core.report('duplicate_publisher', self._time.now(), sentence)

    def _missing(self, now):
        return [name for name, heard in self._heard.items() if now - heard > COMPANION_SILENCE]

    def _tick(self):
        begin = time.perf_counter()
        now = self._time.now()
        output = self._core.tick(now)
        if output.command is not None:
            self._publish_command(output.command)
        self._status_age += 1
        if output.changed or self._status_age >= STATUS_CYCLES:
            self._tell(output.changed, now)
        self._beat.stamp = self._time.to_stamp(now)
        self._heartbeat.publish(self._beat)
        self._durations.add(time.perf_counter() - begin)

    def _report(self, changed, now):
        status = self._publish_status(now)
        if changed:
            self._stage.keep(self._core.record)
            self._stage.say(' '.join([status.state_name, status.authority, *(active.text for active in status.causes)]))

    def _publish_command(self, command):
        for side in SIDES:
            self._group_message.cmd = command[ARM_SLICE[side]].tolist()
            self._group[side].publish(self._group_message)
            motor = float(self._p.gripper.joint_from_action(command[GRIPPER_INDEX[side]]))
            if abs(motor - self._gripper_sent[side]) >= self._p.gripper_deadband:
                self._gripper_sent[side] = self._single_message.cmd = motor
                self._single[side].publish(self._single_message)

    def _publish_status(self, now):
        status = self._core.status(now)
        message = safety_status(status, self._time)
        command = self._core.command
        if command is not None:
            message.command, message.velocity = command.tolist(), self._core.velocity.tolist()
        message.header.stamp = self._time.to_stamp(now)
        message.tick_p999, message.config_digest = self._tick_high, self._config.digest
        message.warnings = [*self._refused_processor, *(f'missing: {sentence}' for sentence in self._deaf),
                            *filter(None, [self._stage.problem]), *(f'{name}: not heard' for name in self._missing(now))]
        self._status.publish(message)
        self._status_age = 0
        return status


def main():
    """Entry point of the executable ``supervisor_node``."""
    run(SupervisorNode, (ConfigError, ParameterError))


if __name__ == '__main__':
    main()
