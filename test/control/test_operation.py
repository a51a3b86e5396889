"""When each button of an operator's panel can be used, and what it says when not."""
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_policy_ros.control.operation import LATCHED, STATUS_SILENCE, Control, Situation, why_not

READY = Situation('READY', age=0.1)
RUNNING = Situation('RUNNING', 'policy', age=0.1, rollout='run')
TAKEN = Situation('RUNNING', 'teleop', 'policy', 0.1, rollout='run')
STOPPED = Situation('ESTOPPED', age=0.1, causes=('stop pressed (operator)',), blockers=('still holds: stop pressed',))
JUDGEMENTS = {'success', 'partial', 'failure', 'discard'}
STATES = st.sampled_from(['', 'BOOT', 'DISARMED', 'READY', 'RUNNING', 'STOPPING', 'HELD', *LATCHED])


def usable(situation):
    return {control.value for control in Control if not why_not(control, situation)}


@pytest.mark.parametrize('situation, controls', [
    (READY, {'stop', 'start', 'prepare', 'park'}),
    (RUNNING, {'stop', 'cancel', *JUDGEMENTS, 'take'}),
    (TAKEN, {'stop', 'cancel', *JUDGEMENTS, 'hand_back'}),
    (STOPPED, {'stop', 'reset'}),
    (replace(STOPPED, recorded='plate_1'), {'stop', 'reset', *JUDGEMENTS}),
    (replace(RUNNING, rollout='arm', recorded='plate_1'), {'stop', 'cancel', 'take'}),
    (replace(STOPPED, rollout='close', recorded='plate_1'), {'stop', 'reset', 'cancel'}),
    (replace(READY, busy='park'), {'stop'}),
    (replace(READY, age=STATUS_SILENCE + 0.01), {'stop'}),
    (replace(READY, pressed=True), {'stop', 'reset', 'start', 'prepare', 'park'}),
    (Situation(), {'stop'})], ids=['ready', 'running', 'taken', 'stopped', 'recorded', 'begins', 'ends', 'busy', 'silent', 'own stop', 'nothing'])
def test_what_can_be_used_when(situation, controls):
    assert usable(situation) == controls


def test_a_refusal_names_what_has_to_go_first():
    assert why_not(Control.START, STOPPED) == 'still holds: stop pressed'
    assert why_not(Control.START, replace(READY, state='HELD')) == 'the supervisor is HELD, not READY'
    assert why_not(Control.TAKE, TAKEN) == 'teleop has taken them already'


@given(state=STATES, authority=st.sampled_from(['', 'policy', 'teleop']), origin=st.sampled_from(['', 'policy']),
       age=st.floats(0, 10), pressed=st.booleans(), rollout=st.sampled_from(['', 'run']), busy=st.sampled_from(['', 'park']))
def test_the_stop_can_always_be_used_and_nothing_moves_without_a_supervisor(**seen):
    situation = Situation(**seen)
    assert 'stop' in usable(situation)
    if not situation.heard:
        assert usable(situation) == {'stop'}
    if situation.state in LATCHED:
        assert not usable(situation) & {'start', 'prepare', 'park'}
