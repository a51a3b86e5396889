"""Active causes: their order, their ids, how long they count as present, and what clears them."""
import pytest

from cosmos_policy_ros.safety.causes import Clears
from cosmos_policy_ros.safety.events import EventLog


def ids(causes):
    return [active.cause.id for active in causes]


def test_a_cause_that_returns_is_a_new_event():
    log = EventLog()
    log.level('stop_pressed', True, 1.0, 'a')
    log.level('stop_pressed', True, 1.1, 'a')
    assert log.last_event_id == 1
    log.level('stop_pressed', False, 1.2, 'a')
    assert [active.event_id for active in log.active] == [1], 'latched'
    log.level('stop_pressed', True, 1.3, 'a')
    log.level('stop_pressed', True, 1.3, 'b')
    assert [active.event_id for active in log.active] == [2, 3]
    assert log.active[1].text == 'stop pressed (b)'


def test_unknown_causes_are_refused():
    with pytest.raises(KeyError, match='unknown cause'):
        EventLog().raise_('gremlins', 0.0, 'supervisor')


def test_the_most_severe_comes_first_then_the_oldest():
    log = EventLog(last_event_id=41)
    assert (log.worst(), log.active, log.slowed()) == (0, (), False)
    for cause in ('config_changed', 'workspace', 'camera_frozen', 'stop_pressed', 'clock_step', 'tracking_lag'):
        log.raise_(cause, 1.0, 'a', lasting=1.0)
    assert ids(log.active) == ['stop_pressed', 'camera_frozen', 'clock_step', 'workspace', 'tracking_lag', 'config_changed']
    assert [active.event_id for active in log.active] == [45, 44, 46, 43, 47, 42]
    assert log.worst() == 4 and log.slowed() and log.last_event_id == 47
    assert ids(log.latched()) == ['stop_pressed', 'camera_frozen', 'clock_step']
    assert sorted(ids(log.barred())) == ['camera_frozen', 'clock_step', 'config_changed', 'stop_pressed']
    assert log.is_active('workspace', 'a') and not log.is_active('workspace', 'b')


def test_a_report_is_present_for_as_long_as_it_says():
    """And not a moment longer; while it is, a further report is the same event."""
    log = EventLog()
    log.raise_('clock_step', 1.0, 'a', 'first', lasting=0.5)
    log.raise_('clock_step', 1.25, 'a', 'second', lasting=0.5)
    assert log.active[0].detail == 'first' and log.last_event_id == 1
    assert ids(log.still_present(1.625)) == ['clock_step'] and log.still_present(1.75) == ()
    log.raise_('clock_step', 1.75, 'a', 'third')
    assert log.active[0].detail == 'third' and log.last_event_id == 2
    assert log.still_present(1.75) == (), 'no longer than it was said to last'


def test_what_clears_by_itself_expires_and_nothing_else():
    log = EventLog()
    for cause in ('tracking_lag', 'workspace', 'camera_frozen', 'internal_error'):
        log.level(cause, True, 1.0, 'a')
    log.expire(1.0)
    assert len(log.active) == 4
    for cause in ('tracking_lag', 'workspace', 'camera_frozen', 'internal_error'):
        log.level(cause, False, 1.0, 'a')
    log.expire(1.0)
    assert ids(log.active) == ['internal_error', 'camera_frozen', 'workspace']
    log.clear(Clears.EPOCH)
    assert ids(log.active) == ['internal_error', 'camera_frozen']
    log.clear(Clears.RESET, Clears.EPOCH)
    assert ids(log.active) == ['internal_error']


def test_a_clock_step_forgets_presence_but_no_cause():
    log = EventLog()
    log.level('stop_pressed', True, 1.0, 'a')
    log.forget_presence()
    assert log.still_present(1.0) == () and ids(log.active) == ['stop_pressed']
    log.level('stop_pressed', True, 0.5, 'a')
    assert log.last_event_id == 2, 'reported again, a new event'


def test_a_cleared_cause_leaves_nothing_behind():
    """So that sources with ever new names take no memory."""
    log = EventLog()
    for k in range(100):
        log.level('stop_pressed', True, 1.0, f'{k}')
        log.level('stop_pressed', False, 1.0, f'{k}')
        log.level('stop_pressed', False, 1.0, 'never raised')
        log.clear(Clears.RESET)
    assert log._active == {} and log._present_until == {}
