"""Kinematics, distances and the bound between checked poses, against pinocchio and coal."""
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar

from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.envelope import DIP, Envelope
from cosmos_policy_ros.safety.keep_out import NEAR, KeepOut, segment_to_box
from cosmos_policy_ros.safety.surroundings import PAIRS
from geometry_oracle import CAPSULES, Oracle
from safety_rig import Rig

HARDWARE = hardware_limits()
ENVELOPE, ORACLE = Envelope(Rig().config), Oracle()
CONFIG, AROUND = ENVELOPE.config, ENVELOPE.surroundings
shares = arrays(float, 14, elements=st.floats(0, 1))
anywhere = shares.map(lambda share: HARDWARE.lower + share * (HARDWARE.upper - HARDWARE.lower))
meeting = shares.map(lambda share: START + np.tile([0.3, 0.9, 0.6, 1.5, 0.8, 1.5, 0.5], 2) * (2 * share - 1)
                     + np.tile([0.0, 0.5, -0.5, 0.0, 0.0, 0.0, 0.5], 2))
"""Poses of arms that are stretched out towards each other: a third of them collides."""


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.one_of(anywhere, meeting))
def test_distances_between_the_arms(vector):
    """All 100 pairs to a micrometre; coal gives depths below zero, too, which agree for capsules."""
    ours = AROUND.distances(vector[None])[0, :PAIRS].reshape(10, 10)
    theirs = ORACLE.between_arms(vector)
    assert ours[theirs > 0] == pytest.approx(theirs[theirs > 0], abs=1e-6)
    assert (ours[theirs <= 0] <= 1e-6).all()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.one_of(anywhere, meeting))
def test_distances_to_fences(vector):
    """Workspace and walls face by face, keep-out boxes exact when near and never too large when far."""
    fences = AROUND.distances(vector[None])[0, PAIRS:].reshape(-1, 2, 10)
    for ours, lower, upper in ((fences[0], CONFIG.cell.workspace_lower, CONFIG.cell.workspace_upper),
                               (fences[1], CONFIG.walls_lower, CONFIG.walls_upper)):
        assert ours == pytest.approx(ORACLE.inside(vector, lower, upper), abs=1e-9)
    for ours, box in zip(fences[3:], CONFIG.keep_out):
        theirs = ORACLE.to_box(vector, box.lower, box.upper)
        near = (theirs < NEAR) & (theirs > 0)
        assert ours[near] == pytest.approx(theirs[near], abs=1e-6)
        assert (ours <= np.maximum(theirs, 0) + 1e-6).all()
        assert (ours[theirs >= NEAR] >= NEAR - 1e-9).all()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(arrays(float, (2, 3), elements=st.floats(-1, 1)), arrays(float, 3, elements=st.floats(0.01, 0.6)))
def test_segment_to_box(ends, half):
    """Against a search for the closest point; inside, against the smallest push that frees every point of it."""
    def distance(share):
        point = ends[0] + share * (ends[1] - ends[0])
        return np.linalg.norm(point - np.clip(point, -half, half))

    shares = np.linspace(0, 1, 201)
    best = shares[np.argmin([distance(share) for share in shares])]
    searched = min(distance(best), minimize_scalar(distance, bounds=(max(best - 0.005, 0), min(best + 0.005, 1)),
                                                   method='bounded', options={'xatol': 1e-9}).fun)
    middle = np.array([0.2, -0.1, 0.3])
    found = segment_to_box(ends[None] + middle, (middle - half)[None], (middle + half)[None])[0]
    if found > 0:
        assert found == pytest.approx(searched, abs=1e-6)
        return
    assert searched < 1e-6
    pushes = [*(half + ends.max(axis=0)), *(half - ends.min(axis=0))]
    assert found == pytest.approx(-min(pushes), abs=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(anywhere, meeting), arrays(float, 14, elements=st.floats(-0.12, 0.12)), st.floats(0.2, 5.0))
def test_no_capsule_travels_further_than_the_bound(start, step, unequal):
    """Along a path on which joints move one ahead of the other, added up over 60 pieces."""
    bound = AROUND._travel(start[None], (start + step)[None])[0]
    ahead = np.linspace(0, 1, 61)[:, None] ** np.where(np.arange(14) % 2, unequal, 1.0)
    axes = AROUND.segments(start + ahead * step)
    length = np.linalg.norm(np.diff(axes, axis=0), axis=-1).sum(axis=0).max(axis=-1)
    assert (length <= bound + 1e-12).all()


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(meeting, arrays(float, 14, elements=st.floats(-1, 1)), st.floats(0, 1))
def test_an_admitted_row_keeps_every_margin_all_the_way(position, direction, speed):
    """E5, E7: 200 poses between two rows and 200 along the brake, each at its margin or above, by the oracle at the
    worst of them."""
    before = AROUND.distances(position[None])[0]
    velocity = speed * direction * ENVELOPE.limits.speed
    admission = ENVELOPE.admit(position + 0.04 * velocity, position, velocity)
    assume(not admission.cause and (before >= AROUND.margins + DIP).all())
    row, brake = admission.limited.positions, Brake(admission.limited.positions, admission.limited.velocity,
                                                    ENVELOPE.limits, 0.0)
    path = np.concatenate([position + np.linspace(0, 1, 200)[:, None] * (row - position),
                           brake.at(np.linspace(0, brake.duration, 200)[:, None])[0]])
    spare = AROUND.distances(path) - AROUND.margins
    assert spare.min() >= -1e-9
    worst = path[spare[:, :PAIRS].min(axis=1).argmin()]
    theirs, margins = ORACLE.between_arms(worst), AROUND.margins[:PAIRS].reshape(10, 10)
    assert (theirs >= margins - 1e-6)[margins >= 0].all()


def test_a_raised_table_is_measured_from_its_top():
    raised = Envelope(replace(CONFIG, cell=replace(CONFIG.cell, table_height=0.03))).surroundings
    table = slice(PAIRS + 40, PAIRS + 60)
    lowest = [ends[:, 2].min() - CAPSULES[name][3] for i, arm in enumerate(ORACLE.arms.values())
              for name, ends in arm.axes(START[7 * i:7 * i + 7]).items()]
    assert raised.distances(START[None])[0, table] == pytest.approx(np.array(lowest) - 0.03, abs=1e-9)


def test_an_arm_deep_in_a_box_is_in_it():
    """However large the box: what is far from its faces is not far from the box."""
    box = KeepOut('room', (-2.0, -2.0, -2.0), (2.0, 2.0, 2.0))
    around = Envelope(replace(CONFIG, keep_out=(box,))).surroundings
    assert (around.distances(START[None])[0, -20:] < -1.0).all()


def test_the_oracle_knows_the_same_capsules():
    from cosmos_policy_ros.embodiment import capsules
    assert tuple(CAPSULES) == capsules.NAMES
