"""R3: 10 kHz on any input, and a stop still brakes at once. Longer: benchmarks/bench_stop_latency.py."""
import pytest
from fault_flood import INPUTS, flooded_stop
from fault_rig import FaultRig
from fault_streams import STEP


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    with FaultRig(domain, tmp_path_factory.mktemp('flood')) as rig:
        yield rig


@pytest.mark.parametrize('stream', INPUTS)
def test_a_stop_brakes_within_two_ticks_while_an_input_is_flooded(rig, stream):
    assert flooded_stop(rig, stream) <= 2
    rig.calm()


def test_a_flood_of_the_stop_topic_itself_ends_in_a_stop(rig):
    """The press is heard at once, or drowns: then the button is not heard for 0.15 s, which counts as pressed."""
    assert flooded_stop(rig, 'stop') <= round(0.15 / STEP) + 2
    rig.calm()
