"""What is said of a session: by task and policy, on the same starts, in the plan's order."""
import re

import numpy as np
import pytest

from cosmos_policy_ros.learning.trial_page import Findings, history, write_results
from cosmos_policy_ros.learning.trial_results import (ALL, Comparison, latencies, outcomes, published_lines,
                                                      read_comparison, success_tables)
from cosmos_policy_ros.rollouts.trial_log import TrialLog
from cosmos_policy_ros.rollouts.trial_plan import read_plan

PLAN = read_plan({'policies': {'direct': None, 'planned <8>': None},
                  'tasks': {'plate': {'first': 0, 'count': 4}, 'candy': {'first': 0, 'count': 2}}})


def result(trial):
    """Direct fails at odd starts, the planner never; an inference takes 0.1 s a policy's number."""
    success = trial.policy != 'direct' or trial.start % 2 == 0
    return {'success': success, 'score': float(success) or 0.25,
            'inference': [{'sample': 0.1 * (1 + PLAN.policies.index(trial.policy)), 'total': 0.5}] * 2}


RESULTS = {trial.number: result(trial) for trial in PLAN.trials()}


def test_a_table_a_task_and_one_of_all():
    tables = success_tables(PLAN, RESULTS)
    assert list(tables) == ['plate', 'candy', ALL]
    assert [row[:4] for row in tables['plate']] == [('direct', '2/4 (50 %)', '15 to 85 %', '0.62'),
                                                    ('planned <8>', '4/4 (100 %)', '51 to 100 %', '1.00')]
    assert tables['plate'][1][4] == '+50.0 (4)' and tables[ALL][1][4] == '+50.0 (6)', 'paired by task and start'


def test_the_order_in_which_rollouts_ended_changes_nothing():
    assert outcomes(PLAN, dict(reversed(RESULTS.items()))) == outcomes(PLAN, RESULTS)


def test_a_session_that_has_not_ended_counts_what_it_has():
    first = PLAN.trials()[0]
    tables = success_tables(PLAN, {first.number: RESULTS[first.number]})
    assert [[row[0] for row in rows] for rows in tables.values()] == [[first.policy]] * 2


def test_latency_by_policy_and_stage():
    found = {(policy, stage): (len(seconds), round(float(seconds.mean()), 6))
             for policy, stages in latencies(PLAN, RESULTS).items() for stage, seconds in stages.items()}
    assert found == {('direct', 'sample'): (12, 0.1), ('direct', 'total'): (12, 0.5),
                     ('planned <8>', 'sample'): (12, 0.2), ('planned <8>', 'total'): (12, 0.5)}


def test_the_published_figures_are_compared_where_a_session_asks_for_it():
    assert published_lines(Comparison(), PLAN, RESULTS) == []
    direct, planning = published_lines(Comparison('direct', 'planned <8>', ('plate',)), PLAN, RESULTS)
    assert '6 rollouts' in direct and direct.endswith('band +-3: outside')
    assert '4 and 4 rollouts' in planning and planning.endswith('band at least 8: too few rollouts to tell')


@pytest.mark.parametrize('given, message', [
    ({'direct': 'nobody'}, "'nobody' is none of"), ({'direct': 'direct', 'planning': 'planned <8>'}, 'name all three'),
    ({'direct': 'direct', 'planning': 'planned <8>', 'hard': ['knot']}, "'knot'"), (['direct'], 'expected direct'),
], ids=['policy', 'incomplete', 'task', 'list'])
def test_a_comparison_with_what_is_not_there_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        read_comparison(given, PLAN)


def test_the_page_says_what_was_found_and_loads_nothing(tmp_path):
    with TrialLog(tmp_path, {}) as log:
        log.begin(1)
    with TrialLog(tmp_path, {}) as log:
        for number, entry in RESULTS.items():
            log.begin(number)
            log.end(number, entry)
        text = write_results(tmp_path, Findings(PLAN, log.results, Comparison('direct'), {
            'direct': {}, 'planned <8>': {'plan': {'n': 8}}}, history(PLAN, log), 'Played by hand')).read_text()
    assert '12 of 12 rollouts, 1 cut off and run again, blinded to the end. Played by hand.' in text
    cells = [re.findall(r'<td[^>]*>(.*?)</td>', row) for row in re.findall(r'<tr>(.*?)</tr>', text)]
    assert ['planned &lt;8&gt;', 'sample', '12', '200', '200'] in cells
    assert ['plan', 'null', '{&quot;n&quot;: 8}'] in cells
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text) == [] and np.char.count(text, '<img') == 3
