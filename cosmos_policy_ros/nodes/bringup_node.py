"""Brings the arms up and to rest: start-up checks, preparation, parking, recovery, gripper calibration, as services.

It talks to the drivers' services only while nobody has the arms, and moves them only as a source of the supervisor.
"""
import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from cosmos_policy_ros.arms import calibration
from cosmos_policy_ros.arms.arm import Arm
from cosmos_policy_ros.arms.bringup import BringUp
from cosmos_policy_ros.arms.confirmation import Confirmation
from cosmos_policy_ros.arms.driver import ArmError
from cosmos_policy_ros.arms.moves import plan
from cosmos_policy_ros.arms.stream import ArmState, StateStream
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, CONTROL_PERIOD, SIDES
from cosmos_policy_ros.embodiment.limits import both_arms
from cosmos_policy_ros.safety.chunk_check import check_chunk
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.ramp import ramp

from .arm_client import XsSdkClient
from .arm_mover import ArmMover
from .clock import NodeClock
from .interbotix_adapter import connect
from .parameters import ParameterError, declare, parameter
from .qos import DRIVER
from .robot import CALIBRATION_FILE, MotorParameters, state_path
from .running import run
from .steps import Steps
from .waiting import Waiting

SOURCE = 'bringup'
PREFIX = 'cosmos_policy arms: '
OPERATIONS = ('check', 'prepare', 'park', 'recover', 'calibrate_grippers')
POLL_PERIOD = 0.005
SLOWEST = 20.0
"""s of wall time that a second of simulated time may take before it counts as standing still."""

HAND_SPEED_SHARE = 0.9
"""Of the supervisor's reduced speed, so that it has nothing to clamp."""


@dataclass(frozen=True)
class BringupParameters(MotorParameters):
    """Parameters of bring-up beside those of the arms."""

    safety_config: str = parameter('safety.yaml', 'the file that the supervisor uses: a file in config/, or a full path')
    driver: str = parameter('services', 'how the drivers are asked: their services, or Interbotix\'s Python API where it is '
                                        'installed', choices=('services', 'interbotix_api'))
    robot_model: str = parameter('vx300s', 'model that Interbotix\'s Python API is told')
    speed: float = parameter(0.6, 'rad/s of the fastest joint on the way to a pose', 0.05, 1.5)
    acceleration: float = parameter(1.0, 'rad/s2 on the way to a pose', 0.1, 10.0)
    gripper_speed: float = parameter(0.5, 'openings/s', 0.05, 2.0)
    gripper_acceleration: float = parameter(5.0, 'openings/s2', 0.5, 50.0)
    tolerance: float = parameter(0.1, 'rad from a pose that count as arrived: the motors droop under load', 0.01, 0.5)
    patience: float = parameter(20.0, 's for states to come and for arms to arrive', 1.0, 120.0)
    calibration_file: str = parameter(CALIBRATION_FILE, 'where the calibration of the grippers is put; a bare name lies in '
                                                        '~/.local/state/cosmos_policy_ros')


class BringupNode(Node):
    """One operation at a time, in a thread of its own; this thread serves messages meanwhile."""

    def __init__(self):
        super().__init__('arm_bringup')
        self._p = p = declare(self, BringupParameters)
        self._time = NodeClock(self)
        config = load_config(config_file(p.safety_config))
        self._streams = {side: StateStream(p.state_window) for side in SIDES}
        self._mover = ArmMover(self, self._time, SOURCE, self._until, p.patience)
        drivers = {side: self._driver(p.arm(side)) for side in SIDES}
        self._bringup = BringUp(
            {side: Arm(driver, p.arm_names, p.call_limits, self._pause) for side, driver in drivers.items()},
            self._streams, self._mover, p.expectations(config.gripper_map), self._planner(config), p.gripper,
            Confirmation(time.monotonic), self._until, self._pause, self._say, p.patience, p.tolerance)
        self._findings, self._doing, self._ended = (), '', False
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._waiting = Waiting(self, lambda period, callback: self.create_timer(period, callback, clock=wall))
        self._steps = Steps(self, SOURCE)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', DRIVER)
        self.create_timer(1.0, self._publish, clock=wall)
        waits = ReentrantCallbackGroup()  # an operation lasts; nothing else may wait for it
        for name in OPERATIONS:
            self.create_service(Trigger, f'~/{name}', partial(self._serve, name, getattr(self, f'_{name}')),
                                callback_group=waits)
        self.get_logger().info(f'ready: {", ".join(driver.name for driver in drivers.values())}')

    def close(self):
        """Let an operation end; the supervisor stops the arms when its rows cease."""
        self._ended = True

    def _driver(self, name):
        p = self._p
        return XsSdkClient(self, name, self._until) if p.driver == 'services' else connect(name, p.robot_model, p.patience)

    def _planner(self, config):
        p, envelope = self._p, Envelope(config)
        limits = envelope.limits.within(both_arms(p.speed, p.gripper_speed), both_arms(p.acceleration, p.gripper_acceleration))
        way = partial(ramp, limits=limits, period=CONTROL_PERIOD, hand_speed=HAND_SPEED_SHARE * config.reduced_speed)

        def judge(rows, start, first):
            verdict = check_chunk(rows, start, envelope, first)
            return f'{verdict.cause} {verdict.detail}' if verdict.cause else ''
        return partial(plan, ramp=way, judge=judge, lower=limits.lower, upper=limits.upper)

    async def _serve(self, name, operation, _, response):
        if self._doing:
            response.message = f'busy with {self._doing}; ask again when it has ended'
            return response
        self._say(name)
        self._steps.tell(name)
        readers = [self.create_subscription(JointState, f'{self._p.arm(side)}/joint_states',
                                            partial(self._on_joints, side), DRIVER) for side in SIDES]
        thread = threading.Thread(target=self._work, args=(operation, response), daemon=True)
        thread.start()
        await self._waiting.until(lambda: not thread.is_alive(), math.inf)
        for reader in readers:
            self.destroy_subscription(reader)
        self._doing = ''
        self._publish()
        self.get_logger().info(f'{name}: {"done" if response.success else "not done"}: {response.message}')
        return response

    def _work(self, operation, response):
        try:
            self._mover.require_free()  # registers that are read leave gaps in the joint states, for which it would stop
            response.success, response.message = operation()
        except ArmError as error:
            response.success, response.message = False, str(error)
        except Exception as error:  # whoever asked has to hear of it, and the next operation may do better
            response.success, response.message = False, f'{type(error).__name__}: {error}; see the log of arm_bringup'
            self.get_logger().error(response.message)

    def _check(self):
        self._findings = findings = self._bringup.check()
        wrong = [str(finding) for finding in findings if finding.found]
        failed = any(finding.found and finding.fails for finding in findings)
        return not failed, '\n'.join(wrong) or f'all {len(findings)} checks passed'

    def _prepare(self):
        return True, self._bringup.prepare()

    def _park(self):
        return True, self._bringup.park()

    def _recover(self):
        return True, self._bringup.recover()

    def _calibrate_grippers(self):
        readings, path = self._bringup.calibrate(), state_path(self._p.calibration_file)
        calibration.store(path, readings, self._p.gripper_map, datetime.now().isoformat(timespec='seconds'),
                          'cosmos-policy-ros arms calibrate')
        said = '; '.join(f'{side.value}: closed {r.closed_finger:.4f} m at {r.closed_motor:.3f} rad, open '
                         f'{r.open_finger:.4f} m at {r.open_motor:.3f} rad' for side, r in readings.items())
        return True, f'{said}. Stored in {path}: set gripper_calibration in the robot file to use it'

    def _on_joints(self, side, message):
        self._streams[side].add(arm_state(message, self._p.gripper_joint, self._time))

    def _until(self, condition, patience):
        """Whether a condition holds within ``patience`` s, which simulated time may take long for."""
        begun, limit = self._time.now(), time.monotonic() + SLOWEST * patience
        while not condition():
            if self._ended:
                raise ArmError('arm_bringup was asked to end')
            if self._time.now() > begun + patience or time.monotonic() > limit:
                return False
            time.sleep(POLL_PERIOD)
        return True

    def _pause(self, duration):
        self._until(lambda: False, duration)

    def _say(self, text):
        self._doing = text
        self.get_logger().info(text)

    def _publish(self):
        message = DiagnosticArray(status=[
            DiagnosticStatus(name=f'{PREFIX}bring-up', level=DiagnosticStatus.OK, message=self._doing or 'idle',
                             hardware_id='aloha'), *map(diagnostic, self._findings)])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def arm_state(message, gripper, clock):
    """``ArmState`` of a driver's ``JointState``; NaN for what it does not carry."""
    positions = dict(zip(message.name, message.position))
    joints = np.array([positions.get(name, math.nan) for name in ARM_JOINTS])
    return ArmState(clock.from_stamp(message.header.stamp), joints, positions.get(gripper, math.nan),
                    positions.get('left_finger', math.nan))


def diagnostic(finding):
    """``DiagnosticStatus`` of a ``Finding``."""
    level = DiagnosticStatus.OK if not finding.found else DiagnosticStatus.ERROR if finding.fails else DiagnosticStatus.WARN
    return DiagnosticStatus(name=f'{PREFIX}{finding.arm} {finding.check}', level=level, message=finding.found or 'as expected',
                            hardware_id=finding.arm, values=[KeyValue(key='asked', value=finding.asked),
                                                             KeyValue(key='expected', value=finding.expected),
                                                             KeyValue(key='fix', value=finding.fix if finding.found else '')])


def main():
    """Entry point of the executable ``bringup_node``."""
    run(BringupNode, (ArmError, ConfigError, ParameterError))


if __name__ == '__main__':
    main()
