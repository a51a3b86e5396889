"""R3: 10 kHz on any input, and a stop still brakes at once. Longer: benchmarks/bench_stop_latency.py."""
import pytest
from fault_flood import INPUTS, flooded_stop
from fault_rig import FaultRig


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    with FaultRig(domain, tmp_path_factory.mktemp('flood')) as rig:
        yield rig


@pytest.mark.parametrize('stream', INPUTS)
def test_a_stop_brakes_within_two_ticks_while_an_input_is_flooded(rig, stream):
    assert flooded_stop(rig, stream) <= 2
    rig.calm()
