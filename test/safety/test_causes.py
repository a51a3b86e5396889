"""The table of causes."""
import re
from pathlib import Path

import pytest

from cosmos_policy_ros.safety.causes import CAUSES, Action, Clears, Severity

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize('cause', CAUSES.values(), ids=lambda cause: cause.id)
def test_named_test_exists(cause):
    """Every cause names a test that exists and is its own."""
    path, _, name = cause.test.partition('::')
    assert name == f'test_{cause.id}'
    assert re.search(rf'^def {name}\(', (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize('cause', CAUSES.values(), ids=lambda cause: cause.id)
def test_severity_decides_what_clears(cause):
    """What latches needs a reset and no operator may take over before it; nothing latched clears by itself."""
    latched = cause.severity >= Severity.PROTECTIVE
    assert latched == (cause.clears in (Clears.RESET, Clears.RESTART))
    assert cause.operator_may_take_over == (not latched and cause.action is not Action.BAR)
    assert (cause.severity >= Severity.HOLD) == (cause.action is Action.BRAKE)
    assert cause.text and cause.hint


@pytest.mark.parametrize('kind', [Action, Clears])
def test_what_the_docs_print_is_a_text_of_its_own(kind):
    assert all(isinstance(entry.value, str) and entry.value for entry in kind) and len(kind) == 4


def test_severities_are_those_of_the_message():
    """``SafetyCause.msg`` documents the wire values."""
    text = (ROOT / 'msg' / 'SafetyCause.msg').read_text()
    names = {'notice': Severity.NOTICE, 'slow': Severity.SLOW, 'hold': Severity.HOLD, 'protective stop': Severity.PROTECTIVE,
             'emergency stop': Severity.EMERGENCY, 'fault': Severity.FAULT}
    comment = text.split('uint8 severity')[1].split('\n')[0]
    assert names == {name: int(value) for value, name in re.findall(r'(\d) ([a-z ]+)', comment)}
