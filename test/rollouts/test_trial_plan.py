"""Which rollouts a session has, in an order that is random, balanced, and the same wherever it is worked out."""
from collections import Counter

import pytest

from cosmos_policy_ros.rollouts.trial_plan import TrialPlan, read_plan

TWO = {'policies': {'one': None, 'other': None}, 'tasks': {'plate': {'first': 1000, 'count': 10}}}


def test_every_start_is_played_once_under_every_policy():
    plan = read_plan(TWO | {'tasks': {'plate': {'first': 3, 'count': 4}, 'candy': {'first': 4, 'count': 2}}})
    trials = plan.trials()
    assert [trial.number for trial in trials] == list(range(1, 13)) and plan.tasks == ('plate', 'candy')
    assert Counter((trial.task, trial.start, trial.policy) for trial in trials) == Counter(
        (task, start, policy) for task, start in plan.starts for policy in ('one', 'other'))
    for one, other in zip(trials[::2], trials[1::2]):
        assert (one.task, one.start) == (other.task, other.start), 'the policies of a start follow each other'


def test_the_order_is_the_same_everywhere_and_another_for_another_seed():
    """A session that goes on after an update must not mix its policies up, so the order is written down here."""
    plan = TrialPlan(('one', 'other'), (('plate', 1), ('plate', 2)))
    order = [(trial.start, trial.policy) for trial in plan.trials()]
    assert order == [(2, 'one'), (2, 'other'), (1, 'other'), (1, 'one')]
    orders = {tuple(trial.policy for trial in read_plan(TWO | {'seed': seed}).trials()) for seed in range(20)}
    assert len(orders) > 15


def test_neither_policy_is_usually_first():
    first = Counter(plan.trials()[0].policy for plan in (read_plan(TWO | {'seed': seed}) for seed in range(200)))
    assert 70 < first['one'] < 130


@pytest.mark.parametrize('change, message', [
    ({'policies': None}, 'policies'), ({'tasks': {}}, 'tasks'), ({'task': 'plate'}, 'unknown entry task'),
    ({'tasks': {'plate': {'first': 1, 'count': 0}}}, 'from 0 and from 1'),
    ({'tasks': {'plate': [1, 2]}}, "task 'plate'"),
    ({'seed': 'x'}, "seed 'x'"), ({'blind': 1}, 'blind 1'),
], ids=['policies', 'tasks', 'unknown', 'count', 'list', 'seed', 'blind'])
def test_what_is_no_session_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        read_plan(TWO | change)
