"""The guard's node: hears whether the supervisor lives, and brings the arms to rest when it does not."""
import time
from dataclasses import dataclass
from functools import partial

from interbotix_xs_msgs.msg import JointGroupCommand
from interbotix_xs_msgs.srv import RegisterValues
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, SIDES
from cosmos_policy_ros.msg import GuardState
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.second_channel import GuardPhase, SecondChannel

from .clock import NodeClock
from .parameters import ParameterError, declare, parameter
from .qos import DRIVER, ROW, SENSOR
from .realtime import claim_processor, own_garbage_collection
from .robot import RobotParameters
from .running import Leave, StreamExecutor, run

STATE_PERIOD = 0.1
SUSPICION = 0.03
"""s of wall time without the supervisor from which on every look is announced; a simulator in lock-step waits for them."""

LEAVE_TIME = 1.0
"""s of wall time in which a guard that is asked to end still waits for a silent supervisor, or ends its brake."""

BUS_WATCHDOG_UNIT = 0.02
"""s of one count of the servos' Bus_Watchdog."""


@dataclass(frozen=True)
class GuardParameters(RobotParameters):
    """Parameters of the guard beside those of the robot."""

    safety_config: str = parameter('safety.yaml', 'limits and servo model: the file that the supervisor uses')
    silence: float = parameter(0.1, 's without the supervisor after which its arms are brought to rest', 0.05, 1.0)
    bus_watchdog: float = parameter(0.0, 's without traffic on an arm\'s bus after which its servos stop by themselves; 0 '
                                         'leaves theirs alone', 0.0, 2.54)
    realtime_priority: int = parameter(0, 'SCHED_FIFO priority of the loop; 0 leaves it to the system', 0, 99)
    cpu: int = parameter(-1, 'processor that the loop is bound to; -1: any', -1, 1023)


class GuardNode(Node):
    """Wires topics to ``safety.second_channel.SecondChannel``. Its name is known to the supervisor."""

    def __init__(self):
        super().__init__('safety_guard')
        self._p = p = declare(self, GuardParameters)
        self._time = NodeClock(self)
        config = load_config(config_file(p.safety_config))
        self._channel = SecondChannel(config, p.silence)
        self._announced, self._announced_at, self._heard_at = None, 0.0, 0.0
        self._groups = {}
        for side in SIDES:
            arm = p.arm(side)
            self._groups[side] = self.create_publisher(JointGroupCommand, f'{arm}/commands/joint_group', DRIVER)
            self.create_subscription(JointGroupCommand, f'{arm}/commands/joint_group', partial(self._on_command, side),
                                     DRIVER)
            self.create_subscription(JointState, f'{arm}/joint_states', partial(self._on_joints, side), SENSOR)
            if p.bus_watchdog:
                self._set_bus_watchdog(arm)
        self.create_subscription(Header, '/cosmos_policy/supervisor_heartbeat', self._on_heartbeat, ROW)
        self._state = self.create_publisher(GuardState, '/cosmos_policy/guard_state', DRIVER)
        for refused in claim_processor(p.realtime_priority, p.cpu):
            self.get_logger().warning(refused)
        # On wall time even in simulation: a clock that stands still must not keep it from being seen.
        self.create_timer(config.tick_period, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        own_garbage_collection()

    def _set_bus_watchdog(self, arm):
        """Zero first: that also frees servos whose watchdog has fired, which take no goals until then."""
        client = self.create_client(RegisterValues, f'{arm}/set_motor_registers')
        counts = round(self._p.bus_watchdog / BUS_WATCHDOG_UNIT)
        if not client.wait_for_service(timeout_sec=10.0):
            self.get_logger().error(f'{arm}/set_motor_registers: no such service; bus_watchdog is not set')
            return
        for kind, name in (('group', self._p.arm_group), ('single', self._p.gripper_joint)):
            for value in (0, counts):
                client.call_async(RegisterValues.Request(cmd_type=kind, name=name, reg='Bus_Watchdog', value=value))

    def spin(self, executor):
        """Serve until the process is asked to end, and no arm moves without a supervisor."""
        leave = Leave()
        deadline = None
        while not leave.asked or time.monotonic() < deadline and self._needed():
            executor.spin_once(timeout_sec=0.1)
            deadline = deadline or (time.monotonic() + LEAVE_TIME if leave.asked else None)
        self._announce(GuardPhase.WATCHING, self._time.now())  # nobody has to wait for it any more

    def _needed(self):
        return self._channel.engaged and self._channel.phase is not GuardPhase.HOLDING

    def _on_heartbeat(self, _):
        self._heard_at = time.monotonic()
        self._channel.heartbeat(self._time.now())

    def _on_command(self, side, message):
        if self._channel.phase in (GuardPhase.WATCHING, GuardPhase.WAITING) and len(message.cmd) == len(ARM_JOINTS):
            self._channel.command(side, message.cmd, self._time.now())

    def _on_joints(self, side, message):
        if list(message.name[:len(ARM_JOINTS)]) == list(ARM_JOINTS) and len(message.velocity) >= len(ARM_JOINTS):
            self._channel.measurement(side, message.position[:len(ARM_JOINTS)], message.velocity[:len(ARM_JOINTS)],
                                      self._time.from_stamp(message.header.stamp))

    def _look(self):
        before, now = self._channel.phase, self._time.now()
        for side, goals in self._channel.look(now).items():
            self._groups[side].publish(JointGroupCommand(name=self._p.arm_group, cmd=goals.tolist()))
        phase, wall = self._channel.phase, time.monotonic()
        if phase is not before and phase in (GuardPhase.BRAKING, GuardPhase.HOLDING):
            self.get_logger().error(f'the supervisor is not heard: {phase.name.lower()}')
        if self._needed() and phase is GuardPhase.WATCHING and wall - self._heard_at > SUSPICION:
            phase = GuardPhase.WAITING
        waits = phase in (GuardPhase.WAITING, GuardPhase.BRAKING)
        if waits or phase is not self._announced or wall - self._announced_at >= STATE_PERIOD:
            self._announced, self._announced_at = phase, wall
            self._announce(phase, now)

    def _announce(self, phase, now):
        message = GuardState(state=int(phase), silence=self._channel.silence)
        message.header.stamp = self._time.to_stamp(now)
        self._state.publish(message)


def main():
    """Entry point of the executable ``guard_node``."""
    run(GuardNode, (ConfigError, ParameterError), StreamExecutor)


if __name__ == '__main__':
    main()
