"""Simulator and supervisor as processes, with an operator's station and a source of rows that swings the arms."""
import math

import numpy as np
from arm_commands import HEARTBEAT, ArmWatch
from graph_probe import wait
from std_msgs.msg import Header

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_SLICE, GRIPPER_INDEX, SIDES
from cosmos_policy_ros.msg import JointSetpoint, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds, time_message
from cosmos_policy_ros.nodes.station import Station

PERIOD = 0.04
LATE = {'setpoint_stale', 'policy_starved', 'stop_source_lost'}
"""Causes that a machine under load brings about while a test prepares itself."""

LATCHED = (SafetyStatus.PROTECTIVE_STOP, SafetyStatus.ESTOPPED)


def calmed(watch, station):
    """Whether the supervisor is READY; asks for what leads there."""
    status = watch.status
    if status is None:
        return False
    if status.state in LATCHED:
        if not status.blockers:
            station.reset()
    elif status.armed:
        station.arm('')
    return status.state == SafetyStatus.READY


class Teleop:
    """A source of rows: one every 40 ms of simulated time while it swings both waists."""

    def __init__(self, probe, watch):
        self._publisher = probe.publisher(JointSetpoint, '/cosmos_policy/setpoint')
        self._heartbeat = probe.publisher(Header, '/cosmos_policy/source_heartbeat')
        self._watch, self._sequence, self._begun = watch, 0, math.inf
        probe.listen(Header, HEARTBEAT, self._tick)

    def pose(self):
        """(14,) where the arms are commanded to be, with the grippers as measured."""
        pose, grippers = np.zeros(14), GRIPPER_MAPS['ros1']
        for side in SIDES:
            pose[ARM_SLICE[side]] = self._watch.commands(side)[1][-1]
            finger = self._watch.states[side][-1].position[7]
            pose[GRIPPER_INDEX[side]] = grippers.action_from_joint(grippers.joint_from_finger(finger))
        return pose

    def send(self, positions, delay=0.0, **changes):
        """One row whose target time was ``delay`` s ago."""
        self._sequence += 1
        message = JointSetpoint(**{'source': 'teleop', 'epoch': self._watch.status.epoch, 'sequence': self._sequence,
                                   'positions': [float(value) for value in positions], **changes})
        message.header.stamp = time_message(self._watch.now - delay)
        self._publisher.publish(message)
        self._heartbeat.publish(message.header)

    def swing(self):
        """Move from now on."""
        self._start, self._due = self.pose(), self._watch.now
        self._begun = self._due

    def rest(self):
        """Send no more rows."""
        self._begun = math.inf

    def _tick(self, message):
        passed = seconds(message.stamp) - self._begun
        if passed >= 0 and seconds(message.stamp) >= self._due - 1e-6:
            self._due += PERIOD
            row = self._start.copy()
            row[[0, 7]] += 0.2 * np.sin(3.0 * passed)
            self.send(row)


class Rig:
    """Simulator and supervisor, watched; an operator's station; a teleop source. A context manager that closes the station."""

    def __init__(self, probe, domain, processes):
        self.probe, self.domain, self.processes = probe, domain, processes
        self.watch = ArmWatch(probe)
        self.teleop = Teleop(probe, self.watch)
        self.station = Station('operator')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.station.close()

    def until(self, *states):
        """Wait until the supervisor is in one of the states."""
        wait(lambda: self.watch.status and self.watch.status.state in states, lambda: self.watch.status)

    def calm(self):
        """Everything released, reset and disarmed."""
        self.teleop.rest()
        wait(lambda: calmed(self.watch, self.station), lambda: self.watch.status)
        wait(lambda: all(self.watch.states.values()), 'joint states')

    def armed(self):
        """Teleop has the arms, which stand."""
        reply = self.station.arm('teleop')
        assert reply.accepted, reply.blockers
        wait(lambda: self.watch.status.epoch == reply.epoch and self.watch.status.state == SafetyStatus.HELD,
             lambda: self.watch.status)
        since = self.watch.now
        wait(lambda: all(len(self.watch.commands(side, since)[0]) for side in SIDES), 'a repeated command')

    def moving(self, followed=0.0):
        """Teleop swings the arms, which are measured at more than ``followed`` rad/s."""
        self.armed()
        self.teleop.swing()
        wait(lambda: self._swings(followed), lambda: self.watch.status)

    def _swings(self, followed):
        if self.watch.causes() and self.watch.causes() <= LATE:
            self.calm()
            self.armed()
            self.teleop.swing()
        measured = min(np.abs(states[-1].velocity[:6]).max() for states in self.watch.states.values())
        return self.watch.status.state == SafetyStatus.RUNNING and self.watch.speed() > 0.3 and measured >= followed
