"""The chunk timeline: each slot once, seams within the speed limit, late rows dropped, late chunks refused."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_policy_ros.control.chunk import ActionChunk
from cosmos_policy_ros.control.timeline import ChunkTimeline, Refusal
from cosmos_policy_ros.embodiment.limits import both_arms
from cosmos_policy_ros.embodiment.poses import START

PERIOD = 0.04
SPEED = both_arms(2.5, 3.0)
ROWS = START + 0.01 * np.arange(50)[:, None]


def chunk(sequence=0, observed_at=10.0, rows=ROWS, epoch=1, **changes):
    return ActionChunk(epoch, sequence, observed_at, rows, **changes)


def started(**changes):
    timeline = ChunkTimeline(**{'speed': SPEED, 'expected_latency': 0.0, 'blend_rows': 0, **changes})
    timeline.start(1, 10.0, ROWS[0])
    return timeline


def play(timeline, first, count, origin=10.0):
    """Setpoints of ``count`` slots from slot ``first`` on."""
    return [timeline.setpoint(origin + (first + k) * PERIOD) for k in range(count)]


def test_each_slot_is_given_exactly_once_on_the_grid():
    """However often it is asked: 50 rows, 40 ms apart, in order, bit for bit."""
    timeline = started()
    timeline.accept(chunk(), 10.0)
    asked = [timeline.setpoint(10.0 + 0.003 * k) for k in range(700)]
    given = [setpoint for setpoint in asked if setpoint]
    assert [setpoint.target_time for setpoint in given] == pytest.approx(10.0 + PERIOD * np.arange(50))
    assert [setpoint.sequence for setpoint in given] == list(range(50))
    assert np.array([setpoint.positions for setpoint in given]).tobytes() == ROWS.tobytes()
    assert {setpoint.source for setpoint in given} == {'policy'}


def test_nothing_plays_before_a_chunk_and_after_stop():
    timeline = started()
    assert timeline.setpoint(10.0) is None
    timeline.accept(chunk(), 10.0)
    timeline.stop()
    assert timeline.setpoint(10.0) is None
    assert not timeline.wants_chunk(10.0)
    assert timeline.epoch is None


def test_a_new_epoch_begins_at_sequence_zero_and_forgets_queued_rows():
    timeline = started()
    timeline.accept(chunk(), 10.0)
    play(timeline, 0, 3)
    timeline.start(2, 11.0, START)
    assert timeline.setpoint(11.0) is None
    timeline.accept(chunk(epoch=2, observed_at=11.0), 11.0)
    setpoint = timeline.setpoint(11.0)
    assert (setpoint.epoch, setpoint.sequence) == (2, 0)


def test_the_first_chunk_plays_from_its_first_row():
    """The arms stood still while it was inferred; the grid begins when it arrives."""
    timeline = started()
    splice = timeline.accept(chunk(observed_at=10.0), 11.3)
    assert (splice.refused, splice.dropped_rows) == (None, 0)
    assert timeline.setpoint(11.3).positions.tobytes() == ROWS[0].tobytes()


@pytest.mark.parametrize('distance', [0.05, 0.4, 1.0])
def test_the_first_chunk_is_reached_by_a_ramp(distance):
    """From the start pose, within half the speed limit and more gently than 30 rad/s2."""
    timeline = ChunkTimeline(speed=SPEED, blend_rows=5)
    timeline.start(1, 10.0, START - distance)
    splice = timeline.accept(chunk(rows=np.tile(START, (50, 1))), 10.0)
    assert splice.seam_jump == pytest.approx(distance)
    path = np.array([START - distance, *(setpoint.positions for setpoint in play(timeline, 0, 50))])
    speed = np.diff(path, axis=0) / PERIOD
    assert np.abs(speed).max() <= 0.5 * 2.5 + 1e-9
    assert np.abs(np.diff(speed, axis=0) / PERIOD).max() <= 30
    assert path[-1] == pytest.approx(START)


def test_late_rows_are_dropped_and_the_others_keep_their_times():
    """A chunk observed 10 slots before it arrives continues with its row 10."""
    timeline = started()
    timeline.accept(chunk(), 10.0)
    play(timeline, 0, 35)
    new = ROWS + 0.05
    splice = timeline.accept(chunk(1, observed_at=10.0 + 25 * PERIOD, rows=new), 10.0 + 34.5 * PERIOD)
    assert splice.dropped_rows == 10
    setpoint = timeline.setpoint(10.0 + 35 * PERIOD)
    assert setpoint.positions == pytest.approx(np.clip(new[10], ROWS[34] - SPEED * PERIOD, ROWS[34] + SPEED * PERIOD))
    assert timeline.figures.dropped_rows == 10


def test_a_seam_is_cross_faded():
    """Between the two plans, monotonically, over the blend rows, then exactly the new one."""
    timeline = started(blend_rows=5)
    timeline.accept(chunk(rows=np.tile(ROWS[0], (50, 1))), 10.0)
    play(timeline, 0, 25)
    splice = timeline.accept(chunk(1, 10.0 + 25 * PERIOD, np.tile(ROWS[0] + 0.02, (50, 1))), 10.0 + 25 * PERIOD)
    assert (splice.blend_rows, splice.seam_jump) == (5, pytest.approx(0.02))
    path = np.array([setpoint.positions[0] - ROWS[0][0] for setpoint in play(timeline, 25, 8)])
    assert (np.diff(path) >= 0).all() and 0 < path[0] < path[4] < 0.02
    assert path[5:] == pytest.approx(0.02)
    assert timeline.figures.largest_seam == pytest.approx(0.02, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 ** 31), st.sampled_from(['async', 'sync']), st.integers(0, 8), st.floats(0.0, 1.5))
def test_no_step_exceeds_the_speed_limit(seed, mode, blend, latency):
    """E4: whatever the chunks hold and however late they come, and target times rise by whole periods."""
    random = np.random.default_rng(seed)
    timeline = ChunkTimeline(speed=SPEED, blend_rows=blend, expected_latency=latency, latency_mode=mode)
    timeline.start(1, 10.0, START)
    given, arrives, observed, sequence = [], None, 0.0, 0
    for k in range(900):
        now = 10.0 + 0.01 * k
        if timeline.wants_chunk(now):
            timeline.requested(now)
            observed, arrives = now, now + latency * random.uniform(0.5, 1.5)
        if arrives is not None and now >= arrives:
            rows = START + random.normal(scale=random.choice([0.01, 0.3]), size=(50, 14)).cumsum(axis=0)
            assert timeline.accept(chunk(sequence, observed, rows), now).refused in (None, Refusal.STALE)
            arrives, sequence = None, sequence + 1
        given.append(timeline.setpoint(now))
    given = [setpoint for setpoint in given if setpoint]
    path = np.array([START, *(setpoint.positions for setpoint in given)])
    assert (np.abs(np.diff(path, axis=0)) <= SPEED * PERIOD + 1e-12).all()
    gaps = np.diff([setpoint.target_time for setpoint in given])
    assert (gaps >= PERIOD - 1e-9).all()
    assert [setpoint.sequence for setpoint in given] == list(range(len(given)))


@pytest.mark.parametrize('changes, now, reason', [
    ({'epoch': 2}, 10.9, Refusal.WRONG_EPOCH), ({'sequence': 0}, 10.9, Refusal.OUT_OF_ORDER),
    ({'observed_at': 9.9}, 10.9, Refusal.OLDER_OBSERVATION), ({'observed_at': 11.0}, 10.9, Refusal.FROM_THE_FUTURE),
    ({'observed_at': 10.1}, 12.2, Refusal.STALE), ({'period': 0.02}, 10.9, Refusal.WRONG_PERIOD)])
def test_chunks_that_do_not_belong_are_refused(changes, now, reason):
    """A late reply must not be paired with a newer observation."""
    timeline = started()
    timeline.accept(chunk(), 10.0)
    play(timeline, 0, 22)
    assert timeline.accept(chunk(**{'sequence': 1, 'observed_at': 10.4, **changes}), now).refused is reason
    assert timeline.figures.refused == 1
    assert timeline.setpoint(10.0 + 22 * PERIOD).positions.tobytes() == ROWS[22].tobytes(), 'the old plan goes on'


def test_nothing_is_accepted_when_not_running():
    assert ChunkTimeline().accept(chunk(), 10.0).refused is Refusal.NOT_RUNNING


def test_the_next_chunk_is_wanted_one_latency_before_the_switch():
    timeline = started(expected_latency=0.4, executed_rows=25)
    assert timeline.wants_chunk(10.0)
    timeline.accept(chunk(), 10.0)
    assert not timeline.wants_chunk(10.0 + 14.9 * PERIOD)
    assert timeline.wants_chunk(10.0 + 15 * PERIOD)
    timeline.requested(10.6)
    assert not timeline.wants_chunk(10.7), 'one request at a time'
    timeline.failed('timeout', 10.8)
    assert not timeline.wants_chunk(10.9), 'what refuses at once is not asked at every tick'
    assert timeline.wants_chunk(11.01)
    assert timeline.figures.failed == 1


def test_a_refused_reply_ends_its_request_unless_it_is_of_another_epoch():
    timeline = started()
    timeline.accept(chunk(), 10.0)
    timeline.requested(11.0)
    timeline.accept(chunk(epoch=0, sequence=5), 11.1)
    assert not timeline.wants_chunk(11.1)
    timeline.accept(chunk(sequence=0), 11.1)
    assert timeline.wants_chunk(11.1)


def test_steady_latency_makes_no_pause_and_no_drift():
    """Asynchronous: no slot without a row while replies take 0.4 s."""
    timeline = ChunkTimeline(speed=SPEED, expected_latency=0.4)
    timeline.start(1, 10.0, START)
    reply, sequence = None, 0
    for k in range(2000):
        now = 10.0 + 0.01 * k
        if reply and now >= reply[0]:
            assert timeline.accept(chunk(sequence, reply[1], np.tile(START, (50, 1))), now).refused is None
            reply, sequence = None, sequence + 1
        if timeline.wants_chunk(now):
            timeline.requested(now)
            reply = now + 0.4, now
        timeline.setpoint(now)
    figures = timeline.figures
    assert (figures.pauses, figures.skipped, figures.refused) == (0, 0, 0)
    assert figures.rows == pytest.approx((20 - 0.4) / PERIOD, abs=1.5)
    assert figures.chunks == pytest.approx(figures.rows / 25, abs=1.5)


def test_running_dry_is_counted_and_goes_on_with_a_late_chunk():
    """Even in the slot in which it comes: two slots without a row are what starves the supervisor."""
    timeline = started()
    timeline.accept(chunk(), 10.0)
    play(timeline, 0, 50)
    assert play(timeline, 50, 3) == [None] * 3
    assert timeline.accept(chunk(1, 10.0 + 49 * PERIOD), 10.0 + 52.5 * PERIOD).dropped_rows == 3
    assert timeline.setpoint(10.0 + 52.5 * PERIOD).target_time == pytest.approx(10.0 + 52 * PERIOD)
    assert timeline.figures.pauses == 2
    assert timeline.setpoint(10.0 + 53 * PERIOD) is not None


def test_slots_nobody_asked_for_are_counted_not_caught_up():
    timeline = started()
    timeline.accept(chunk(), 10.0)
    play(timeline, 0, 2)
    assert timeline.setpoint(10.0 + 5 * PERIOD).target_time == pytest.approx(10.2)
    assert (timeline.figures.skipped, timeline.figures.pauses) == (3, 0)


def test_sync_without_latency_is_open_loop_execution():
    """25 rows of each chunk, the next from the observation taken right then, no pause, bit for bit."""
    timeline = started(latency_mode='sync')
    played, sequence = [], 0
    for slot in range(100):
        now = 10.0 + slot * PERIOD
        if timeline.wants_chunk(now):
            timeline.requested(now)
            assert timeline.accept(chunk(sequence, now), now).dropped_rows == 0
            sequence += 1
        played.append(timeline.setpoint(now))
    assert sequence == 4
    assert [setpoint.target_time for setpoint in played] == pytest.approx(10.0 + PERIOD * np.arange(100))
    for k in range(1, 4):  # the jump back to row 0 is approached at the speed limit, then rows are exact
        assert played[25 * k + 24].positions.tobytes() == ROWS[24].tobytes()
    assert timeline.figures.pauses == 0


def test_sync_comes_to_a_stop_while_it_waits_and_restarts_the_grid():
    """C8: the stop is planned before the chunk runs dry; rows stay at least one period apart."""
    timeline = started(latency_mode='sync', speed=both_arms(3.0, 3.0))
    fast = START + 0.1 * np.arange(50)[:, None] * both_arms(1.0, 0.0)
    timeline.start(1, 10.0, fast[0])
    timeline.accept(chunk(rows=fast), 10.0)
    path = np.array([setpoint.positions[0] for setpoint in play(timeline, 0, 30)])
    assert path[:25] == pytest.approx(fast[:25, 0])
    assert np.diff(path)[24:] == pytest.approx([0.1 - 0.048, 0.1 - 2 * 0.048, 0.0, 0.0, 0.0], abs=1e-9)
    assert timeline.figures.pauses == 5
    assert timeline.looks_from == pytest.approx(10.0 + 28 * PERIOD), 'two rows after the last one that moved'
    now = 10.0 + 29.4 * PERIOD
    timeline.accept(chunk(1, 11.0, np.tile(timeline.position, (50, 1))), now)
    assert timeline.setpoint(now) is None
    assert timeline.setpoint(10.0 + 30 * PERIOD).target_time == pytest.approx(10.0 + 30 * PERIOD)


@pytest.mark.parametrize('arguments', [{'latency_mode': 'soon'}, {'period': 0.0}, {'executed_rows': 0},
                                       {'blend_rows': -1}, {'speed': [1.0]}, {'speed': np.zeros(14)}])
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match='expected'):
        ChunkTimeline(**arguments)


@pytest.mark.parametrize('pose', [np.zeros(7), np.full(14, np.nan)])
def test_wrong_start_pose(pose):
    with pytest.raises(ValueError, match='start pose'):
        ChunkTimeline().start(1, 0.0, pose)
