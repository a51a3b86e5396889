"""What the tests of the operator's panels share."""
import pytest
from fake_station import FakeStation

from cosmos_policy_ros.nodes.operator import Operator


@pytest.fixture
def station():
    """A station whose supervisor is READY; modules that need another have their own."""
    station = FakeStation()
    station.show('READY')
    return station


@pytest.fixture
def operator(station):
    """An operator at the module's ``station``."""
    operator = Operator(station, 'plate', 7, 100)
    yield operator
    operator.close()
