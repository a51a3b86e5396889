"""E5: clearance in runs that drive the arms at each other; ``benchmarks/bench_envelope.py --runs 1e5`` makes more."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.envelope import Envelope
from reckless_arms import Contacts, forbidden_contacts, gaps_by_class, margins_by_class, reckless_run
from safety_rig import Rig

RUNS = 300
ENVELOPE = Envelope(Rig().config)
MARGINS = margins_by_class(ENVELOPE.config)


@pytest.fixture(scope='module')
def runs():
    rng = np.random.default_rng(0)
    return [reckless_run(ENVELOPE, rng) for _ in range(RUNS)]


def test_every_command_keeps_its_margins_braking_included(runs):
    """Rows and samples of brakes, from the first to the last of a run."""
    commands = np.concatenate(runs)
    for name, gap in gaps_by_class(commands).items():
        assert gap.min() >= MARGINS[name] - 1e-9, name


def test_the_runs_are_reckless(runs):
    """They come near every margin, so that the test above could fail."""
    gaps = gaps_by_class(np.concatenate(runs))
    del gaps['finger']  # two fingers reach theirs only after a gripper has reached a finger's, but for rare poses
    for name, gap in gaps.items():
        assert gap.min() < MARGINS[name] + 0.01, name


def test_the_simulator_sees_no_contact_but_of_fingers(runs):
    """Its shapes and its check are not ours. Of each run a random pose, the last, and the nearest to the other arm."""
    contacts, rng = Contacts(), np.random.default_rng(1)
    for run in runs:
        gaps = gaps_by_class(run)
        nearest = min(gap.argmin() for gap in (gaps['link'], gaps['hand'], gaps['gripper'], gaps['finger_gripper']))
        for pose in (run[nearest], run[-1], run[rng.integers(len(run))]):
            assert not forbidden_contacts(contacts.at(pose))


def test_the_simulator_would_see_contacts():
    """Stretched out ahead, the hands pass through each other; on the way down, a gripper meets the table."""
    contacts, down = Contacts(), START.copy()
    down[1] = 1.0
    assert not contacts.at(START)
    assert forbidden_contacts(contacts.at(np.zeros(14)))
    assert any('world' in pair for pair in forbidden_contacts(contacts.at(down)))
