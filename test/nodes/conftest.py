"""What the tests of the operator's panels share."""
import pytest

from cosmos_policy_ros.nodes.operator import Operator


@pytest.fixture
def operator(station):
    """An operator at the module's own ``station``."""
    operator = Operator(station, 'plate', 7, 100)
    yield operator
    operator.close()
