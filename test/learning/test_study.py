"""A study pairs its cells by seed, goes on where it ended, and says which differences mean something."""
import json
import subprocess
import sys

import numpy as np
import pytest
import yaml

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.learning import study
from cosmos_policy_ros.learning.evaluation import EpisodeResult, EvaluationSettings
from cosmos_policy_ros.learning.statistics import area_under_curve, paired_difference
from cosmos_policy_ros.learning.study import Cell, rates, read_cells, run_cell, table
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.settings import Mode
from cosmos_policy_ros.rollouts.rate_plot import rate_figure
from cosmos_policy_ros.sim.disturbances import CONDITIONS

BASE = EvaluationSettings('policy', 'plate', 'safety.yaml')


def outcome(seed):
    return EpisodeResult(seed, seed % 3 > 0, 'success', 100, 5, 0.5, 'lift', 0, 0, 0, 0.0, 0.5, (), ({'total': 0.1},))


@pytest.fixture
def played(monkeypatch):
    """Seeds that were evaluated, in place of evaluating them."""
    seeds = []

    def evaluate(settings, wanted, workers):
        for seed in wanted:
            seeds.append(seed)
            yield outcome(seed)

    monkeypatch.setattr(study, 'evaluate', evaluate)
    monkeypatch.setattr(study, 'checkpoint_digest', lambda path: f'digest of {path}')
    return seeds


def test_cells_are_changes_to_common_settings():
    direct, planned = read_cells({'common': {'task': 'transfer'}, 'cells': {
        'direct': None, 'planned': {'latency': 0.5, 'plan': {'candidates': 4, 'mode': 'joint', 'value_stage': 'value'}}}}, BASE)
    assert direct.settings.task == planned.settings.task == 'transfer' and direct.settings.plan is None
    assert planned.settings.latency == 0.5 and planned.settings.plan.mode is Mode.JOINT
    assert planned.settings.plan.value_stage is Stage.VALUE


@pytest.mark.parametrize('name', ['planning', 'candidates'])
def test_the_shipped_studies_are_valid(name):
    cells = read_cells(yaml.safe_load(config_file(f'studies/{name}.yaml').read_text()), BASE)
    assert cells[0].name == 'direct' and cells[0].settings.plan is None and len({cell.settings for cell in cells}) > 3
    assert {cell.settings.conditions for cell in cells} <= set(CONDITIONS)


@pytest.mark.parametrize('change, message', [({'tasks': 'plate'}, 'unknown tasks'), ({'plan': {'best_of': 3}}, 'best_of'),
                                             ({'plan': {'candidates': 0}}, 'candidates: expected 1')])
def test_a_cell_that_means_nothing_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        read_cells({'cells': {'odd': change}}, BASE)


def test_a_study_goes_on_where_it_ended(played, tmp_path):
    cell = Cell('direct', BASE)
    first = list(run_cell(cell, range(10, 14), tmp_path, 1))
    with open(tmp_path / 'direct.jsonl', 'a') as log:
        log.write('{"seed": 14, "succ')  # killed in the middle of a line
    again = list(run_cell(cell, range(10, 17), tmp_path, 1))
    assert played == list(range(10, 17)) and again[:4] == first
    assert [entry['seed'] for entry in again] == list(range(10, 17)) and 'inference' not in again[-1]
    assert len((tmp_path / 'direct.jsonl').read_text().splitlines()) == 7


def test_another_cell_under_the_same_name_is_refused(played, tmp_path):
    list(run_cell(Cell('direct', BASE), [1], tmp_path, 1))
    with pytest.raises(ValueError, match='other settings'):
        list(run_cell(Cell('direct', EvaluationSettings('policy', 'transfer', 'safety.yaml')), [1], tmp_path, 1))


def test_a_cell_does_not_go_on_with_other_weights(played, tmp_path, monkeypatch):
    list(run_cell(Cell('direct', BASE), [1], tmp_path, 1))
    monkeypatch.setattr(study, 'checkpoint_digest', lambda path: 'trained anew')
    with pytest.raises(ValueError, match='weights'):
        list(run_cell(Cell('direct', BASE), [1, 2], tmp_path, 1))
    assert played == [1]


def test_the_table_compares_seed_by_seed():
    def entries(successes):
        return [{'seed': seed, 'success': bool(success), 'score': float(success)} for seed, success in enumerate(successes)]

    lines = table({'direct': entries([1, 0, 0, 1] * 10), 'planned': entries([1, 1, 0, 1] * 10)[::-1]})
    assert '20/40 (50 %)' in lines[2] and '30/40 (75 %)' in lines[3] and '+25.0 (40)' in lines[3]
    assert lines[3].endswith('| 0.0020 |')
    partly = table({'direct': entries([1, 0, 0, 1] * 10), 'planned': entries([1, 1, 0, 1] * 10)[:20]})
    assert '15/20 (75 %)' in partly[3] and '+25.0 (20)' in partly[3]
    assert all(line.count('|') == 8 for line in lines)
    json.dumps(lines)


def test_paired_difference_counts_discordant_pairs():
    """McNemar's exact test, by hand: 12 pairs one way and 2 the other, p = 2 * sum_{k<=2} C(14, k) / 2**14."""
    first = np.array([True] * 2 + [False] * 12 + [True] * 20 + [False] * 6)
    second = np.array([False] * 2 + [True] * 12 + [True] * 20 + [False] * 6)
    difference, (low, high), p = paired_difference(first, second)
    assert difference == pytest.approx(0.25) and p == pytest.approx(2 * (1 + 14 + 91) / 2 ** 14)
    assert 0.05 < low < 0.25 < high < 0.45
    assert paired_difference(first, first) == (0.0, (0.0, 0.0), 1.0)


def test_area_under_curve_is_the_share_of_ordered_pairs():
    assert area_under_curve([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)
    assert np.isnan(area_under_curve([0.9, 0.5], [True, True]))


def test_the_plot_has_the_rate_and_interval_of_every_cell_from_the_first_down():
    outcomes = {'direct': [{'success': True}, {'success': False}], 'joint': [{'success': True}] * 3}
    figure = rate_figure(rates(outcomes))
    axis, = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ['direct', 'joint'] and axis.yaxis_inverted()
    points, (_, _), (bars,) = axis.containers[0]
    assert points.get_xdata().tolist() == [50.0, 100.0]
    assert [segment[:, 0].round(1).tolist() for segment in bars.get_segments()] == [[9.5, 90.5], [43.9, 100.0]]


def test_the_plot_needs_nothing_that_reads_recordings():
    """A study may run where only simulator and model are installed."""
    code = 'import sys, cosmos_policy_ros.rollouts.rate_plot; sys.exit("rosbags" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0
