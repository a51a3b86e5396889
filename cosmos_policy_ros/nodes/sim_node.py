"""The simulated robot's node: topics and services of the real one, cameras, and the clock that everybody follows."""
import array
import time
from dataclasses import dataclass
from functools import partial

from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from interbotix_xs_msgs.srv import MotorGains, OperatingModes, Reboot, RegisterValues, RobotInfo, TorqueEnable
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, SIDES
from cosmos_policy_ros.msg import GuardState, PictureFingerprint, SafetyStatus, StopSource, TaskState
from cosmos_policy_ros.sim.cameras import CameraRig
from cosmos_policy_ros.sim.driver import ArmDriver
from cosmos_policy_ros.sim.lockstep import LockStep
from cosmos_policy_ros.sim.tasks import TASKS
from cosmos_policy_ros.sim.world import SimulationDiverged, World
from cosmos_policy_ros.srv import ResetSimulation

from .clock import seconds, time_message
from .parameters import ParameterError, declare, parameter
from .qos import DRIVER, LATCHED, ROW
from .robot import RobotParameters
from .running import run

STEP = 0.01
"""s of simulation between two joint states; the driver publishes at 100 Hz."""

STEPS_PER_FRAME = round(CONTROL_PERIOD / STEP)
HELD_FRAMES = 10
"""Frames (0.4 s) that a goal state has to last before it counts as success."""

ALLOWANCES = {'supervisor': STEP / 2, 'row': 0.045, 'stop': 0.075, 'guard': STEP / 2, 'picture': 0.3}
"""s of simulated time by stream: the supervisor in every step, a row in every frame, a stop source's heartbeat; the guard
in every step while the supervisor is silent; fingerprints of pictures."""

MAX_DEBT = 0.05
"""s of wall time that may be caught up with after a slow step; more is forgotten and simulated time falls behind."""

START_TIME = 1.0
"""s; simulated time begins here, since nodes read 0 as "no clock yet"."""


@dataclass(frozen=True)
class SimParameters(RobotParameters):
    """Parameters of the simulated robot beside its names."""

    task: str = parameter('plate', 'task whose objects lie on the table', choices=tuple(TASKS))
    seed: int = parameter(0, 'draws the scene', 0, 2 ** 31 - 1)
    real_time_factor: float = parameter(1.0, 'upper bound on simulated seconds per second', 0.05, 1.0)
    lockstep: bool = parameter(True, 'wait for supervisor, rows and stop sources instead of letting time run on')
    patience: float = parameter(10.0, 's of wall time to wait for a late stream before it counts as ended', 0.1, 60.0)
    image_width: int = parameter(640, 'pixels', 64, 1920)
    image_height: int = parameter(480, 'pixels', 48, 1080)


class SimNode(Node):
    """One thread: commands and services come in between steps; each camera is rendered in its own step of a frame."""

    def __init__(self):
        super().__init__('sim')
        self._p = p = declare(self, SimParameters)
        self._world = World(p.task)
        self._world.reset(p.seed)
        self._rig = CameraRig(self._world, p.image_width, p.image_height)
        self._seed, self._step, self._held = p.seed, 0, 0
        self._epoch_start = START_TIME
        self._served, self._running = 0, False
        self._captured = 0.0
        self._pace = LockStep(ALLOWANCES, p.patience)
        self._drivers, self._states = {}, {}
        for side in SIDES:
            self._make_arm(side)
        self._images = {camera: self.create_publisher(Image, p.image_topic(camera), DRIVER) for camera in CAMERAS}
        self._infos = {camera: self.create_publisher(CameraInfo, p.info_topic(camera), DRIVER) for camera in CAMERAS}
        self._clock_publisher = self.create_publisher(Clock, '/clock', ROW)
        self._task_state = self.create_publisher(TaskState, '/sim/task_state', DRIVER)
        self.create_service(ResetSimulation, '/sim/reset', self._on_reset)
        self.create_subscription(Header, '/cosmos_policy/supervisor_heartbeat',
                                 lambda message: self._heard('supervisor', seconds(message.stamp)), ROW)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.create_subscription(Header, '/cosmos_policy/source_heartbeat', self._on_row, ROW)
        self.create_subscription(StopSource, '/cosmos_policy/stop', lambda _: self._heard('stop', self._now()), DRIVER)
        self.create_subscription(GuardState, '/cosmos_policy/guard_state', self._on_guard, DRIVER)
        self.create_subscription(PictureFingerprint, '/cosmos_policy/picture_fingerprint',
                                 lambda message: self._heard('picture', seconds(message.header.stamp)), DRIVER)
        self.get_logger().info(f'ready: task {p.task!r}, seed {p.seed}')

    def _make_arm(self, side):
        arm, driver = self._p.arm(side), ArmDriver(self._world, side)
        self._drivers[side] = driver
        self._states[side] = self.create_publisher(JointState, f'{arm}/joint_states', DRIVER)
        self.create_subscription(JointGroupCommand, f'{arm}/commands/joint_group', partial(self._on_group, side), DRIVER)
        self.create_subscription(JointSingleCommand, f'{arm}/commands/joint_single', partial(self._on_single, side), DRIVER)
        for kind, name, answer in (
                (TorqueEnable, 'torque_enable', lambda r: driver.torque_enable(r.cmd_type, r.name, r.enable)),
                (Reboot, 'reboot_motors', lambda r: driver.reboot(r.cmd_type, r.name, r.enable, r.smart_reboot)),
                (OperatingModes, 'set_operating_modes', lambda r: driver.set_operating_modes(
                    r.cmd_type, r.name, r.mode, r.profile_type, r.profile_velocity, r.profile_acceleration)),
                (MotorGains, 'set_motor_pid_gains', lambda r: driver.set_gains(
                    r.cmd_type, r.name, r.kp_pos, r.ki_pos, r.kd_pos, r.k1, r.k2, r.kp_vel, r.ki_vel)),
                (RegisterValues, 'set_motor_registers', lambda r: driver.set_registers(r.cmd_type, r.name, r.reg, r.value))):
            self.create_service(kind, f'{arm}/{name}', partial(self._serve, f'{arm}/{name}', answer))
        self.create_service(RegisterValues, f'{arm}/get_motor_registers', partial(self._on_get_registers, side))
        self.create_service(RobotInfo, f'{arm}/get_robot_info', partial(self._on_robot_info, side))

    def spin(self, executor):
        """Step in pace with wall time and serve messages in between."""
        due = time.monotonic()
        while self.context.ok():
            executor.spin_once(timeout_sec=max(0.0, due - time.monotonic()))
            self._serve_waiting(executor)
            now = time.monotonic()
            if now >= due and (not self._p.lockstep or self._pace.may_advance(self._now(), now)):
                self._advance()
                due = max(due + STEP / self._p.real_time_factor, now - MAX_DEBT)

    def _serve_waiting(self, executor):
        """Take all messages that have come: one left waiting would count as heard long after it was sent."""
        served = None
        while served != self._served:
            served = self._served
            executor.spin_once(timeout_sec=0.0)

    def close(self):
        """Free the renderer."""
        self._rig.close()

    def _now(self):
        return self._epoch_start + self._world.time

    def _on_status(self, message):
        """Rows are waited for while they move the arms; before, and during a stop, time goes on without them."""
        self._served += 1
        self._running = message.state == SafetyStatus.RUNNING
        if not self._running:
            self._pace.release('row')

    def _on_row(self, message):
        self._served += 1
        if self._running:
            self._pace.heard('row', seconds(message.stamp))

    def _on_guard(self, message):
        self._served += 1
        if message.state in (GuardState.WAITING, GuardState.BRAKING):
            self._pace.heard('guard', seconds(message.header.stamp))
        else:
            self._pace.release('guard')

    def _heard(self, stream, moment):
        self._served += 1
        self._pace.heard(stream, moment)

    def _complain(self, where, error):
        if error:
            self.get_logger().error(f'{where}: {error}', throttle_duration_sec=1.0)

    def _on_group(self, side, message):
        self._served += 1
        self._complain(f'{side.value} arm', self._drivers[side].command_group(message.name, message.cmd))

    def _on_single(self, side, message):
        self._served += 1
        self._complain(f'{side.value} arm', self._drivers[side].command_single(message.name, message.cmd))

    def _serve(self, where, answer, request, response):
        self._complain(where, answer(request))
        return response

    def _on_get_registers(self, side, request, response):
        values, error = self._drivers[side].get_registers(request.cmd_type, request.name, request.reg)
        response.values = list(values)
        self._complain(f'{side.value} arm', error)
        return response

    def _on_robot_info(self, side, request, response):
        info, error = self._drivers[side].robot_info(request.cmd_type, request.name)
        for field in RobotInfo.Response.get_fields_and_field_types():
            value = getattr(info, field)
            setattr(response, field, list(value) if isinstance(value, tuple) else value)
        self._complain(f'{side.value} arm', error)
        return response

    def _on_reset(self, request, response):
        """Simulated time goes on over a reset: nobody may see it step back."""
        if request.task not in TASKS:
            response.message = f'unknown task {request.task!r}; choose one of {", ".join(TASKS)}'
            return response
        self._restart(request.task, request.seed)
        response.accepted = True
        return response

    def _restart(self, task, seed):
        self._epoch_start = self._now()
        self._world.reset(seed, task)
        for side in SIDES:
            self._drivers[side].reset()
        self._seed, self._step, self._held = seed, 0, 0

    def _advance(self):
        """One step of 10 ms: physics, clock, joint states, and a quarter of the cameras' frame."""
        try:
            self._world.advance(STEP)
        except SimulationDiverged as error:
            self.get_logger().error(f'{error}: starting again from seed {self._seed}')
            self._restart(self._world.task.name, self._seed)
        stamp = time_message(self._now())
        self._clock_publisher.publish(Clock(clock=stamp))
        for side in SIDES:
            states = self._drivers[side].states()
            if states is not None:
                names, *values = states
                position, velocity, effort = (value.tolist() for value in values)
                message = JointState(name=list(names), position=position, velocity=velocity, effort=effort)
                message.header.stamp = stamp
                self._states[side].publish(message)
        slot = self._step % STEPS_PER_FRAME
        if slot == 0:
            self._captured = self._epoch_start + self._rig.capture()
            self._publish_task_state(stamp)
        if slot < len(CAMERAS):
            self._publish_image(CAMERAS[slot])
        self._step += 1

    def _publish_image(self, camera):
        image = self._rig.render(camera)
        height, width, _ = image.shape
        data = array.array('B')
        data.frombytes(image.tobytes())
        message = Image(height=height, width=width, encoding='rgb8', step=3 * width, data=data)
        message.header.stamp = time_message(self._captured)
        message.header.frame_id = f'{camera}_color_optical_frame'
        self._images[camera].publish(message)
        self._infos[camera].publish(CameraInfo(header=message.header, height=height, width=width))

    def _publish_task_state(self, stamp):
        self._held = self._held + 1 if self._world.success() else 0
        score, stage = self._world.progress()
        message = TaskState(task=self._world.task.name, seed=self._seed, success=self._held >= HELD_FRAMES,
                            score=score, stage=stage)
        message.header.stamp = stamp
        self._task_state.publish(message)


def main():
    """Entry point of the executable ``sim_node``."""
    run(SimNode, (ParameterError, RuntimeError))


if __name__ == '__main__':
    main()
