"""An operator in a session: each start runs the next trial, and only under its own policy."""
from types import SimpleNamespace

import pytest

from cosmos_policy_ros.control.operation import Control
from cosmos_policy_ros.nodes.trial_operator import TrialOperator
from cosmos_policy_ros.rollouts.trial_log import TrialLog
from cosmos_policy_ros.rollouts.trial_plan import TrialPlan

PLAN = TrialPlan(('one', 'other'), (('plate', 1), ('candy', 2)))


class FakeStage:
    """Counts the policies that were asked for; ``there`` says whether the last one is."""

    def __init__(self):
        self.asked, self.there = [], False

    def ask(self, name):
        self.asked.append(name)
        self.there = False

    def settled(self):
        return self.there

    def mode(self, name):
        return f'mode of {name}'


@pytest.fixture
def session(station, tmp_path):
    """session(alone) gives (operator, stage, log)."""
    made = []

    def start(alone=False):
        stage, log = FakeStage(), TrialLog(tmp_path, {})
        made.append((TrialOperator(station, PLAN.trials(), log, stage, PLAN.announcement, 100, alone), stage, log))
        return made[-1]

    yield start
    for operator, _, log in made:
        operator.close()
        log.__exit__()


def play(operator, station, outcome='success', bag='/somewhere/an_episode'):
    assert operator.do(Control.START) == ''
    operator.follow()
    station.runs[-1].result = SimpleNamespace(outcome=outcome, steps=1, bag=bag, message='')
    operator.follow()


def put_in_place(operator, stage):
    stage.there = True
    operator.follow()


def test_nothing_starts_before_the_policy_is_in_place(session, station):
    operator, stage, log = session()
    assert operator.do(Control.START) == 'changing the policy is under way' and not station.runs
    put_in_place(operator, stage)
    assert list(operator.said)[-1][1].startswith('rollout 1 of 4: task ')
    play(operator, station)
    assert operator.do(Control.START) == 'changing the policy is under way' and len(station.runs) == 1


def test_a_whole_session_plays_every_trial_as_planned(session, station):
    operator, stage, log = session()
    for trial in PLAN.trials():
        assert not operator.over
        put_in_place(operator, stage)
        operator.task = 'another'  # a key chooses one, which has no meaning here
        play(operator, station, bag=f'/somewhere/episode_{trial.number}')
    assert operator.over and operator.do(Control.START) == 'the end of the session is under way'
    assert station.asked == [(trial.task, trial.start, 100, f'mode of {trial.policy}') for trial in PLAN.trials()]
    assert stage.asked == [trial.policy for trial in PLAN.trials()]
    assert {number: result['episode'] for number, result in log.results.items()} == {n: f'episode_{n}' for n in range(1, 5)}
    assert not any(policy in line for _, line in operator.said for policy in ('one', 'other'))


@pytest.mark.parametrize('outcome, bag', [('refused', ''), ('interrupted', '/somewhere/a_bag'), ('success', '')],
                         ids=['refused', 'cancelled', 'unrecorded'])
def test_what_was_no_rollout_is_run_again(session, station, outcome, bag):
    operator, stage, log = session()
    put_in_place(operator, stage)
    play(operator, station, outcome, bag)
    assert log.results == {} and 'has to be run again' in list(operator.said)[-1][1]
    play(operator, station)
    assert list(log.results) == [1] and station.asked[0] == station.asked[1]


def test_alone_it_starts_whenever_the_supervisor_is_ready(session, station):
    operator, stage, log = session(alone=True)
    station.show('ESTOPPED')
    put_in_place(operator, stage)
    operator.follow()
    assert not station.runs
    station.show('READY')
    operator.follow()
    operator.follow()
    assert len(station.runs) == 1 and not operator.stuck
    station.runs[0].result = SimpleNamespace(outcome='refused', steps=0, bag='', message='no policy')
    operator.follow()
    assert operator.stuck and 'no policy' in operator.said[-2][1]
