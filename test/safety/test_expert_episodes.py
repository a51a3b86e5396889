"""E2: good demonstrations pass untouched; ``benchmarks/bench_envelope.py --episodes 100`` plays more of them."""
import numpy as np
import pytest

from cosmos_policy_ros.safety.chunk_check import check_chunk
from cosmos_policy_ros.safety.envelope import Envelope
from expert_episodes import expert_rows, interventions
from safety_rig import Rig

ENVELOPE = Envelope(Rig().config)


@pytest.fixture(scope='module', params=[('plate', 'clean'), ('transfer', 'clean'), ('transfer', 'displaced'),
                                        ('candy', 'displaced'), ('insertion', 'clean'), ('insertion', 'displaced')],
                ids=' '.join)
def rows(request):
    rows, success = expert_rows(request.param[0], 3, request.param[1])
    assert success
    return rows


def test_no_intervention(rows):
    """No row refused, none clamped, no bit changed: hand-overs and insertions included."""
    assert interventions(ENVELOPE, rows) == (0, 0, 0)


def test_no_chunk_refused(rows):
    """Chunks as a policy would make them: any 50 rows of the demonstration."""
    for first in range(0, len(rows) - 50, 10):
        verdict = check_chunk(rows[first + 1:first + 51], rows[first], ENVELOPE)
        assert verdict.row is None, verdict.detail
        assert np.isfinite(verdict.clearance).all()
