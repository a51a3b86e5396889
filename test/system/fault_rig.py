"""The supervisor's real process over DDS, in step with a clock that the test owns.

Time goes on by one tick when the supervisor has answered the last one, so that every figure is exact however busy the
machine is.
"""
import math
import os
import time
from dataclasses import replace
from functools import partial

import rclpy
from fault_modes import OWN, ModeRig
from fault_streams import STEP
from graph_probe import PATIENCE
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.context import Context
from std_msgs.msg import Header

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.graph import GraphOptions, graph
from cosmos_policy_ros.bringup.processes import ProcessGroup
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import GuardState, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.nodes.qos import DRIVER, LATCHED, ROW
from cosmos_policy_ros.nodes.running import StreamExecutor
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.srv import Arm, ResetSafety

GUARD_LOOKS = 0.05
"""s of wall time in which the guard has looked several times."""


class Silent(AssertionError):
    """The supervisor does not answer."""


class FaultRig(ModeRig):
    """Starts the supervisor and plays everything around it; a context manager.

    Args:
        domain: ROS domain id, which the environment of this process must have too. folder: for logs and latch.
        **parameters: of the supervisor.
    """

    def __init__(self, domain, folder, **parameters):
        self.config = load_config(config_file('safety.yaml'))
        self.domain, self.folder = domain, folder
        self.config_file = folder / 'safety.yaml'
        self.config_file.write_text(config_file('safety.yaml').read_text())
        specs = {spec.executable: spec for spec in graph(GraphOptions(), simulated=True)}
        own = {'supervisor_node': {'latch_file': str(folder / 'latch'), 'companions_required': True, **parameters},
               'guard_node': {}}
        self._specs = {name: replace(specs[name], parameters={
            **specs[name].parameters, 'safety_config': str(self.config_file), **values}) for name, values in own.items()}
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node('robot_and_operator', context=self._context)
        self._executor = StreamExecutor(context=self._context)
        self._executor.add_node(self.node)
        super().__init__(self.node)
        self._arm = self.node.create_client(Arm, f'{OWN}/arm')
        self._reset = self.node.create_client(ResetSafety, f'{OWN}/reset_safety')
        for side in SIDES:
            topic = f'/follower_{side.value}/commands/joint_'
            self.node.create_subscription(JointGroupCommand, f'{topic}group', partial(self._on_group, side), DRIVER)
            self.node.create_subscription(JointSingleCommand, f'{topic}single', partial(self._on_single, side), DRIVER)
        self.node.create_subscription(SafetyStatus, f'{OWN}/safety_status', self._on_status, LATCHED)
        self.node.create_subscription(Header, f'{OWN}/supervisor_heartbeat', self._on_beat, ROW)
        self.node.create_subscription(GuardState, f'{OWN}/guard_state', self._on_guard, DRIVER)
        self.processes = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def start(self, guarded=False):
        """Start a supervisor, and the real guard if ``guarded``; else the guard is played."""
        self.stop()
        self.guarded = guarded
        self.streams.guards = not guarded
        self.processes = ProcessGroup(ros_environment(self.domain), self.folder / 'logs')
        self.processes.__enter__()
        if guarded:
            self.processes.start([self._specs['guard_node']])
        self.restart()
        self.calm()

    def stop(self):
        """End the processes."""
        if self.processes:
            self.processes.stop()

    def restart(self):
        """Start a supervisor in place of the one that has ended."""
        self.status, self._beat, self._guard = None, None, -math.inf
        self.processes.start([self._specs['supervisor_node']])
        deadline = time.monotonic() + PATIENCE
        while self._beat is None:  # it ticks once it has found the clock, and then sees whoever is there
            self._go_on()
            self._spin(until=lambda: self._beat is not None, patience=0.05)
            self._alive(deadline)
        while self._beat < self.now - STEP / 2:
            if not self._spin(until=lambda: self._beat >= self.now - STEP / 2, patience=0.5):
                self._go_on()
            self._alive(deadline)
        for client in (self._arm, self._reset):
            while not client.service_is_ready():
                self._spin(until=client.service_is_ready, patience=0.1)
                self._alive(deadline)
        while self.status is None or any('listens to' in warning for warning in self.status.warnings):
            self.step()
            self._spin(until=lambda: False, patience=STEP / 2)  # discovery does not follow the rig's clock
            self._alive(deadline)
        self.log.clear()

    def kill(self, number):
        """Send the supervisor a signal."""
        os.kill(self.processes.pid('supervisor_node'), number)

    def _alive(self, deadline):
        death = self.processes.first_death()
        if death:
            raise Silent(str(death))
        if time.monotonic() > deadline:
            raise Silent(f'no answer from the supervisor within {PATIENCE:.0f} s at {self.now:.2f} s')

    def _go_on(self):
        self._ticks += 1
        self.streams.clock(self.now)
        self.arms.advance(STEP)
        self.streams.publish(self.now)

    def step(self, ticks=1, answered=True, guarded=False):
        """Let time go on by ``ticks``; without ``answered`` the supervisor is not waited for, with ``guarded`` the guard is.
        """
        for _ in range(ticks):
            self._begin_tick()
            if self.streams.clock(self.now) and answered:
                deadline = time.monotonic() + PATIENCE
                while not self._spin(until=lambda: self._beat >= self.now - STEP / 2, patience=1.0):
                    self._alive(deadline)
                    self.streams.repeat('clock')  # nodes follow the clock by best effort
            if guarded:  # it looks on wall time, and only speaks in every look while it has something to do
                self._spin(until=lambda: self._guard >= self.now - STEP / 2, patience=GUARD_LOOKS)
            self._end_tick()

    def jump(self, by):
        """Set the clock by ``by`` s. A timer that was set back begins a period afresh, so one tick is left out."""
        self._ticks += round(by / STEP)
        self._beat = -math.inf
        if by < 0:
            self.streams.clock(self.now)
            self._spin(until=lambda: False, patience=0.1)

    def arm(self, authority):
        """Ask for the arms, or give them back with ''; the response. Time stands still meanwhile."""
        reply = self._call(self._arm, Arm.Request(arm=bool(authority), authority=authority))
        self.streams.epoch = reply.epoch
        return reply

    def reset(self, event_id=None):
        """Ask for a reset, of the last event unless another is named; the response. Time stands still meanwhile."""
        if event_id is None:
            event_id = self.status.last_event_id
        return self._call(self._reset, ResetSafety.Request(event_id=event_id))

    def _call(self, client, request):
        future = client.call_async(request)
        deadline = time.monotonic() + PATIENCE
        while not self._spin(until=future.done, patience=1.0):
            self._alive(deadline)
        return future.result()

    def _spin(self, until, patience):
        deadline = time.monotonic() + patience
        while not until():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def _on_guard(self, message):
        self._guard = seconds(message.header.stamp)

    def _on_beat(self, message):
        self._beat = seconds(message.stamp)
