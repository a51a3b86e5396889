"""The transition function against rules written down separately, over its whole domain."""
import itertools
import re
from pathlib import Path

import pytest

from cosmos_policy_ros.safety.state import Facts, SafetyState, next_state

S = SafetyState
FLAGS = ('sensed', 'moving', 'armed', 'ready', 'row', 'halt')
DOMAIN = [(state, Facts(worst=worst, **dict(zip(FLAGS, flags))))
          for state in S for worst in range(6) for flags in itertools.product((False, True), repeat=len(FLAGS))]


def oracle(state, f):
    """The state the rules ask for, first rule that matches."""
    rules = [
        (state == S.FAULT, S.FAULT),
        (f.worst >= 3 and f.moving, S.STOPPING),
        (f.worst == 5, S.FAULT),
        (f.worst == 4, S.ESTOPPED),
        (f.worst == 3, S.PROTECTIVE_STOP),
        (state in (S.ESTOPPED, S.PROTECTIVE_STOP), S.DISARMED),
        (state == S.BOOT and not f.sensed, S.BOOT),
        (not f.armed and f.moving, S.STOPPING),
        (not f.armed and f.ready and state in (S.DISARMED, S.READY), S.READY),
        (not f.armed, S.DISARMED),
        ((f.worst == 2 or f.halt or state == S.STOPPING) and f.moving, S.STOPPING),
        (f.worst == 2 or f.halt or state == S.STOPPING, S.HELD),
        (f.row or state == S.RUNNING, S.RUNNING),
        (True, S.HELD)]
    return next(result for holds, result in rules if holds)


def test_every_transition_follows_the_rules():
    assert [next_state(*case) for case in DOMAIN] == [oracle(*case) for case in DOMAIN]


def test_motion_only_begins_armed_and_by_a_row():
    """No path from a latched or disarmed state to motion without arming and a row."""
    for state, facts in DOMAIN:
        if state is not S.RUNNING and next_state(state, facts) is S.RUNNING:
            assert facts.armed and facts.row and facts.worst < 2
            assert state not in (S.PROTECTIVE_STOP, S.ESTOPPED, S.FAULT, S.STOPPING)


def test_a_cause_of_one_cycle_latches_in_that_cycle():
    for state, facts in DOMAIN:
        if facts.worst >= 3 and state is not S.FAULT:
            assert next_state(state, facts) in (S.STOPPING, S.PROTECTIVE_STOP, S.ESTOPPED, S.FAULT)


@pytest.mark.parametrize('state', S, ids=lambda state: state.name)
def test_values_are_those_of_the_message(state):
    text = (Path(__file__).parents[2] / 'msg' / 'SafetyStatus.msg').read_text()
    assert re.search(rf'^uint8 {state.name}={state.value}$', text, re.MULTILINE)
