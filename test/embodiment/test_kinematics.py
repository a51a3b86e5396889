"""Forward kinematics and capsules against published vectors and an independent formula."""
import numpy as np
import pytest
from scipy.linalg import expm

from cosmos_policy_ros.embodiment.capsules import NAMES, arm_to_arm, segment_distance
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.kinematics import end_effector
from cosmos_policy_ros.embodiment.limits import ARM_LOWER, ARM_UPPER, hardware_limits
from cosmos_policy_ros.embodiment.poses import SLEEP, START

# Space screws (w | v) and home pose of the vendor's product-of-exponentials description.
SCREWS = np.array([[0, 0, 1, 0, 0, 0], [0, 1, 0, -0.12705, 0, 0], [0, 1, 0, -0.42705, 0, 0.05955],
                   [1, 0, 0, 0, 0.42705, 0], [0, 1, 0, -0.42705, 0, 0.35955], [1, 0, 0, 0, 0.42705, 0]])


def product_of_exponentials(q):
    pose = np.eye(4)
    for screw, angle in zip(SCREWS, q):
        w, v = screw[:3], screw[3:]
        twist = np.zeros((4, 4))
        twist[:3, :3] = [[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]]
        twist[:3, 3] = v
        pose = pose @ expm(twist * angle)
    home = np.eye(4)
    home[:3, 3] = 0.536494, 0, 0.42705
    return pose @ home


@pytest.mark.parametrize('q, position, x_axis', [
    ((0, 0, 0, 0, 0, 0), (0.5365, 0, 0.4270), (1, 0, 0)),
    ((0, -0.96, 1.16, 0, -0.3, 0), (0.2585, 0, 0.3060), (0.9950, 0, 0.0998)),
    ((0.3, -0.7, 0.9, 0.4, -0.5, 0.6), (0.3097, 0.0612, 0.3810), (0.9607, 0.1017, 0.2584)),
    ((0, -1.85, 1.60, 0, -1.69, 0), (-0.0780, 0, 0.3409), (-0.3609, 0, 0.9326)),
])
def test_published_vectors(q, position, x_axis):
    pose = end_effector(q)
    assert pose[:3, 3] == pytest.approx(position, abs=1e-4)
    assert pose[:3, 0] == pytest.approx(x_axis, abs=1e-4)


def test_equals_product_of_exponentials():
    q = np.random.default_rng(0).uniform(ARM_LOWER, ARM_UPPER, (50, 6))
    batch = end_effector(q)
    for row, pose in zip(q, batch):
        assert pose == pytest.approx(product_of_exponentials(row), abs=1e-9)


def test_segment_distance_against_sampling():
    """The closed form is never above a dense sampling of both segments and never much below it."""
    rng = np.random.default_rng(1)
    grid = np.linspace(0, 1, 201)
    for _ in range(50):
        p, q = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        a = p[0] + grid[:, None] * (p[1] - p[0])
        b = q[0] + grid[:, None] * (q[1] - q[0])
        sampled = np.linalg.norm(a[:, None] - b[None], axis=-1).min()
        exact = segment_distance(p, q)
        assert exact <= sampled + 1e-12
        assert exact >= sampled - 0.03


def test_start_pose_is_clear_and_zero_pose_collides():
    cell, gripper = Cell(), GRIPPER_MAPS['ros1']
    start = arm_to_arm(START, cell, gripper)
    assert 0.25 < start.min() < 0.40
    zero = arm_to_arm(np.zeros(14), cell, gripper)
    assert zero.min() < 0
    assert zero.shape == (len(NAMES), len(NAMES))


def test_named_poses_are_inside_the_limits():
    limits = hardware_limits()
    for pose in (START, SLEEP):
        assert (pose >= limits.lower).all() and (pose <= limits.upper).all()


@pytest.mark.parametrize('name, action, expected', [
    ('ros1', 0.0, 0.000), ('ros1', 0.5, 0.526), ('ros1', 1.0, 0.997),
    ('interbotix_main', 0.0, -0.081), ('interbotix_main', 0.5, 0.982), ('interbotix_main', 1.0, 1.326)])
def test_gripper_observation_of_an_action(name, action, expected):
    """Published readings of a gripper at rest for three commands, per convention."""
    gripper = GRIPPER_MAPS[name]
    finger = gripper.finger_from_joint(gripper.joint_from_action(action))
    assert gripper.observation_from_finger(finger) == pytest.approx(expected, abs=1.5e-3)


@pytest.mark.parametrize('name', GRIPPER_MAPS)
def test_finger_distance_is_inverted_up_to_the_crank_s_dead_centre(name):
    gripper = GRIPPER_MAPS[name]
    joints = np.linspace(-0.6, np.pi / 2, 50)
    assert gripper.joint_from_finger(gripper.finger_from_joint(joints)) == pytest.approx(joints, abs=1e-6)
