"""Teleoperation: leader arms in, one row every 40 ms for the safety supervisor out."""
import json
import time
from dataclasses import dataclass
from functools import partial

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.teleoperation import LEADER_GRIPPERS, Fault, Teleoperation, TeleoperationSettings
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, SIDES
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.envelope import Envelope

from .clock import NodeClock
from .convert import driver_motors
from .leader_arms import LeaderArm
from .parameters import ParameterError, declare, parameter
from .qos import LATCHED, SENSOR
from .robot import ArmParameters
from .row_source import RowSource
from .running import Leave, run
from .waiting import Waiting

SOURCES = ('teleop', 'demonstration')
"""Authorities that this node serves: an operator's takeover, and collecting at full speed."""

SETTLING = 0.5
"""s for which leaders that were let go are heard before they are followed: a driver says nothing while it switches modes,
and gravity compensation answers before it has."""

LEAVE_TIME = 4.0
"""s of wall time for the leaders to hold again when the process is asked to end."""


@dataclass(frozen=True)
class TeleopParameters(ArmParameters):
    """Parameters of teleoperation beside the names of the arms."""

    safety_config: str = parameter('safety.yaml', 'the supervisor\'s limits, so that nothing is asked that it would refuse')
    reach: float = parameter(0.8, 'rad; a follower further from its leader is not ramped, and opens the clutch', 0.05, 3.0)
    ramp_speed: float = parameter(0.6, 'rad/s with which the followers ramp to their leaders', 0.05, 1.5)
    gripper_ramp_speed: float = parameter(1.0, 'openings/s of that ramp', 0.1, 4.0)
    speed_limit: float = parameter(2.8, 'rad/s with which they follow; a faster leader is followed late', 0.1, 3.1)
    gripper_speed_limit: float = parameter(3.6, 'openings/s', 0.1, 5.0)
    leader_jump: float = parameter(0.35, 'rad in 40 ms, more than which no arm can move', 0.1, 3.0)
    leader_max_age: float = parameter(0.1, 's, oldest joint state of a leader that is followed', 0.02, 1.0)
    squeeze_time: float = parameter(0.3, 's for which both leaders\' grippers are squeezed to close the clutch', 0.05, 3.0)
    clutch_when_armed: bool = parameter(False, 'close the clutch as soon as this source has the arms: for scripted leaders')
    gravity_compensation: bool = parameter(True, 'let the leaders float where their driver offers it; else they go limp')
    driver_timeout: float = parameter(10.0, 's of wall time that a leader\'s driver has to answer', 0.5, 30.0)


class TeleopNode(Node):
    """Wires leaders and the supervisor's status to ``control.teleoperation.Teleoperation``."""

    def __init__(self):
        super().__init__('teleop')
        self._p = p = declare(self, TeleopParameters)
        self._time = NodeClock(self)
        envelope = Envelope(load_config(config_file(p.safety_config)))
        limits = envelope.limits
        self._core = Teleoperation(
            TeleoperationSettings(limits.lower, limits.upper, limits.acceleration, p.reach, p.ramp_speed,
                                  p.gripper_ramp_speed, p.speed_limit, p.gripper_speed_limit, p.leader_jump,
                                  p.leader_max_age, p.squeeze_time),
            LEADER_GRIPPERS[p.gripper_map],
            lambda row, position, velocity: envelope.admit(
                row, position, velocity, self._source.status.speed_scale, self._source.status.hand_speed))
        self._source = RowSource(self, self._time, SOURCES, self._core, self._on_started)
        self._busy, self._told = False, None
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._waiting = Waiting(self, lambda period, callback: self.create_timer(period, callback, clock=wall))
        self._arms = {}
        for side in SIDES:
            self._arms[side] = LeaderArm(self, p.leader(side), p.arm_group, p.gripper_joint, p.gravity_compensation,
                                         self._waiting, p.driver_timeout)
            self.create_subscription(JointState, f'{p.leader(side)}/joint_states', partial(self._on_leader, side), SENSOR)
        self.create_service(SetBool, '~/clutch', self._on_clutch,
                            callback_group=MutuallyExclusiveCallbackGroup())  # it waits for the leaders; nothing else may
        self._states = self.create_publisher(String, '/cosmos_policy/teleop_state', LATCHED)
        self._time.timer(CONTROL_PERIOD / 4, self._play)
        self._tell()

    def spin(self, executor):
        """Serve until the process is asked to end; then the leaders hold again."""
        leave = Leave()
        while not leave.asked:
            executor.spin_once(timeout_sec=0.1)
        self._core.stop()
        holding, deadline = executor.create_task(self._hold), time.monotonic() + LEAVE_TIME
        while not holding.done() and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)

    def _on_leader(self, side, message):
        motors = driver_motors(message)
        self._arms[side].joints = motors[:6]
        self._core.observe(side, motors, self._time.from_stamp(message.header.stamp))

    def _play(self):
        now = self._time.now()
        if self._core.squeezed(now) and not self._busy:
            self.executor.create_task(self._close_clutch)
        self._source.play()
        self._tell()

    def _on_started(self):
        self.executor.create_task(self._invite)

    async def _invite(self):
        """The arms are there to be taken."""
        for arm in self._arms.values():
            self._complain(await arm.loosen_gripper())
        if self._p.clutch_when_armed:
            await self._close_clutch()

    async def _on_clutch(self, request, response):
        if request.data:
            problem = await self._close_clutch()
            response.success, response.message = problem is None, problem.text if problem else ''
        else:
            self._core.release()
            response.success = True
        return response

    async def _close_clutch(self):
        """Hand the leaders to the operator, then engage; the ``Problem`` against it, or None."""
        self._busy = True
        try:
            await self._heard(0.0)
            problem = self._core.against(self._time.now())
            if problem is None or problem.fault in (Fault.TOO_FAR, Fault.JUMPED):
                for arm in self._arms.values():
                    self._complain(await arm.free())
                await self._heard(SETTLING)
            return self._core.engage(self._time.now())
        finally:
            self._busy = False

    async def _heard(self, seconds):
        """Wait until both leaders were heard for a while from now on, within the patience for their drivers."""
        since = self._time.now()
        await self._waiting.until(lambda: self._core.heard_since(since, self._time.now()) > seconds, self._p.driver_timeout)

    async def _hold(self):
        for arm in self._arms.values():
            self._complain(await arm.hold())

    def _complain(self, sentence):
        if sentence:
            self.get_logger().error(sentence)

    def _tell(self):
        """Publish and log what has changed."""
        core = self._core
        problem = core.problem
        state = {'clutch': core.clutch.value, 'epoch': core.epoch, 'fault': problem.fault.value if problem else '',
                 'message': problem.text if problem else '', 'held_back': core.held_back.split(':')[0]}
        if state == self._told:
            return
        if problem and state['message'] != (self._told or {}).get('message'):
            self.get_logger().error(problem.text)
        elif state['held_back']:
            self.get_logger().warning(f'followers held back: {core.held_back}', throttle_duration_sec=1.0)
        self._told = state
        self._states.publish(String(data=json.dumps(state)))


def main():
    """Entry point of the executable ``teleop_node``."""
    run(TeleopNode, (ParameterError, ConfigError))


if __name__ == '__main__':
    main()
