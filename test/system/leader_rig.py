"""Two leader arms inside the test process: joint states with the simulator's stamps, and the driver's services."""
from functools import partial

import numpy as np
from graph_probe import wait
from interbotix_xs_msgs.srv import TorqueEnable
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from cosmos_policy_ros.control.teleoperation import LEADER_GRIPPERS
from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS, SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.nodes.clock import seconds

GRIPPER = LEADER_GRIPPERS['ros1']


class FakeLeaders:
    """Publishes ``pose(now)`` (14,), grippers as actions, with every tick of the simulated clock.

    The left driver offers gravity compensation, the right one torque only. ``asked`` lists what they were told.
    """

    def __init__(self, probe):
        self.pose, self.asked, self.now, self.mute = lambda now: START, [], 0.0, False
        self._states = {side: probe.publisher(JointState, f'/leader_{side.value}/joint_states') for side in SIDES}
        probe.inside(probe.node.create_service, SetBool, '/leader_left/gravity_compensation_enable', self._gravity)
        for side in SIDES:
            probe.inside(probe.node.create_service, TorqueEnable, f'/leader_{side.value}/torque_enable',
                         partial(self._torque, side))
        probe.listen(Clock, '/clock', self._tick)
        wait(lambda: self.now, 'simulated time')

    def _gravity(self, request, response):
        self.asked.append(('left', 'gravity', request.data))
        response.success = True
        return response

    def _torque(self, side, request, response):
        self.asked.append((side.value, request.name, request.enable))
        return response

    def _tick(self, message):
        self.now = seconds(message.clock)
        pose = np.array(self.pose(self.now), dtype=float)
        for i, side in enumerate(SIDES if not self.mute else ()):
            arm = pose[7 * i:7 * i + 7]
            motor = GRIPPER.map.joint_from_action(arm[6])
            state = JointState(name=list(DRIVER_JOINTS), position=[*arm[:6].tolist(), float(motor), 0.02, -0.02])
            state.header.stamp = message.clock
            self._states[side].publish(state)
