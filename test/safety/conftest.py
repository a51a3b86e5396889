"""Fixtures of the safety tests."""
import pytest
from hypothesis import settings
from safety_rig import Rig

settings.register_profile('same every time', derandomize=True, deadline=None)
settings.load_profile('same every time')


@pytest.fixture
def rig():
    return Rig()


@pytest.fixture
def make_rig():
    return Rig
