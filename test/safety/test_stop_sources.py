"""Stop sources: heartbeats, echoes, and any number of strangers."""
import math

import pytest

from cosmos_policy_ros.safety.stop_sources import OTHERS, STRANGERS_KEPT, CounterLog, StopButton, StopPanel


@pytest.fixture
def button():
    return StopButton(deadline=0.15, echo=0.5)


def beat(button, start, count, pressed=False, first=1, behind=0.0):
    for k in range(count):
        button.observe(pressed, first + k, behind, start + 0.05 * k)
    return start + 0.05 * (count - 1)


def test_a_button_begins_unheard_and_released(button):
    assert button.pressed is False and button.heard is False
    assert (button.age(7.0), button.released_for(7.0)) == (math.inf, 0.0)
    button.observe(True, 1, 0.0, 7.0)
    assert button.released_for(9.0) == 0.0
    button.observe(False, 2, 0.0, 7.0625)
    assert button.released_for(7.125) == 0.0625


def test_bounds_of_a_button(button):
    """An echo that lags by just as much as it may, and a heartbeat just within its deadline."""
    beat(button, 1.0, 1, behind=0.5)
    assert button.lost(1.0) == '' and button.lost(1.0 + 0.1499) == ''
    assert button.lost(1.0 + 0.1501) == 'silent for 0.15 s'
    exact = StopButton(deadline=0.125, echo=0.5)
    exact.observe(False, 1, 0.0, 1.0)
    assert exact.lost(1.125) == 'silent for 0.12 s', 'at its deadline it is late'
    exact.observe(False, 2, 0.625, 1.125)
    assert exact.lost(1.125) == 'does not answer the status'


def test_a_button_must_keep_beating(button):
    assert button.lost(0.0) == 'never heard'
    end = beat(button, 1.0, 20)
    assert button.lost(end + 0.14) == ''
    assert 'silent' in button.lost(end + 0.151)
    assert button.released_for(end) == pytest.approx(0.95)


def test_a_heartbeat_that_returns_starts_counting_afresh(button):
    """Coming back within milliseconds must not look like having been there."""
    end = beat(button, 1.0, 20)
    beat(button, end + 0.2, 2, first=50)
    assert button.released_for(end + 0.25) == pytest.approx(0.05)


def test_repeated_sequence_numbers_are_silence(button):
    end = beat(button, 1.0, 5)
    for k in range(10):
        button.observe(False, 5, 0.0, end + 0.05 * k)
    assert 'silent' in button.lost(end + 0.45)


def test_a_restarted_source_is_heard_once_the_old_one_is_lost(button):
    """It begins at sequence 1 again; a latch that can never be cleared would follow otherwise."""
    end = beat(button, 1.0, 20)
    button.observe(False, 1, 0.0, end + 0.05)
    assert button.age(end + 0.05) == pytest.approx(0.05), 'out of order while the old one lives'
    end = beat(button, end + 0.3, 20)
    assert button.released_for(end) == pytest.approx(0.95)


def test_a_press_counts_even_in_a_repeated_message(button):
    beat(button, 1.0, 3)
    button.observe(True, 3, 0.0, 1.11)
    assert button.pressed
    button.observe(False, 4, 0.0, 1.15)
    assert not button.pressed
    assert button.released_for(1.2) == pytest.approx(0.05)


def test_a_source_that_does_not_answer_is_lost(button):
    end = beat(button, 1.0, 5, behind=0.6)
    assert 'answer' in button.lost(end)
    beat(button, end + 0.05, 2, first=6)
    assert button.released_for(end + 0.1) == pytest.approx(0.05)


def test_counter_lag_is_measured_in_time():
    log = CounterLog()
    assert log.behind(0, 1.0) == 0.0
    for k in range(300):
        log.issue(2.0 + 0.1 * k)
    assert log.behind(300, 40.0) == 0.0
    assert log.behind(298, 32.0) == pytest.approx(32.0 - (2.0 + 0.1 * 298))
    assert log.behind(301, 40.0) == math.inf, 'never issued'
    assert log.behind(-1, 40.0) == math.inf
    assert log.behind(3, 40.0) == math.inf, 'longer ago than remembered'


def test_a_clock_step_keeps_the_level_and_hears_afresh(button):
    beat(button, 1.0, 5)
    button.observe(True, 6, 0.0, 1.25)
    button.forget_time()
    assert button.pressed and not button.heard and button.age(0.0) == math.inf
    button.observe(False, 6, 0.0, 0.5)
    assert not button.pressed and button.released_for(0.6) == pytest.approx(0.1)


def test_strangers_count_from_their_first_press():
    panel = StopPanel(('operator',), 0.15, 0.5)
    assert panel.observe('pedal', False, 1, 0, 1.0) == ''
    assert list(panel.buttons) == ['operator']
    assert panel.observe('pedal', True, 2, 0, 1.1) == ''
    assert panel.buttons['pedal'].pressed and panel.required('operator') and not panel.required('pedal')


def test_a_flood_of_names_is_bounded():
    """All the same, each of them stops the arms."""
    panel = StopPanel(('operator',), 0.15, 0.5)
    answers = [panel.observe(f'name {k}', True, 1, 0, 1.0) for k in range(1000)]
    assert answers == [''] * STRANGERS_KEPT + [OTHERS] * (1000 - STRANGERS_KEPT)
    assert len(panel.buttons) == 1 + STRANGERS_KEPT
    assert panel.observe('name 3', False, 2, 0, 1.1) == ''
    panel.forget_released_strangers()
    assert len(panel.buttons) == STRANGERS_KEPT and 'name 3' not in panel.buttons and 'operator' in panel.buttons


@pytest.mark.parametrize('length, kept', [(64, True), (65, False)])
def test_names_are_bounded_too(length, kept):
    panel = StopPanel((), 0.15, 0.5)
    assert panel.observe('x' * length, True, 1, 0, 1.0) == ('' if kept else OTHERS)
    assert len(panel.buttons) == kept
    assert panel.observe('y' * 10 ** 6, False, 1, 0, 1.0) == ''


def test_a_flood_of_presses_is_one_stop_per_kept_name(rig):
    """Names and memory stay bounded in the supervisor, and a reset works once the flood is over."""
    rig.running()
    for k in range(3000):
        rig.core.observe_stop_source(f'{k}', True, 1, rig.counter, rig.now)
        rig.core.observe_stop_source(f'{k}', False, 2, rig.counter, rig.now)
    assert len(rig.status.causes) == STRANGERS_KEPT + 1
    assert len(rig.status.ages) == 6 + STRANGERS_KEPT
    rig.step(40)
    assert any('(others)' in blocker for blocker in rig.status.blockers)
    rig.step(40)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted
    assert len(rig.status.ages) == 6
