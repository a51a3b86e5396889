"""Ages, rest, regularity and stop buttons, each on its own."""
import math

import numpy as np
import pytest

from cosmos_policy_ros.safety.events import EventLog
from cosmos_policy_ros.safety.stop_sources import CounterLog, StopButton
from cosmos_policy_ros.safety.tracking import ServoModel
from cosmos_policy_ros.safety.watchdog import Deadline, InputWatch, LoopWatch, Stamp, Stillness


@pytest.fixture
def watch():
    return InputWatch(Deadline(0.04, 0.1), future_tolerance=0.05)


@pytest.fixture
def button():
    return StopButton(deadline=0.15, echo=0.5)


def test_an_input_never_seen_is_late(watch):
    assert watch.age(3.0) == math.inf
    assert watch.late(3.0)
    assert watch.fresh_for(3.0) == 0.0


def test_age_is_that_of_the_data_not_of_its_arrival(watch):
    """A sample that was 80 ms under way is 80 ms old; zero stamps are as old as the clock."""
    assert watch.seen(9.92, 10.0) is Stamp.NEW
    assert watch.age(10.01) == pytest.approx(0.09)
    assert not watch.late(10.01)
    assert watch.late(10.03)
    other = InputWatch(Deadline(0.04, 0.1), 0.05)
    other.seen(0.0, 10.0)
    assert other.late(10.0)


def test_repeated_stamps_do_not_refresh(watch):
    """A frozen driver that repeats its last message goes stale."""
    watch.seen(10.0, 10.0)
    for k in range(1, 12):
        assert watch.seen(10.0, 10.0 + 0.01 * k) is Stamp.REPEATED
    assert watch.late(10.11)


@pytest.mark.parametrize('stamp', [10.06, math.inf, math.nan])
def test_stamps_ahead_are_told_apart(watch, stamp):
    assert watch.seen(stamp, 10.0) is Stamp.FUTURE
    assert watch.late(10.0)


def test_freshness_starts_over_after_a_gap(watch):
    for k in range(100):
        watch.seen(10.0 + 0.01 * k, 10.0 + 0.01 * k)
    assert watch.fresh_for(10.99) == pytest.approx(0.99)
    assert watch.fresh_for(11.2) == 0.0
    watch.seen(11.3, 11.3)
    assert watch.fresh_for(11.35) == pytest.approx(0.05)


def test_rest_needs_a_full_window_without_motion():
    rest = Stillness(window=0.25, motion=0.02)
    for k in range(60):
        positions = np.zeros(7)
        positions[2] = 0.1 if k < 20 else 0.0
        positions[6] = k  # a gripper that settles does not count
        rest.add(positions, 0.01 * k)
        assert rest.still(0.01 * k) == (k < 20 and k >= 25 or k >= 45)


def test_loop_counts_overruns_in_succession_only():
    loop = LoopWatch(0.01, 1.5, 3, 0.05)
    now = 1.0
    for passed, expected in ((0.015, False), (0.016, False), (0.016, False), (0.01, False), (0.02, False),
                             (0.02, False), (0.02, True), (0.01, False)):
        now += passed
        loop.cycle(now)
        assert loop.overrun == expected
    assert loop.period_max == pytest.approx(0.02)


@pytest.mark.parametrize('back, stepped', [(0.0, False), (0.04, False), (0.06, True)])
def test_loop_sees_its_clock_go_back(back, stepped):
    loop = LoopWatch(0.01, 1.5, 3, 0.05)
    loop.cycle(100.0)
    assert loop.cycle(100.0 - back) == 0.0
    assert loop.stepped == stepped


def beat(button, start, count, pressed=False, first=1, behind=0.0):
    for k in range(count):
        button.observe(pressed, first + k, behind, start + 0.05 * k)
    return start + 0.05 * (count - 1)


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


def test_servo_model_is_a_first_order_lag():
    model, command = ServoModel([0.1] * 6), np.zeros(14)
    model.reset(command)
    command[7] = 1.0
    for _ in range(10):
        model.advance(command, 0.01)
    residual = model.residual(np.zeros(14))
    assert residual[6] == pytest.approx(1 - np.exp(-1))
    assert not np.delete(residual, 6).any()


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
        EventLog().raise_('gremlins', 0.0)
