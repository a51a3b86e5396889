"""E3: malformed messages of every type; none passes, none ends the supervisor. A million: benchmarks/fuzz.py."""
from fault_rig import FaultRig
from fuzz_dds import fuzz_over_dds
from fuzz_judge import fuzz
from fuzz_rig import FuzzRig

SEED = 7


def test_no_malformed_message_passes_the_node(domain):
    with FuzzRig(domain) as rig:
        judge = fuzz(rig, 4000, SEED)
    assert judge.wrong == []
    assert min(judge.thrown[topic] for topic in judge.thrown) > 20, judge.thrown
    assert judge.verdicts['accepted'] > 20, 'rows that are still good must pass, or nothing was tried'


def test_no_malformed_message_ends_the_process(domain, tmp_path):
    with FaultRig(domain, tmp_path) as rig:
        thrown, wrong = fuzz_over_dds(rig, 800, SEED)
        assert wrong == []
        rig.running()
    assert min(thrown.values()) > 5, thrown
