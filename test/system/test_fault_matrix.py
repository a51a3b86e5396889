"""R1: every fault in every mode, against the supervisor's real process over DDS, each within its deadline."""
import re
from pathlib import Path

import pytest
from fault_cell import Mode, run_cell
from fault_list import FAULTS
from fault_rig import FaultRig

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'faults.md'


@pytest.fixture(scope='module')
def rig_process(domain, tmp_path_factory):
    with FaultRig(domain, tmp_path_factory.mktemp('faults')) as rig:
        yield rig


@pytest.fixture
def rig(rig_process):
    """A supervisor; a new one when the test could not be undone."""
    yield rig_process
    try:
        rig_process.calm()
    except AssertionError:
        rig_process.mend()
        rig_process.start()
        raise


@pytest.mark.parametrize('mode', Mode, ids=lambda mode: mode.name)
@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.id)
def test_a_fault_in_a_mode(rig, fault, mode):
    """The reaction that ``fault_list`` asks for, in time; then READY again by a reset and nothing else."""
    result = run_cell(rig, fault, mode)
    assert result.ok, result


def test_the_page_shows_every_fault():
    """When this fails: run "python benchmarks/fault_matrix.py --write docs/faults.md"."""
    assert re.findall(r'^\| `(\w+)` \|', PAGE.read_text(), re.MULTILINE) == [fault.id for fault in FAULTS]


def test_there_are_thirty_faults_at_least_with_names_of_their_own():
    assert len({fault.id for fault in FAULTS}) == len(FAULTS) >= 30
