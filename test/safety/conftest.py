"""Fixtures of the safety tests."""
import pytest
from safety_rig import Rig


@pytest.fixture
def rig():
    return Rig()


@pytest.fixture
def make_rig():
    return Rig
