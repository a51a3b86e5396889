"""Simulated time waits for late streams, but not forever."""
from cosmos_policy_ros.sim.lockstep import LockStep


def paced():
    return LockStep({'rows': 0.045, 'stop': 0.075}, patience=2.0)


def test_time_is_free_before_anybody_was_heard():
    assert paced().may_advance(100.0, 0.0)


def test_time_waits_for_a_late_stream_and_goes_on_when_it_comes():
    pace = paced()
    pace.heard('rows', 1.00)
    assert pace.may_advance(1.04, 0.0)
    assert not pace.may_advance(1.05, 0.0)
    assert not pace.may_advance(1.05, 1.9)
    pace.heard('rows', 1.05)
    assert pace.may_advance(1.05, 1.95)


def test_a_stream_can_be_expected_before_it_is_heard():
    pace = paced()
    pace.expect('rows', 1.00)
    assert pace.may_advance(1.04, 0.0) and not pace.may_advance(1.05, 0.1)
    pace.heard('rows', 1.05)
    pace.expect('rows', 1.00)
    assert pace.may_advance(1.09, 0.2), 'what was heard since counts'


def test_each_stream_of_a_kind_is_waited_for():
    pace = paced()
    pace.heard('stop/operator', 1.0)
    pace.heard('stop/pedal', 1.0)
    pace.heard('stop/pedal', 1.1)
    assert pace.late(1.1) == ['stop/operator'] and not pace.may_advance(1.1, 0.0)


def test_a_stream_that_stays_silent_is_given_up_once():
    """A killed node pauses time for the patience only; then its loss is seen at full speed."""
    pace = paced()
    pace.heard('rows', 1.0)
    pace.heard('stop', 1.0)
    assert not pace.may_advance(1.06, 0.0)
    assert pace.may_advance(1.06, 2.0)
    assert pace.may_advance(1.07, 2.01)
    assert pace.late(1.08) == ['stop']


def test_a_released_stream_is_waited_for_again_once_it_is_heard():
    pace = paced()
    pace.heard('rows', 1.0)
    pace.release('rows')
    assert pace.may_advance(1.5, 0.0)
    pace.heard('rows', 1.5)
    assert not pace.may_advance(1.6, 0.1)
