"""Scaling to -1..1 and the published statistics file."""
import json

import numpy as np
import pytest

from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.statistics import LEAST_SPAN, DatasetStatistics

PUBLISHED_KEYS = {f'{kind}_{name}' for kind in ('actions', 'proprio')
                  for name in ('min', 'max', 'mean', 'std', 'median')}


@pytest.fixture
def statistics():
    rows = np.random.RandomState(0).uniform(-2, 2, (100, 14))
    return DatasetStatistics.of(rows, rows + 1)


def test_scaling_spans_the_data_and_inverts_without_clipping(statistics):
    rows = np.random.RandomState(1).uniform(-4, 4, (5, 50, 14))
    assert np.abs(statistics.unscale_actions(statistics.scale_actions(rows)) - rows).max() < 1e-12
    assert np.abs(statistics.unscale_proprio(statistics.scale_proprio(rows)) - rows).max() < 1e-12
    assert statistics.scale_actions(statistics.actions_max).tolist() == [1.0] * 14
    assert np.abs(statistics.scale_actions(rows)).max() > 1.5


def test_a_state_outside_the_data_is_told_by_how_much(statistics):
    state = (statistics.proprio_min + statistics.proprio_max) / 2
    assert not statistics.beyond(state).any()
    state[3], state[9] = statistics.proprio_max[3] + 0.4, statistics.proprio_min[9] - 0.2
    found = statistics.beyond(state)
    assert np.flatnonzero(found).tolist() == [3, 9] and found[[3, 9]] == pytest.approx([0.4, 0.2])


def test_a_joint_that_hardly_moved_is_not_blown_up():
    rows = np.zeros((10, 14))
    rows[:, 3] = np.linspace(0.1, 0.1001, 10)
    span = DatasetStatistics.of(rows, rows)
    assert (span.actions_max - span.actions_min) == pytest.approx(np.full(14, LEAST_SPAN))
    assert np.abs(span.scale_actions(rows)).max() < 0.01


def test_a_constant_joint_of_a_foreign_file_gives_zero_and_its_constant(statistics):
    values = {name: getattr(statistics, name).copy() for name in PUBLISHED_KEYS}
    values['proprio_min'][2] = values['proprio_max'][2] = 0.7
    constant = DatasetStatistics(**values)
    assert constant.scale_proprio(np.full(14, 3.0))[2] == 0
    assert constant.unscale_proprio(np.full(14, 0.4))[2] == 0.7


def test_file_has_the_published_keys_and_round_trips(statistics, tmp_path):
    statistics.save(tmp_path / 's.json')
    assert set(json.loads((tmp_path / 's.json').read_text())) == PUBLISHED_KEYS
    assert np.array_equal(DatasetStatistics.load(tmp_path / 's.json').proprio_std, statistics.proprio_std)


@pytest.mark.parametrize('damage', [lambda v: v.pop('actions_min'), lambda v: v.update(extra=[0] * 14),
                                    lambda v: v.update(actions_max=[0] * 7), lambda v: v.update(actions_max=[-9] * 14)])
def test_a_file_that_does_not_fit_is_refused_by_name(statistics, tmp_path, damage):
    path = tmp_path / 's.json'
    statistics.save(path)
    values = json.loads(path.read_text())
    damage(values)
    path.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match='s.json.*take the file'):
        DatasetStatistics.load(path)


def test_actions_and_state_may_differ_in_length_but_each_kind_must_agree_with_itself():
    rows = np.random.RandomState(0).uniform(-2, 2, (100, 9))
    span = DatasetStatistics.of(rows[:, :7], rows)
    assert (span.action_dim, span.proprio_dim) == (7, 9)
    assert span.unscale_actions(np.zeros((16, 7))).shape == (16, 7)
    values = {name: getattr(span, name) for name in PUBLISHED_KEYS}
    with pytest.raises(ValueError, match=r'proprio_std: expected \(9,\) finite numbers, got shape \(7,\)'):
        DatasetStatistics(**values | {'proprio_std': values['actions_std']})
