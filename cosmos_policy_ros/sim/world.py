"""The simulated cell in motion: commands in, measured state out, on its own clock."""
import mujoco
import numpy as np

from ..embodiment.cell import Cell
from ..embodiment.gripper import GRIPPER_MAPS
from ..embodiment.joints import ACTION_DIM, ARM_JOINTS, ARM_SLICE, GRIPPER_INDEX, SIDES
from ..embodiment.kinematics import GRASP_POINT
from ..embodiment.limits import ARM_LOWER, ARM_UPPER
from ..embodiment.poses import START
from .scene import FINGER_DAMPING, FINGER_RANGE, FINGER_STIFFNESS, SERVOS, TIMESTEP, build_model
from .tasks import TASKS

SETTLE_TIME = 0.4
"""s of simulation before an episode's time zero, in which the arms sag into their servos and objects come to rest."""

SERVO_TICK = 2 * np.pi / 4096
"""rad: goals and positions of the servos are whole encoder counts."""

_BAD_STATE = (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL, mujoco.mjtWarning.mjWARN_BADQACC)


class SimulationDiverged(RuntimeError):
    """The physics blew up; the episode is worthless and the world needs a reset."""


class World:
    """One simulated cell with the objects of one task.

    Frames are the cell's (``embodiment.cell``). Call ``reset`` before anything else.
    """

    def __init__(self, task_name):
        self.gripper_map = GRIPPER_MAPS['ros1']
        self.cell = Cell()
        self._models = {}
        self._load(task_name)

    def _load(self, task_name):
        if task_name not in TASKS:
            raise ValueError(f'unknown task {task_name!r}: choose one of {", ".join(TASKS)}')
        self.task = TASKS[task_name]
        if task_name not in self._models:
            model = build_model(self.task.objects, self.cell)
            self._models[task_name] = model, (model.cam_pos.copy(), model.cam_quat.copy())
        self.model, self._cameras = self._models[task_name]
        self.data = mujoco.MjData(self.model)
        joint, body = self.model.joint, self.model.body
        self._arm_joints = {side: [joint(f'{side.value}_{name}').id for name in ARM_JOINTS] for side in SIDES}
        self._qpos = {side: self.model.jnt_qposadr[ids] for side, ids in self._arm_joints.items()}
        self._dof = {side: self.model.jnt_dofadr[ids] for side, ids in self._arm_joints.items()}
        fingers = {side: [joint(f'{side.value}_{finger}_finger').id for finger in ('left', 'right')] for side in SIDES}
        self._finger_qpos = {side: self.model.jnt_qposadr[ids] for side, ids in fingers.items()}
        self._finger_dof = {side: self.model.jnt_dofadr[ids] for side, ids in fingers.items()}
        self._finger_body = {side: [body(f'{side.value}_{finger}_finger').id for finger in ('left', 'right')]
                             for side in SIDES}

    @property
    def time(self):
        """s of simulation since the reset."""
        return self.data.time

    def reset(self, seed, task_name=None, pose=START):
        """Start an episode at time 0 with a freshly drawn scene.

        Args:
            seed: draws the objects' start; the same seed gives the same episode, bit for bit, on one machine.
            task_name: change to this task; the current one if None.
            pose: (14,) the arms' start, grippers normalised.
        """
        if task_name is not None and task_name != self.task.name:
            self._load(task_name)
        mujoco.mj_resetData(self.model, self.data)
        self.model.cam_pos[:], self.model.cam_quat[:] = self._cameras
        for side in SIDES:
            for motor in range(7):
                self.set_servo_gain(side, motor, 1.0)
        for name, (x, y, z, yaw) in self.task.start(np.random.default_rng(seed)).items():
            self.place(name, (x, y, z), yaw)
        pose = np.asarray(pose, dtype=float)
        for side in SIDES:
            self.data.qpos[self._qpos[side]] = pose[ARM_SLICE[side]]
            finger = self.gripper_map.finger_from_joint(self.gripper_map.joint_from_action(pose[GRIPPER_INDEX[side]]))
            self.data.qpos[self._finger_qpos[side]] = np.clip(finger, *FINGER_RANGE)
        self.command(pose)
        self.advance(SETTLE_TIME)
        self.data.time = 0.0

    def snapshot(self):
        """Everything that the physics goes on from, for ``restore``."""
        state = np.empty(mujoco.mj_stateSize(self.model, mujoco.mjtState.mjSTATE_INTEGRATION))
        mujoco.mj_getState(self.model, self.data, state, mujoco.mjtState.mjSTATE_INTEGRATION)
        return state

    def restore(self, snapshot):
        """Go back to a ``snapshot`` of the same episode."""
        mujoco.mj_setState(self.model, self.data, snapshot, mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_forward(self.model, self.data)

    def place(self, body, position, yaw=0.0):
        """Put an object at ``position`` (3,) m, upright, turned by ``yaw`` rad, at rest."""
        joint = self.data.joint(body)
        joint.qpos[:] = (*position, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2))
        joint.qvel[:] = 0
        mujoco.mj_kinematics(self.model, self.data)

    def move_cameras(self, rng, shift, turn):
        """Displace every camera until the next reset: normal, ``shift`` m a coordinate and ``turn`` rad an axis."""
        for camera in range(self.model.ncam):
            self.model.cam_pos[camera] += shift * rng.standard_normal(3)
            mujoco.mju_quatIntegrate(self.model.cam_quat[camera], turn * rng.standard_normal(3), 1.0)

    def command_arm(self, side, joints):
        """Set the goal of one arm, (6,) rad. As servos do, a joint ignores a goal beyond its limits.

        Raises ValueError on a wrong shape or a number that is not finite.
        """
        joints = np.asarray(joints, dtype=float)
        if joints.shape != (6,) or not np.isfinite(joints).all():
            raise ValueError(f'{side.value} arm: expected 6 finite joint goals, got {joints}')
        goal = np.round(joints / SERVO_TICK) * SERVO_TICK
        current = self.data.ctrl[ARM_SLICE[side]]
        self.data.ctrl[ARM_SLICE[side]] = np.where((joints >= ARM_LOWER) & (joints <= ARM_UPPER), goal, current)

    def command_gripper(self, side, motor):
        """Set the goal of one gripper motor (rad); the linkage turns it into a finger distance within the travel."""
        if not np.isfinite(motor):
            raise ValueError(f'{side.value} gripper: the motor goal is {motor}')
        finger = self.gripper_map.finger_from_joint(np.round(motor / SERVO_TICK) * SERVO_TICK)
        self.data.ctrl[GRIPPER_INDEX[side]] = np.clip(finger, *FINGER_RANGE)

    def command(self, vector):
        """Set all goals from a (14,) action: rad, grippers normalised."""
        vector = np.asarray(vector, dtype=float)
        if vector.shape != (ACTION_DIM,):
            raise ValueError(f'a command has {ACTION_DIM} entries, got shape {vector.shape}')
        for side in SIDES:
            self.command_arm(side, vector[ARM_SLICE[side]])
            self.command_gripper(side, self.gripper_map.joint_from_action(vector[GRIPPER_INDEX[side]]))

    def arm_goal(self, side):
        """(6,) rad, a copy of the goals that the servos of one arm hold."""
        return self.data.ctrl[ARM_SLICE[side]].copy()

    def gripper_angle(self, side):
        """rad: motor angle of one gripper."""
        return self.gripper_map.joint_from_finger(self.finger(side))

    def gripper_speed(self, side):
        """rad/s of one gripper's motor."""
        gripper, angle = self.gripper_map, self.gripper_angle(side)
        slope = (gripper.finger_from_joint(angle + 1e-4) - gripper.finger_from_joint(angle - 1e-4)) / 2e-4
        return self.finger_speed(side) / slope

    def gripper_goal(self, side):
        """rad: the goal that one gripper's servo holds."""
        return self.gripper_map.joint_from_finger(self.data.ctrl[GRIPPER_INDEX[side]])

    def hold_here(self, side, motor):
        """Make the present position the goal of motor 0..5 of the arm or 6, the gripper."""
        goal = self.finger(side) if motor == 6 else self.joints(side)[motor]
        self.data.ctrl[ARM_SLICE[side].start + motor] = goal

    def set_servo_gain(self, side, motor, gain):
        """Scale the servo of motor 0..5 of the arm or 6, the gripper: 1 is normal, 0 torque off. A reset restores 1."""
        stiffness = gain * (SERVOS[motor].stiffness if motor < 6 else FINGER_STIFFNESS)
        damping = 0.0 if motor < 6 else gain * FINGER_DAMPING
        actuator = ARM_SLICE[side].start + motor
        self.model.actuator_gainprm[actuator, 0] = stiffness
        self.model.actuator_biasprm[actuator, 1:3] = -stiffness, -damping

    def commanded(self):
        """(14,) the goals that the servos hold, as an action."""
        vector = self.data.ctrl.copy()
        for side in SIDES:
            motor = self.gripper_map.joint_from_finger(vector[GRIPPER_INDEX[side]])
            vector[GRIPPER_INDEX[side]] = self.gripper_map.action_from_joint(motor)
        return vector

    def advance(self, seconds):
        """Step the physics by ``seconds``, rounded to whole steps of 2 ms.

        Raises SimulationDiverged when MuJoCo had to reset a bad state or a number is no longer finite.
        """
        before = self.data.time
        mujoco.mj_step(self.model, self.data, nstep=round(seconds / TIMESTEP))
        if any(self.data.warning[kind].number for kind in _BAD_STATE) or not np.isfinite(self.data.qpos).all():
            raise SimulationDiverged(f'{self.task.name}: the physics diverged after {before:.2f} s of simulation; '
                                     'reset the world (a command far outside the normal range is the usual cause)')
        mujoco.mj_kinematics(self.model, self.data)  # a step leaves the poses of its beginning behind

    def state(self):
        """(14,) float64 measured state as an ALOHA client computes it: rad, grippers from the finger distance."""
        vector = np.empty(ACTION_DIM)
        for side in SIDES:
            vector[ARM_SLICE[side]] = self.joints(side)
            vector[GRIPPER_INDEX[side]] = self.gripper_map.observation_from_finger(self.finger(side))
        return vector

    def joints(self, side):
        """(6,) rad."""
        return self.data.qpos[self._qpos[side]]

    def joint_speeds(self, side):
        """(6,) rad/s."""
        return self.data.qvel[self._dof[side]]

    def finger(self, side):
        """Finger distance (m)."""
        return self.data.qpos[self._finger_qpos[side][0]]

    def finger_speed(self, side):
        """m/s, positive while opening."""
        return self.data.qvel[self._finger_dof[side][0]]

    def bias_torque(self, side):
        """(6,) N m that gravity and motion ask of the arm's servos."""
        return self.data.qfrc_bias[self._dof[side]]

    def servo_force(self, side):
        """(7,) N m of the arm's servos and N of the gripper's."""
        return self.data.actuator_force[ARM_SLICE[side].start:GRIPPER_INDEX[side] + 1].copy()

    def pose(self, body):
        """(4, 4) pose of a body in the cell frame, e.g. 'duck' or 'left_gripper'."""
        found = self.data.body(body)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = found.xmat.reshape(3, 3), found.xpos
        return pose

    def grasp_point(self, side):
        """(3,) m: the middle between the finger pads of one hand."""
        gripper = self.data.body(f'{side.value}_gripper')
        return gripper.xpos + GRASP_POINT * gripper.xmat.reshape(3, 3)[:, 0]

    def speed(self, body):
        """m/s of a body with a free joint."""
        return np.linalg.norm(self.data.joint(body).qvel[:3])

    def _pairs(self):
        """(contacts, 2) body ids of all touching pairs."""
        contact = self.data.contact
        return self.model.geom_bodyid[contact.geom[contact.dist < 0.001]]

    def in_contact(self, one, other):
        """Whether two bodies touch."""
        ids = {self.model.body(one).id, self.model.body(other).id}
        return any({a, b} == ids for a, b in self._pairs())

    def touch(self, body, side):
        """(2,) bool: whether the left and the right finger of ``side`` touch the body."""
        pairs, target = self._pairs(), self.model.body(body).id
        others = np.concatenate([pairs[pairs[:, 0] == target, 1], pairs[pairs[:, 1] == target, 0]])
        return np.isin(self._finger_body[side], others)

    def holds(self, body, side):
        """Whether both fingers of ``side`` press on the body."""
        return bool(self.touch(body, side).all())

    def success(self):
        """Whether the task's goal state holds now."""
        return bool(self.task.success(self))

    def progress(self):
        """(score 0..1, stage) of the task now."""
        score, stage = self.task.progress(self)
        return float(score), stage
