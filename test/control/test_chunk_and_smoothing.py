"""Chunks, their smoothing, and the latency tracker."""
import numpy as np
import pytest
from scipy.signal import savgol_filter

from cosmos_policy_ros.control.chunk import ActionChunk
from cosmos_policy_ros.control.latency import LatencyTracker
from cosmos_policy_ros.control.smoothing import Smoothing
from cosmos_policy_ros.embodiment.joints import ARM_INDICES

RANDOM = np.random.default_rng(5).normal(size=(50, 14))


def test_rows_are_read_only_copies_with_target_times():
    source = RANDOM.astype(np.float32)
    chunk = ActionChunk(1, 2, 10.0, source)
    source[:] = 0
    assert chunk.rows.dtype == np.float64
    assert chunk.rows.any()
    assert chunk.target_time(3) == pytest.approx(10.12)
    with pytest.raises(ValueError, match='read-only'):
        chunk.rows[0, 0] = 1.0


@pytest.mark.parametrize('rows', [RANDOM[:49], RANDOM[:, :13], RANDOM[None], RANDOM.ravel()])
def test_wrong_shapes_are_refused(rows):
    with pytest.raises(ValueError, match=r'chunk 2 of epoch 1: rows have shape'):
        ActionChunk(1, 2, 10.0, rows)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_non_finite_rows_are_refused_not_repaired(value):
    rows = RANDOM.copy()
    rows[7, 3] = value
    with pytest.raises(ValueError, match='row 7, column 3'):
        ActionChunk(1, 2, 10.0, rows)


@pytest.mark.parametrize('changes', [{'observed_at': np.nan}, {'period': 0.0}, {'period': np.nan}])
def test_wrong_times_are_refused(changes):
    with pytest.raises(ValueError, match='chunk 0'):
        ActionChunk(**{'epoch': 1, 'sequence': 0, 'observed_at': 1.0, 'rows': RANDOM, **changes})


@pytest.mark.parametrize('window, order', [(3, 1), (11, 2), (25, 3), (5, 4), (49, 2)])
def test_smoothing_is_the_savitzky_golay_filter(window, order):
    """Against SciPy, edges included, on the arm joints; grippers pass bit for bit."""
    smooth = Smoothing(window, order)(RANDOM)
    expected = savgol_filter(RANDOM, window, order, axis=0, mode='interp')
    arms = list(ARM_INDICES)
    assert smooth[:, arms] == pytest.approx(expected[:, arms], abs=1e-9)
    assert smooth[:, [6, 13]].tobytes() == RANDOM[:, [6, 13]].tobytes()


@pytest.mark.parametrize('window', [0, 1])
def test_smoothing_off_changes_nothing(window):
    assert Smoothing(window)(RANDOM).tobytes() == RANDOM.tobytes()


@pytest.mark.parametrize('window, order', [(4, 2), (51, 2), (-3, 1), (5, 5), (5, -1)])
def test_impossible_filters_are_refused(window, order):
    with pytest.raises(ValueError, match='smoothing'):
        Smoothing(window, order)


def test_latency_is_a_quantile_of_the_latest():
    tracker = LatencyTracker(guess=0.4, quantile=0.9, window=10)
    assert (tracker.seconds(), tracker.rows(0.04)) == (0.4, 10)
    for k in range(1, 11):
        tracker.observe(0.1 * k)
    assert tracker.seconds() == pytest.approx(0.9)
    assert tracker.rows(0.04) == 23
    for _ in range(10):
        tracker.observe(0.05)
    assert tracker.seconds() == 0.05, 'the slow start is forgotten'


@pytest.mark.parametrize('arguments', [{'guess': -1.0}, {'guess': np.nan}, {'quantile': 1.1}])
def test_impossible_trackers_are_refused(arguments):
    with pytest.raises(ValueError, match='expected'):
        LatencyTracker(**arguments)
