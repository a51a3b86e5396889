"""Records of the safety room are values: nobody changes one after it was made."""
import dataclasses
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from cosmos_policy_ros import safety
from cosmos_policy_ros.safety.records import Outcome, Output, Verdict

MODULES = [importlib.import_module(f'cosmos_policy_ros.safety.{path.stem}')
           for path in sorted(Path(safety.__file__).parent.glob('*.py')) if path.stem != '__init__']
RECORDS = {cls for module in MODULES for _, cls in inspect.getmembers(module, dataclasses.is_dataclass)
           if isinstance(cls, type) and cls.__module__ == module.__name__}


@pytest.mark.parametrize('record', sorted(RECORDS, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_every_record_is_frozen(record):
    assert record.__dataclass_params__.frozen


def test_records_with_arrays_are_compared_by_identity():
    """Equality of arrays is no truth value."""
    for make in (lambda: Verdict(Outcome.ACCEPTED, positions=np.zeros(14)), lambda: Output(np.zeros(14), None, False)):
        one = make()
        assert one == one and one != make()


def test_outcomes_keep_their_wire_values():
    assert {outcome.name: outcome.value for outcome in Outcome} == {
        'ACCEPTED': 'accepted', 'CLAMPED': 'clamped', 'REFUSED': 'refused'}
