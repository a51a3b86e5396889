"""A slower chunk goes the same way."""
import numpy as np
import pytest

from cosmos_policy_ros.control.playback import STEPS, next_speed, slowed

ROWS = np.cumsum(np.random.default_rng(0).normal(size=(50, 14)), axis=0)


def test_at_full_speed_nothing_changes():
    assert slowed(ROWS, 1.0).tobytes() == ROWS.tobytes()


@pytest.mark.parametrize('share', STEPS)
def test_a_slower_chunk_goes_the_same_way_later(share):
    slow = slowed(ROWS, share)
    assert slow.shape == ROWS.shape and (slow[0] == ROWS[0]).all()
    expected = np.stack([np.interp(share * np.arange(50), np.arange(50), column) for column in ROWS.T], axis=1)
    assert np.allclose(slow, expected, atol=1e-12)
    assert np.abs(np.diff(slow, axis=0)).max() <= share * np.abs(np.diff(ROWS, axis=0)).max() + 1e-12


@pytest.mark.parametrize('share', [0.0, -0.5, 1.01, float('nan')])
def test_other_speeds_are_refused(share):
    with pytest.raises(ValueError, match='expected a share'):
        slowed(ROWS, share)


@pytest.mark.parametrize('share, slower, faster', [(1.0, 0.75, 1.0), (0.5, 0.25, 0.75), (0.25, 0.25, 0.5), (0.3, 0.25, 0.5),
                                                   (None, 0.75, 1.0)])
def test_an_operator_goes_step_by_step(share, slower, faster):
    assert (next_speed(share, faster=False), next_speed(share, faster=True)) == (slower, faster)
