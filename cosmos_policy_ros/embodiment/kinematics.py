"""Forward kinematics of the ViperX 300 S (source: Interbotix ``aloha_vx300s`` URDF)."""
import numpy as np

LINKS = ('base', 'shoulder', 'upper_arm', 'upper_forearm', 'lower_forearm', 'wrist', 'gripper')
"""Link frames returned by :func:`link_frames`, from the base outwards."""

JOINT_ORIGINS = np.array([
    [0.0, 0.0, 0.079], [0.0, 0.0, 0.04805], [0.05955, 0.0, 0.3], [0.2, 0.0, 0.0], [0.1, 0.0, 0.0], [0.069744, 0.0, 0.0]])
"""(6, 3) m: origin of each joint in its parent link; all frames are parallel at q = 0."""

JOINT_AXES = (2, 1, 1, 0, 1, 0)
"""Rotation axis of each joint: 0 x, 1 y, 2 z."""

EE_OFFSET = np.array([0.1072, 0.0, 0.0])
"""m: the public tool point ``ee_gripper_link`` in the gripper link."""

GRASP_POINT = 0.135
"""m along x of the gripper link: the middle of the finger pads. The finger tips end at 0.1537."""


def link_frames(joints, base=None):
    """Frames of the seven links of one arm.

    Args:
        joints: (..., 6) rad.
        base: (4, 4) pose of the arm's base link in the wanted frame; identity if None.

    Returns:
        (..., 7, 4, 4) homogeneous transforms in the order of ``LINKS``.
    """
    joints = np.asarray(joints, dtype=float)
    frames = np.empty((*joints.shape[:-1], 7, 4, 4))
    frames[..., 0, :, :] = np.eye(4) if base is None else base
    cos, sin = np.cos(joints), np.sin(joints)
    for i, (origin, axis) in enumerate(zip(JOINT_ORIGINS, JOINT_AXES)):
        step = np.zeros((*joints.shape[:-1], 4, 4))
        first, second = (axis + 1) % 3, (axis + 2) % 3
        step[..., axis, axis] = step[..., 3, 3] = 1.0
        step[..., first, first] = step[..., second, second] = cos[..., i]
        step[..., first, second], step[..., second, first] = -sin[..., i], sin[..., i]
        step[..., :3, 3] = origin
        frames[..., i + 1, :, :] = frames[..., i, :, :] @ step
    return frames


def end_effector(joints, base=None):
    """(..., 4, 4) pose of ``ee_gripper_link`` for joints (..., 6) rad."""
    frames = link_frames(joints, base)[..., 6, :, :].copy()
    frames[..., :3, 3] += frames[..., :3, :3] @ EE_OFFSET
    return frames
