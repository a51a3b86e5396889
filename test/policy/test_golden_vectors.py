"""This machine reproduces the published implementation within the stated tolerances."""
import pytest

from cosmos_policy_ros.policy.golden_vectors import GOLDEN_VECTORS


@pytest.mark.parametrize('vector', GOLDEN_VECTORS, ids=lambda vector: vector.name.replace(' ', '_'))
def test_golden_vector_holds(vector):
    assert vector.error() <= vector.tolerance
