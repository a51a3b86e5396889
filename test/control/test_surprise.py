"""What the surprise monitor takes for normal, what for a surprise, and what it lets the timeline do about it."""
import numpy as np
import pytest

from cosmos_policy_ros.control.chunk import ActionChunk
from cosmos_policy_ros.control.surprise import (GRID, LASTING, PHASES, SERVO_LAG, SLOWED, WORST, Imagination, Response, Surprise,
                                                SurpriseMonitor, Thresholds, arm_departure, blocks, departures, learn,
                                                picture_departure)
from cosmos_policy_ros.control.timeline import ChunkTimeline
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, Side

SEEN, IMAGINED = (np.full((GRID, GRID, 3), level, np.float32) for level in (40.0, 80.0))
CAMERA = 'cam_high'


def imagination(at=0.0, rows=np.zeros((50, 14))):
    return Imagination(at, 2.0, {CAMERA: SEEN}, {CAMERA: IMAGINED}, rows)


def thresholds(limit=1.0):
    return Thresholds({signal: (unit,) * PHASES for signal, unit in
                       ((CAMERA, 10.0), ('left arm', 0.1), ('right arm', 0.1))}, limit)


def test_blocks_are_means_whatever_the_size():
    picture = np.random.default_rng(0).integers(0, 256, (75, 100, 3), dtype=np.uint8)
    found = blocks(picture)
    assert found.shape == (GRID, GRID, 3) and np.abs(found[0, 0] - picture[:4, :6].mean((0, 1))).max() < 1e-3
    assert np.abs(blocks(np.full((80, 80, 3), 255, np.uint8)) - 255).max() < 1e-3


@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
def test_any_mixture_of_seen_and_imagined_is_expected(share):
    assert picture_departure(SEEN + share * (IMAGINED - SEEN), SEEN, IMAGINED) == pytest.approx(0.0, abs=1e-3)


def test_a_few_blocks_that_nobody_imagined_are_seen():
    now = SEEN.copy()
    now[:2, :WORST // 2] = 200.0
    assert picture_departure(now, SEEN, IMAGINED) == pytest.approx(np.sqrt(3) * 120.0, rel=1e-4)
    now[0, 0] = SEEN[0, 0]
    assert picture_departure(now, SEEN, SEEN) < np.sqrt(3) * 160.0, 'one block less, and the mean falls'


def test_arms_are_compared_with_the_rows_of_a_servo_lag_ago_and_grippers_are_not():
    rows = np.arange(50)[:, None] * np.ones(14) * 0.01
    positions = np.full(14, 0.01 * (1.0 - SERVO_LAG) / CONTROL_PERIOD)
    positions[6] += 1.0
    assert arm_departure(positions, rows, 1.0, Side.LEFT) == pytest.approx(0.0, abs=1e-9)
    positions[9] += 0.2
    assert arm_departure(positions, rows, 1.0, Side.RIGHT) == pytest.approx(0.2)
    assert arm_departure(positions, rows, 99.0, Side.LEFT) == pytest.approx(0.49 - positions[0]), 'the last row is kept'


def test_every_imagination_is_looked_at_until_its_end_and_arms_only_in_the_newest():
    pictures, there = {CAMERA: SEEN}, np.zeros(14)
    found = departures((imagination(0.0), imagination(1.0)), 1.9, pictures, there)
    assert set(found) == {(CAMERA, 4), (CAMERA, 2), ('left arm', 2), ('right arm', 2)}
    assert set(departures((imagination(0.0),), 2.1, pictures, there)) == set()


def test_one_look_is_no_surprise_two_are_and_it_names_what_it_was():
    monitor, covered = SurpriseMonitor(thresholds()), {CAMERA: np.zeros_like(SEEN)}
    monitor.imagine(imagination())
    levels = [monitor.look(0.2 * i, covered, np.zeros(14)) for i in range(1, LASTING + 1)]
    assert [surprise.alarming for surprise in levels] == [False] * (LASTING - 1) + [True]
    assert levels[-1].signal == CAMERA and levels[-1].level == pytest.approx(np.sqrt(3) * 4.0)
    monitor.forget()
    assert not monitor.look(0.8, covered, np.zeros(14)).alarming


def test_the_share_of_normal_episodes_that_was_asked_for_stays_below_the_limit():
    rng = np.random.default_rng(1)
    episodes = [[{(CAMERA, 0): value} for value in rng.gamma(2.0, size=30)] for _ in range(100)]
    learnt = learn(episodes, 0.95, {})
    alarmed = sum(any(min(learnt.level(a)[0], learnt.level(b)[0]) >= 1 for a, b in zip(episode, episode[1:]))
                  for episode in episodes)
    assert alarmed in (4, 5)
    with pytest.raises(ValueError, match='at least 20'):
        learn(episodes[:19], 0.95, {})


def test_what_was_not_learnt_is_not_judged():
    learnt = learn([LASTING * [{(CAMERA, 0): 1.0}]] * 20, 0.95, {})
    assert learnt.level({(CAMERA, 1): 99.0, ('left arm', 0): 9.0}) == (0.0, '')


def test_thresholds_outlive_a_file_and_rubbish_is_named(tmp_path):
    path = tmp_path / 'surprise.json'
    learn([LASTING * [{(CAMERA, 0): 1.0}]] * 20, 0.95, {'seed': 3}).save(path)
    assert Thresholds.load(path).level({(CAMERA, 0): 3.0})[0] == pytest.approx(3.0, rel=1e-4)
    for rubbish in ('{}', '[', '{"scales": {"cam_high": [1, 2]}, "limit": 1}', '{"scales": {}, "limit": 1}',
                    '{"scales": {"cam_high": [1, 1, 1, 1, -1]}, "limit": 1}'):
        path.write_text(rubbish)
        with pytest.raises(ValueError, match='surprise.json.*learn them again'):
            Thresholds.load(path)


def playing():
    """A timeline in the middle of a chunk that moves at its speed limit of 1 rad/s, and the time."""
    timeline = ChunkTimeline(executed_rows=25, blend_rows=0, speed=np.ones(14), expected_latency=0.28)
    timeline.start(1, 0.0, np.zeros(14))
    timeline.accept(ActionChunk(1, 0, 0.0, np.arange(1, 51)[:, None] * np.full(14, CONTROL_PERIOD)), 0.0)
    for slot in range(5):
        assert timeline.setpoint(slot * CONTROL_PERIOD) is not None
    return timeline, 5 * CONTROL_PERIOD


SURPRISED = Surprise(1.5, CAMERA)


def test_telling_does_nothing():
    timeline, now = playing()
    SurpriseMonitor(thresholds()).respond(SURPRISED, Response.TELL, timeline)
    assert not timeline.wants_chunk(now)


def test_replan_asks_for_a_chunk_at_once_and_rows_go_on_meanwhile():
    timeline, now = playing()
    monitor = SurpriseMonitor(thresholds())
    monitor.respond(Surprise(0.9, CAMERA), Response.REPLAN, timeline)
    assert not timeline.wants_chunk(now)
    monitor.respond(SURPRISED, Response.REPLAN, timeline)
    assert timeline.wants_chunk(now) and timeline.setpoint(now) is not None


def test_slow_takes_speed_until_it_is_over():
    timeline, now = playing()
    monitor, before = SurpriseMonitor(thresholds()), timeline.position
    monitor.respond(SURPRISED, Response.SLOW, timeline)
    step = timeline.setpoint(now).positions - before
    assert step == pytest.approx(SLOWED * CONTROL_PERIOD)
    monitor.respond(Surprise(), Response.SLOW, timeline)
    assert timeline.setpoint(now + CONTROL_PERIOD).positions - before - step == pytest.approx(CONTROL_PERIOD)


def test_hold_sends_no_row_any_more():
    timeline, now = playing()
    SurpriseMonitor(thresholds()).respond(SURPRISED, Response.HOLD, timeline)
    assert timeline.setpoint(now) is None and timeline.epoch is None
