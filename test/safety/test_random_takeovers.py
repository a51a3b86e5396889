"""An operator takes the arms at any moment and gives them back: no step, exact labels, nothing stale."""
import numpy as np
import pytest
from random_takeovers import Takeovers


@pytest.mark.parametrize('seed', range(3))
def test_takeovers_at_random_moments(seed):
    rig = Takeovers(np.random.default_rng(seed))
    for _ in range(5):
        taken = rig.run()
        assert taken.step <= 1 + 1e-9 and taken.labels <= 1 + 1e-9 and not taken.stale, taken
    assert {source for source, *_ in rig.rows} == {'policy', 'jog'}
