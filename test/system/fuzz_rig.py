"""The supervisor's node inside this process, its callbacks called directly: as over DDS, but a hundred times as fast."""
import gc
import sys
from functools import partial

import rclpy
from fault_modes import OWN, ModeRig
from fault_streams import STEP
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.logging import LoggingSeverity, set_logger_level
from rclpy.time import Time
from sensor_msgs.msg import JointState

from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.nodes.clock import NANOSECONDS
from cosmos_policy_ros.nodes.qos import DRIVER
from cosmos_policy_ros.nodes.supervisor_node import SupervisorNode
from cosmos_policy_ros.srv import Arm, ResetSafety


SILENCE = 20
"""Steps after which a stop source may count its messages from the start again."""


class Delivery:
    """Stands where a publisher stands: ``publish`` calls the subscriber."""

    def __init__(self, callbacks, topic):
        self.topic_name, self._callbacks = topic, callbacks

    def publish(self, message):
        """Hand a message over."""
        callback = self._callbacks.get(self.topic_name)
        if callback:
            callback(message)


class FuzzRig(ModeRig):
    """A ``SupervisorNode`` of which only the core's state, its callbacks and its publishers are touched; a context manager.

    ``callbacks`` {topic or service: function}, ``kinds`` {topic or service: type} of everything that it listens to.

    Args:
        domain: ROS domain id.
    """

    def __init__(self, domain):
        self._intervals = sys.getswitchinterval()
        rclpy.init(args=['--ros-args', '-p', 'use_sim_time:=true', '-p', "latch_file:=''"], domain_id=domain)
        set_logger_level('safety_supervisor', LoggingSeverity.FATAL)
        self.callbacks, self.kinds = {}, {}
        super().__init__(self)
        self._node, self._driver = SupervisorNode(), rclpy.create_node('driver')
        self._play_driver()
        self.core = self._node._core
        self._set_clock()
        while not any(topic == f'{OWN}/setpoint' for topic in self.callbacks):
            rclpy.spin_once(self._node, timeout_sec=0.1)
            self._connect()

    def _play_driver(self):
        """The supervisor looks for a driver that listens; nothing is ever sent to this one."""
        for side in SIDES:
            arm = f'/follower_{side.value}'
            self._driver.create_publisher(JointState, f'{arm}/joint_states', DRIVER)
            for kind, topic in ((JointGroupCommand, 'joint_group'), (JointSingleCommand, 'joint_single')):
                self._driver.create_subscription(kind, f'{arm}/commands/{topic}', lambda _: None, DRIVER)

    def _connect(self):
        for subscription in self._node.subscriptions:
            if not subscription.raw:
                self.callbacks[subscription.topic_name] = subscription.callback
                self.kinds[subscription.topic_name] = subscription.msg_type
        self.callbacks.pop('/clock', None)
        for service in self._node.services:
            if service.service_name.startswith(OWN):
                self.callbacks[service.service_name] = service.callback
                self.kinds[service.service_name] = service.srv_type
        heard = {f'{OWN}/safety_status': self._on_status}
        for side in SIDES:
            heard[f'/follower_{side.value}/commands/joint_group'] = partial(self._on_group, side)
            heard[f'/follower_{side.value}/commands/joint_single'] = partial(self._on_single, side)
        for publisher in self._node.publishers:
            publisher.publish = heard.get(publisher.topic_name, lambda message: None)
        self._timers = [(round(timer.timer_period_ns / NANOSECONDS / STEP), timer.callback) for timer in self._node.timers
                        if timer.clock.clock_type == self._node.get_clock().clock_type]

    def __enter__(self):
        while self.status is None or self.state == 'BOOT':
            self.step()
        self.calm()
        return self

    def __exit__(self, *_):
        self._node.close()
        self._node.destroy_node()
        self._driver.destroy_node()
        rclpy.try_shutdown()
        gc.unfreeze()
        gc.enable()
        sys.setswitchinterval(self._intervals)

    def create_publisher(self, kind, topic, qos):
        """For the streams."""
        return Delivery(self.callbacks, topic)

    def _set_clock(self):
        clock = self._node.get_clock()
        clock.set_ros_time_override(Time(nanoseconds=round(self.now * NANOSECONDS), clock_type=clock.clock_type))

    def step(self, ticks=1):
        """Let time go on by ``ticks``."""
        for _ in range(ticks):
            self._begin_tick()
            self._set_clock()
            for steps, callback in self._timers:
                if self._ticks % steps == 0:
                    callback()
            self._end_tick()

    def recover(self):
        """Calm again, whoever pressed whatever: the fuzz invents names and never lets go."""
        self.step(SILENCE)
        for name, button in self.core._inputs.stops.buttons.items():
            if button.pressed and name != 'operator':
                self.streams.heartbeat(self.stamp, id=name, level=1)
        self.calm()

    def request(self, name, request):
        """A service's response."""
        return self.callbacks[name](request, self.kinds[name].Response())

    def arm(self, authority):
        """Ask for the arms, or give them back with ''; the response."""
        reply = self.request(f'{OWN}/arm', Arm.Request(arm=bool(authority), authority=authority))
        self.streams.epoch = reply.epoch
        return reply

    def reset(self, event_id=None):
        """Ask for a reset; the response."""
        if event_id is None:
            event_id = self.status.last_event_id
        return self.request(f'{OWN}/reset_safety', ResetSafety.Request(event_id=event_id))
