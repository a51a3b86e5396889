"""What the surprise monitor takes for normal, what for a surprise, and what it lets the timeline do about it."""
import numpy as np
import pytest

from cosmos_policy_ros.control.chunk import ActionChunk
from cosmos_policy_ros.control.surprise import (GRID, LASTING, PHASES, SERVO_LAG, SLOWED, SPOT_LOOKS, WORST, Comparison,
                                                Imagination, Response, Surprise, SurpriseMonitor, Thresholds, blocks, learn,
                                                off_the_way)
from cosmos_policy_ros.control.timeline import ChunkTimeline
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD

SEEN, IMAGINED = (np.full((GRID, GRID, 3), level, np.float32) for level in (40.0, 80.0))
CAMERA, SPOT = 'cam_high', 'cam_high spot'
LOOK = 0.2


def imagination(at=0.0):
    return Imagination(at, 2.0, {CAMERA: SEEN}, {CAMERA: IMAGINED})


def thresholds():
    return Thresholds({signal: (unit,) * PHASES for signal, unit in
                       ((CAMERA, 10.0), (SPOT, 10.0), ('left arm', 0.1), ('right arm', 0.1))}, 1.0)


def looks(comparison, pictures, begin=1):
    """What is found when the camera shows these one after the other."""
    return [comparison.departures(LOOK * i, {CAMERA: picture}, np.zeros(14)) for i, picture in enumerate(pictures, begin)]


def test_blocks_are_means_whatever_the_size():
    picture = np.random.default_rng(0).integers(0, 256, (75, 100, 3), dtype=np.uint8)
    found = blocks(picture)
    assert found.shape == (GRID, GRID, 3) and np.abs(found[0, 0] - picture[:3, :5].mean((0, 1))).max() < 1e-3
    assert np.abs(blocks(np.full((80, 80, 3), 255, np.uint8)) - 255).max() < 1e-3


@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
def test_any_mixture_of_seen_and_imagined_is_expected(share):
    assert np.abs(off_the_way(SEEN + share * (IMAGINED - SEEN), SEEN, IMAGINED)).max() < 1e-3


def test_a_spot_is_seen_when_it_lasts_and_not_when_it_passes():
    comparison, lying = Comparison(), SEEN.copy()
    comparison.imagine(imagination())
    lying[4, :WORST] = 200.0
    passing = [SEEN.copy() for _ in range(SPOT_LOOKS)]
    for i, picture in enumerate(passing):
        picture[9, WORST * i:WORST * (i + 1)] = 200.0
    assert [found[SPOT, found_phase(found)] for found in looks(comparison, passing)] == [0.0] * SPOT_LOOKS
    found = looks(comparison, [lying] * SPOT_LOOKS, 1 + SPOT_LOOKS)
    assert found[-1][SPOT, found_phase(found[-1])] == pytest.approx(np.sqrt(3) * 120.0, rel=1e-4)
    assert found[-2][SPOT, found_phase(found[-2])] == 0.0


def found_phase(found):
    return next(phase for signal, phase in found if signal == SPOT)


def test_a_picture_as_a_whole_is_the_mean_of_its_blocks():
    comparison = Comparison()
    comparison.imagine(imagination())
    assert looks(comparison, [np.zeros_like(SEEN)])[0][CAMERA, 0] == pytest.approx(np.sqrt(3) * 40.0)


def test_arms_are_compared_with_where_servos_that_lag_would_be_and_grippers_are_not():
    """A first-order lag behind a ramp comes to stand one time constant behind it."""
    comparison, period = Comparison(), 1e-3
    for row in range(2000):
        comparison.ask(row * period, np.full(14, 0.1 * row * period))
    positions = 0.1 * (1999 * period - SERVO_LAG)
    positions[6] += 1.0
    positions[9] += 0.2
    found = comparison.departures(1999 * period, {}, positions)
    assert found['left arm', 0] == pytest.approx(0.0, abs=1e-4) and found['right arm', 0] == pytest.approx(0.2, abs=1e-4)
    assert Comparison().departures(0.7, {}, positions) == {}, 'nothing was asked'


def test_every_imagination_is_looked_at_until_its_end():
    comparison = Comparison()
    for at in (0.0, 1.0):
        comparison.imagine(imagination(at))
    assert set(comparison.departures(1.9, {CAMERA: SEEN}, np.zeros(14))) == {
        (signal, phase) for signal in (CAMERA, SPOT) for phase in (2, 4)}
    assert set(comparison.departures(2.1, {CAMERA: SEEN}, np.zeros(14))) == {(CAMERA, 2), (SPOT, 2)}
    assert set(comparison.departures(3.1, {CAMERA: SEEN}, np.zeros(14))) == set()


def test_one_look_is_no_surprise_two_are_and_it_names_what_it_was():
    monitor, covered = SurpriseMonitor(thresholds()), {CAMERA: np.zeros_like(SEEN)}
    monitor.imagine(imagination())
    found = [monitor.look(LOOK * i, covered, np.zeros(14)) for i in range(1, LASTING + 1)]
    assert [surprise.alarming for surprise in found] == [False] * (LASTING - 1) + [True]
    assert found[-1].signal == CAMERA and found[-1].level == pytest.approx(np.sqrt(3) * 4.0)
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


def test_a_slower_chunk_gets_to_what_was_imagined_later():
    slow = imagination(3.0).slowed(0.5)
    assert (slow.observed_at, slow.horizon, set(slow.imagined)) == (3.0, 4.0, {CAMERA})
