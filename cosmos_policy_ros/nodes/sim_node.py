"""The simulated robot's node: topics and services of the real one, cameras, and the clock that everybody follows."""
import time
from dataclasses import dataclass

from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, SIDES
from cosmos_policy_ros.msg import GuardState, PictureFingerprint, SafetyStatus, StopSource, TaskState
from cosmos_policy_ros.sim.arm_models import LEADER
from cosmos_policy_ros.sim.driver import ArmDriver
from cosmos_policy_ros.sim.experts import make_expert
from cosmos_policy_ros.sim.faults import CATALOGUE, CLEAR, FaultError, Faults
from cosmos_policy_ros.sim.leaders import LeaderArms, ScriptedOperator
from cosmos_policy_ros.sim.lockstep import LockStep
from cosmos_policy_ros.sim.tasks import TASKS
from cosmos_policy_ros.sim.world import SimulationDiverged, World
from cosmos_policy_ros.srv import InjectFault, ResetSimulation

from .clock import seconds, time_message
from .parameters import ParameterError, declare, parameter
from .qos import DRIVER, LATCHED, ROW
from .robot import RobotParameters
from .running import run
from .sim_arms import SimulatedArm
from .sim_cameras import SimulatedCameras

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

LED = ('teleop', 'demonstration')
"""Authorities under which the followers follow the leaders; the scripted operator begins once they do."""

ONCE = tuple(fault.id for fault in CATALOGUE.values() if not fault.lasting)

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
    leaders: str = parameter('none', 'leader arms: still lie untouched; scripted ones are moved by a scripted operator',
                             choices=('none', 'still', 'scripted'))


class SimNode(Node):
    """One thread: commands and services come in between steps; each camera is rendered in its own step of a frame."""

    def __init__(self):
        super().__init__('sim')
        self._p = p = declare(self, SimParameters)
        self._world = World(p.task)
        self._world.reset(p.seed)
        self._seed, self._step, self._held = p.seed, 0, 0
        self._epoch_start = START_TIME
        self._served, self._running, self._watched = 0, False, ()
        self._pace = LockStep(ALLOWANCES, p.patience)
        arms = {p.arm(side).strip('/'): side for side in SIDES}
        leaders = {p.leader(side).strip('/'): side for side in SIDES if p.leaders != 'none'}
        self._faults = Faults((*arms, *leaders), CAMERAS)
        self._arms = {name: self._arm(name, ArmDriver(self._world, side, convention=p.gripper_map, faults=self._faults,
                                                      name=name)) for name, side in arms.items()}
        self._operator = None
        if p.leaders == 'scripted':
            self._operator = ScriptedOperator(lambda: make_expert(self._world), p.gripper_map)
        self._leaders = LeaderArms(self._world, p.gripper_map, self._operator) if leaders else None
        self._arms.update({name: self._arm(name, ArmDriver(
            self._leaders, side, 'position', LEADER, p.gripper_map, torque=False, faults=self._faults, name=name),
            gravity=True) for name, side in leaders.items()})
        self._cameras = SimulatedCameras(self, self._world, p, self._faults, STEP)
        if p.camera_rate > self._cameras.rate + 0.1:
            self.get_logger().warning(f'the simulated cameras give {self._cameras.rate:.0f} images a second, '
                                      f'not {p.camera_rate:g}')
        self._clock_publisher = self.create_publisher(Clock, '/clock', ROW)
        self._task_state = self.create_publisher(TaskState, '/sim/task_state', DRIVER)
        self.create_service(ResetSimulation, '/sim/reset', self._on_reset)
        self.create_service(InjectFault, '/sim/inject_fault', self._on_fault)
        if self._operator is not None:
            self.create_service(SetBool, '/sim/operator', self._on_operator)
        self.create_subscription(Header, '/cosmos_policy/supervisor_heartbeat',
                                 lambda message: self._heard('supervisor', seconds(message.stamp)), ROW)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.create_subscription(Header, '/cosmos_policy/source_heartbeat', self._on_row, ROW)
        self.create_subscription(StopSource, '/cosmos_policy/stop', self._on_stop, DRIVER)
        self.create_subscription(GuardState, '/cosmos_policy/guard_state', self._on_guard, DRIVER)
        self.create_subscription(PictureFingerprint, '/cosmos_policy/picture_fingerprint',
                                 lambda message: self._heard('picture', seconds(message.header.stamp)), DRIVER)
        self.get_logger().info(f'ready: task {p.task!r}, seed {p.seed}')

    def _arm(self, name, driver, gravity=False):
        return SimulatedArm(self, f'/{name}', driver, self._faults, self._take, gravity)

    def spin(self, executor):
        """Step in pace with wall time and serve messages in between."""
        due = look = time.monotonic()
        while self.context.ok():
            executor.spin_once(timeout_sec=max(0.0, due - time.monotonic()))
            self._serve_waiting(executor)
            now = time.monotonic()
            if now >= look:
                for arm in self._arms.values():
                    arm.serve()
                look = now + STEP / 2
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
        """Free the renderers."""
        self._cameras.close()

    def _now(self):
        return self._epoch_start + self._world.time

    def _take(self):
        self._served += 1

    def _on_status(self, message):
        """Rows are waited for while they move the arms; before, and during a stop, time goes on without them."""
        self._take()
        for stream in set(self._watched).difference(message.watched):
            self._pace.release(stream)
        self._watched = message.watched
        before, self._running = self._running, message.state == SafetyStatus.RUNNING
        if not self._running:
            self._pace.release('row')
        elif not before:  # the row that began the motion may have come before this message
            self._pace.expect('row', self._now())
        if self._running and self._operator is not None and message.authority in LED:
            self._operator.begin()

    def _on_stop(self, message):
        """Each source that the supervisor relies on is waited for; others may come and go."""
        stream = f'stop/{message.id}'
        if stream in self._watched:
            self._heard(stream, self._now())
        else:
            self._take()

    def _on_row(self, message):
        self._take()
        if self._running:
            self._pace.heard('row', seconds(message.stamp))

    def _on_guard(self, message):
        self._take()
        if message.state in (GuardState.WAITING, GuardState.BRAKING):
            self._pace.heard('guard', seconds(message.header.stamp))
        else:
            self._pace.release('guard')

    def _heard(self, stream, moment):
        self._take()
        self._pace.heard(stream, moment)

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
        for part in (self._operator, self._leaders, *self._arms.values(), self._cameras):
            if part is not None:
                part.reset()
        self._seed, self._step, self._held = seed, 0, 0

    def _on_fault(self, request, response):
        try:
            response.message = self._change_fault(request)
            response.accepted = True
        except FaultError as error:
            response.message = str(error)
        return response

    def _change_fault(self, request):
        """Do what an ``InjectFault`` asks; returns a text about it. Raises FaultError."""
        if not request.fault:
            return self._faults.listing()
        if request.fault == CLEAR:
            self._faults.clear()
            for arm in self._arms.values():
                for fault in ONCE:
                    arm.driver.recover(fault, '')
            self.get_logger().warning('all faults mended')
            return 'all faults mended'
        if request.active:
            fault, targets, value = self._faults.inject(request.fault, request.target, request.value)
        else:
            fault, targets = self._faults.mend(request.fault, request.target)
        for target in targets if not fault.lasting else ():
            arm, _, motor = target.partition('/')
            driver = self._arms[arm].driver
            driver.suffer(fault.id, motor, value) if request.active else driver.recover(fault.id, motor)
        text = f'{fault.id}: {", ".join(targets)}'
        if not request.active:
            text += ' mended'
        elif fault.unit:
            text += f', {value:g} {fault.unit}'
        self.get_logger().warning(text)
        return text

    def _on_operator(self, request, response):
        """Begin with the task, or hold still. The leaders give way only without torque."""
        self._operator.start() if request.data else self._operator.stop()
        response.success = True
        firm = [name for name, arm in self._arms.items()
                if arm.driver.world is self._leaders and not self._leaders.limp(arm.driver.side)]
        response.message = f'{" and ".join(firm)} will not move before the torque is off' if firm else ''
        return response

    def _advance(self):
        """One step of 10 ms: physics, clock, joint states, and one image of the cameras' frame."""
        try:
            self._world.advance(STEP)
        except SimulationDiverged as error:
            self.get_logger().error(f'{error}: starting again from seed {self._seed}')
            self._restart(self._world.task.name, self._seed)
        if self._operator is not None:
            self._operator.advance((self._step % STEPS_PER_FRAME + 1) / STEPS_PER_FRAME)
        if self._leaders is not None:
            self._leaders.advance(STEP)
        stamp = time_message(self._now())
        self._clock_publisher.publish(Clock(clock=stamp))
        for arm in self._arms.values():
            arm.publish(self._now())
        if self._step % STEPS_PER_FRAME == 0:
            self._publish_task_state(stamp)
        self._cameras.advance(self._step, self._epoch_start, self._now())
        self._step += 1

    def _publish_task_state(self, stamp):
        self._held = self._held + 1 if self._world.success() else 0
        score, stage = self._world.progress()
        message = TaskState(task=self._world.task.name, seed=self._seed, success=self._held >= HELD_FRAMES,
                            score=score, stage=stage)
        message.header.stamp = stamp
        self._task_state.publish(message)


def main():
    """Entry point of the executable ``sim_node``."""
    run(SimNode, (ParameterError, RuntimeError), pictures=True)


if __name__ == '__main__':
    main()
