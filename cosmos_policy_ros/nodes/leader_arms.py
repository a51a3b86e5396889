"""The drivers of the leader arms: weightless or limp while a person guides them, holding their pose otherwise."""
from functools import partial

from interbotix_xs_msgs.msg import JointGroupCommand
from interbotix_xs_msgs.srv import TorqueEnable
from std_srvs.srv import SetBool

from .qos import DRIVER


class LeaderArm:
    """One leader arm.

    Whatever its driver does not offer is left out: gravity compensation where it is served, else torque.

    Args:
        node: makes publisher and clients. namespace: of the driver. group, gripper: the driver's names of the six joints
            and of the gripper motor. gravity: use gravity compensation where it is served. waiting: a ``Waiting``.
        patience: s of wall time that the driver has to answer; a mode switch of a whole arm takes about one.
    """

    def __init__(self, node, namespace, group, gripper, gravity, waiting, patience):
        self._namespace, self._group, self._gripper = namespace, group, gripper
        # Asked once: a driver that is slow would serve the repetition after it, and be deaf and dumb once more.
        self._answer = partial(waiting.answer, patience=patience, repeat=patience)
        self._gravity = node.create_client(SetBool, f'{namespace}/gravity_compensation_enable') if gravity else None
        self._torque = node.create_client(TorqueEnable, f'{namespace}/torque_enable')
        self._command = node.create_publisher(JointGroupCommand, f'{namespace}/commands/joint_group', DRIVER)
        self._free = False
        self.joints = None
        """(6,) rad, the newest measured pose; None before the first."""

    async def loosen_gripper(self):
        """Let a person squeeze the gripper; the arm holds. A sentence about what went wrong, '' if nothing."""
        return await self._set_torque('single', self._gripper, False)

    async def free(self):
        """Let a person guide the arm: **without gravity compensation it falls unless somebody holds it**.

        A sentence about what went wrong, '' if nothing.
        """
        if self._free:
            return ''
        self._free = True
        if self._gravity is not None and self._gravity.service_is_ready():
            return await self._compensate(True)
        return await self._set_torque('group', self._group, False)

    async def hold(self):
        """Hold the pose that the arm has now; a sentence about what went wrong, '' if nothing."""
        if not self._free:
            return ''
        self._free = False
        if self._gravity is not None and self._gravity.service_is_ready():
            return await self._compensate(False)
        if self.joints is not None:  # the goal from before would be pulled at the moment the torque comes back
            self._command.publish(JointGroupCommand(name=self._group, cmd=[float(joint) for joint in self.joints]))
        return await self._set_torque('group', self._group, True)

    async def _compensate(self, on):
        reply = await self._answer(self._gravity, SetBool.Request(data=on))
        if reply is None:
            return f'{self._namespace}/gravity_compensation_enable does not answer'
        return '' if reply.success else f'{self._namespace}: gravity compensation {"on" if on else "off"}: {reply.message}'

    async def _set_torque(self, kind, name, enable):
        if not self._torque.service_is_ready():
            return ''
        reply = await self._answer(self._torque, TorqueEnable.Request(cmd_type=kind, name=name, enable=enable))
        return '' if reply is not None else f'{self._namespace}/torque_enable does not answer'
