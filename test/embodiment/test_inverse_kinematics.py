"""Inverse kinematics in closed form: exact where it is within reach, refused where it is not."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.inverse_kinematics import ArmSolver, Unreachable, pose_of
from cosmos_policy_ros.embodiment.joints import SIDES, Side


@pytest.mark.parametrize('side', SIDES)
def test_inverse_kinematics_is_exact(side):
    rng, solver = np.random.default_rng(0), ArmSolver(side, Cell())
    for _ in range(200):
        joints = rng.uniform([-1.5, -0.4, -0.3, -1.4, -1.4, -1.4], [1.5, 0.5, 1.5, 1.4, 1.4, 1.4])
        pose = solver.forward(joints)
        assert np.allclose(solver.solve(pose, joints), joints, atol=1e-9)
        assert np.allclose(solver.forward(solver.solve(pose)), pose, atol=1e-9)


def test_inverse_kinematics_refuses_what_is_out_of_reach():
    with pytest.raises(Unreachable, match='reach'):
        ArmSolver(Side.LEFT, Cell()).solve(pose_of(np.eye(3), [1.0, 0.0, 0.3]))
