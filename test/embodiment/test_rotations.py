"""Rotations against SciPy's."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cosmos_policy_ros.embodiment.rotations import (matrix_of_quaternion, matrix_of_vector, quaternion_of_matrix,
                                                    vector_of_matrix)

angles = st.sampled_from([0.0, 1e-13, 1e-7, 1e-3, 1.0, 3.0, np.pi - 1e-7, np.pi])
vectors = st.builds(lambda direction, angle: angle * np.array(direction) / np.linalg.norm(direction),
                    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-3), angles)


@given(vectors)
def test_vectors_and_quaternions_are_scipys(vector):
    expected = Rotation.from_rotvec(vector)
    matrix = matrix_of_vector(vector)
    assert np.allclose(matrix, expected.as_matrix(), atol=1e-12)
    quaternion = quaternion_of_matrix(matrix)
    assert quaternion[3] >= 0 and abs(quaternion @ expected.as_quat()) == pytest.approx(1, abs=1e-12)
    assert np.allclose(matrix_of_quaternion(3 * quaternion), matrix, atol=1e-9)
    assert np.allclose(matrix_of_vector(vector_of_matrix(matrix)), matrix, atol=1e-9)
    assert np.linalg.norm(vector_of_matrix(matrix)) == pytest.approx(np.linalg.norm(vector), abs=1e-7)


@pytest.mark.parametrize('quaternion', [(0, 0, 0, 0), (np.nan, 0, 0, 1), (np.inf, 0, 0, 1)])
def test_what_is_no_rotation_is_refused(quaternion):
    with pytest.raises(ValueError, match='no rotation'):
        matrix_of_quaternion(quaternion)
