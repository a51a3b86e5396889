"""Ages, rest, regularity and stop buttons, each on its own."""
import math

import numpy as np
import pytest

from cosmos_policy_ros.safety.tracking import ServoModel
from cosmos_policy_ros.safety.watchdog import (
    Deadline, InputWatch, LoopWatch, PictureWatch, Stamp, Stillness, Sustained)


@pytest.fixture
def watch():
    return InputWatch(Deadline(0.04, 0.1), tolerance=0.05)


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
        joints = np.zeros(6)
        joints[2] = 0.1 if k < 20 else 0.0
        rest.add(joints, 0.01 * k)
        if not 45 <= k < 48:  # up to a tenth of the window late, which is how finely it is kept
            assert rest.still(0.01 * k) == (k >= 48)


def test_loop_counts_overruns_in_succession_only():
    loop = LoopWatch(0.01, 1.5, 3, 0.05, 0.1)
    now = 1.0
    for passed, expected in ((0.015, False), (0.016, False), (0.016, False), (0.01, False), (0.02, False),
                             (0.02, False), (0.02, True), (0.01, False)):
        now += passed
        loop.cycle(now)
        assert loop.overrun == expected
    assert loop.period_max == pytest.approx(0.02)


@pytest.mark.parametrize('back, stepped', [(0.0, False), (0.04, False), (0.06, True)])
def test_loop_sees_its_clock_go_back(back, stepped):
    loop = LoopWatch(0.01, 1.5, 3, 0.05, 0.1)
    loop.cycle(100.0)
    assert loop.cycle(100.0 - back) == 0.0
    assert loop.stepped == (f'the clock of the supervisor went back by {back:.3f} s' if stepped else '')


def test_servo_model_is_a_first_order_lag():
    model, command = ServoModel([0.1] * 6, 0.2), np.full(14, 0.5)
    model.reset(command)
    command[[7, 13]] += 1.0
    for _ in range(10):
        model.advance(command, 0.01)
    assert model.positions[[7, 13]] == pytest.approx(0.5 + 1 - np.exp([-1, -0.5]))
    assert (np.delete(model.positions, [7, 13]) == 0.5).all()


def test_stamps_far_behind_the_last_are_told_apart(watch):
    """A clock that stepped back is no sample out of order."""
    watch.seen(10.0, 10.0)
    assert [watch.seen(stamp, 10.0) for stamp in (10.0, 9.96, 9.94, -1e9, -math.inf)] == [
        Stamp.REPEATED, Stamp.REPEATED, Stamp.BACK, Stamp.BACK, Stamp.FUTURE]
    assert watch.age(10.0) == 0.0 and watch.age(9.0) == 0.0, 'never negative'


def test_an_input_that_was_late_from_the_first_is_never_fresh(watch):
    for k in range(20):
        watch.seen(10.0 + 0.01 * k - 0.2, 10.0 + 0.01 * k)
        assert watch.late(10.0 + 0.01 * k) and watch.fresh_for(10.0 + 0.01 * k) == 0.0
    watch.seen(10.19, 10.2)
    watch.seen(10.2, 10.25)
    assert watch.fresh_for(10.25) == pytest.approx(0.05)


def test_a_forgotten_input_was_never_seen(watch):
    watch.seen(10.0, 10.0)
    watch.forget()
    assert watch.age(10.0) == math.inf and watch.fresh_for(10.0) == 0.0
    assert watch.seen(9.99, 10.0) is Stamp.NEW, 'older than what was forgotten'
    assert watch.fresh_for(10.05) == pytest.approx(0.05)


def test_rest_forgets_and_takes_no_memory():
    """10 kHz of samples; and after a clock step the window has to be covered anew."""
    rest = Stillness(window=0.25, motion=0.02)
    for k in range(5000):
        rest.add(np.full(6, 1e-6 * k), 1e-4 * k)
        assert len(rest._slots) <= 12
    assert rest.still(0.4999)
    rest.forget()
    assert not rest.still(0.4999)
    sample = np.zeros(6)
    rest.add(sample, 0.0)
    sample[:] = 9.0  # the caller's own
    rest.add(np.full(6, 0.02), 0.25)
    assert rest.still(0.25), 'just within the motion that rest permits'
    rest.add(np.full(6, 0.0201), 0.26)
    assert not rest.still(0.27)


@pytest.mark.parametrize('first, second', [(0.0, 0.05), (0.05, 0.0)])
def test_motion_within_a_slot_counts(first, second):
    rest = Stillness(window=0.25, motion=0.02)
    for k in range(100):
        rest.add(np.full(6, 0.0 if k != 80 else first), 0.01 * k)
        rest.add(np.full(6, 0.0 if k != 80 else second), 0.01 * k + 0.001)
    assert not rest.still(0.99)


def test_a_condition_has_to_last():
    sustained = Sustained(0.25)
    assert [sustained.holds(True, now) for now in (1.0, 1.125, 1.2499, 1.25, 2.0)] == [False, False, False, True, True]
    assert [sustained.holds(holds, now) for holds, now in ((False, 2.125), (True, 2.25), (True, 2.4375), (True, 2.5))] == [
        False, False, False, True]
    sustained.forget()
    assert not sustained.holds(True, 2.75)


@pytest.fixture
def picture():
    return PictureWatch(deadline=0.5, motion=0.05)


def test_pictures_need_not_change_at_rest_or_before_any_came(picture):
    picture.moved(np.zeros(2), 0.0)
    picture.moved(np.ones(2), 10.0)
    picture.moved(np.zeros(2), 20.0)
    assert not picture.frozen
    picture.seen('a')
    for k in range(100):
        picture.moved(np.full(2, 0.05 * (k % 2)), 20.0 + k)
    assert not picture.frozen, 'just as much as may go unseen'


def test_pictures_freeze_half_a_second_after_motion_began(picture):
    """Counted from the motion, however long the picture stood before; until one differs."""
    joints = np.zeros(2)
    picture.seen('a')
    picture.moved(joints, 0.0)
    joints[1] = -0.06  # the caller's own array
    picture.moved(joints, 10.0)
    picture.moved(joints, 10.4375)
    assert not picture.frozen
    picture.seen('a')
    picture.moved(np.zeros(2), 10.5)
    assert picture.frozen, 'back where it was, but it has moved'
    picture.seen('a')
    picture.moved(np.zeros(2), 10.51)
    assert picture.frozen
    picture.seen('b')
    assert not picture.frozen
    picture.moved(np.zeros(2), 10.75)
    picture.moved(np.ones(2), 11.0)
    picture.moved(np.ones(2), 11.4375)
    assert not picture.frozen, 'counted afresh'
    picture.moved(np.ones(2), 11.5)
    assert picture.frozen
    picture.forget()
    picture.moved(np.zeros(2), 30.0)
    assert not picture.frozen


@pytest.mark.parametrize('ahead, stepped', [(0.1, False), (0.11, True), (3600.0, True)])
def test_loop_sees_its_clock_go_ahead(ahead, stepped):
    loop = LoopWatch(0.01, 1.5, 3, 0.05, 0.1)
    assert loop.stepped == '' and loop.cycle(100.0) == 0.0 and loop.period_max == 0.0
    assert loop.cycle(100.0 + ahead) == pytest.approx(ahead)
    assert loop.stepped == (f'the clock of the supervisor went ahead, or its loop stood still, for {ahead:.3f} s'
                            if stepped else '')
    loop.cycle(100.01 + ahead)
    assert loop.stepped == ''


def test_bounds_of_an_input():
    """At its deadline it is late; a stamp as far back as may be is only out of order."""
    watch = InputWatch(Deadline(0.0625, 0.125), tolerance=0.0625)
    assert watch.seen(10.0625, 10.0) is Stamp.NEW
    assert watch.seen(10.0, 10.0) is Stamp.REPEATED
    assert not watch.late(10.125) and watch.late(10.1875)
    assert len({stamp.value for stamp in Stamp}) == 4 and all(isinstance(stamp.value, str) for stamp in Stamp)


def test_a_loop_begins_without_overruns():
    assert not LoopWatch(0.01, 1.5, 1, 0.05, 0.1).overrun
    loop = LoopWatch(0.01, 1.5, 3, 0.05, 0.1)
    for k, expected in enumerate((False, False, False, True)):
        loop.cycle(1.0 + 0.02 * k)
        assert loop.overrun == expected
