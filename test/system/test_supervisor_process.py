"""The supervisor as a process: stops from every side, guarded resets, and rows that it must refuse."""
import threading

import numpy as np
import pytest
from arm_commands import ArmWatch
from command_process import Command
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.msg import JointSetpoint, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds, time_message
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.srv import ResetSafety

PERIOD = 0.04
SETPOINT = '/cosmos_policy/setpoint'
RESET = '/cosmos_policy/reset_safety'


class Teleop:
    """A source of rows: swings both waists from where the arms are commanded, one row every 40 ms of simulated time."""

    def __init__(self, probe, watch):
        self._publisher = probe.publisher(JointSetpoint, SETPOINT)
        self._watch = watch
        self._moving, self._sequence, self._due = None, 0, 0.0
        probe.listen(type(probe).HEADER, '/cosmos_policy/supervisor_heartbeat', self._tick)
        wait(self._publisher.get_subscription_count, 'readers of setpoints')

    def pose(self):
        """(14,) what the arms are commanded now; grippers as measured."""
        pose = np.zeros(14)
        for side in SIDES:
            pose[ARM_SLICE[side]] = self._watch.commands(side)[1][-1]
            finger = self._watch.states[side][-1].position[7]
            pose[GRIPPER_INDEX[side]] = GRIPPER_MAPS['ros1'].observation_from_finger(finger)
        return pose

    def send(self, positions, **changes):
        """One row at the present time."""
        self._sequence += 1
        message = JointSetpoint(**{'source': 'teleop', 'epoch': self._watch.status.epoch, 'sequence': self._sequence,
                                   'positions': [float(value) for value in positions], **changes})
        message.header.stamp = time_message(self._watch.now)
        self._publisher.publish(message)

    def swing(self):
        """Begin to move."""
        self._start, self._begun = self.pose(), self._watch.now
        self._due, self._moving = self._begun, True

    def rest(self):
        """Send no more rows."""
        self._moving = False

    def _tick(self, message):
        now = seconds(message.stamp)
        if self._moving and now >= self._due - 1e-6:
            self._due += PERIOD
            row = self._start.copy()
            row[[0, 7]] += 0.2 * np.sin(3.0 * (now - self._begun))
            self.send(row)
