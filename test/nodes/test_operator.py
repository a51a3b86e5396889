"""An operator at a panel: what is asked for is carried out without keeping the panel waiting."""
import time
from types import SimpleNamespace

import pytest
from fake_station import PATIENCE, FakeStation

from cosmos_policy_ros.control.operation import SCORES, Control
from cosmos_policy_ros.control.overview import Progress
from cosmos_policy_ros.nodes import operator as module


@pytest.fixture
def station(monkeypatch):
    monkeypatch.setattr(module, 'RELEASE_TIME', 0.01)
    return FakeStation()


def lines(operator):
    return [line for _, line in operator.said]


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_the_stop_needs_nobody(operator, station):
    station.status = None
    assert operator.do(Control.STOP) == '' and station.asked == ['press']
    assert operator.do(Control.START) and 'not heard' in lines(operator)[-1]
    assert operator.situation().pressed
    assert station.told == [('stop', '')], 'what was refused is no step'


def test_a_reset_lets_go_first_and_tells_its_blockers(operator, station):
    station.show('ESTOPPED')
    operator.do(Control.STOP)
    operator.do(Control.RESET)
    until(lambda: 'still holds: a camera' in lines(operator)[-1])
    assert station.asked == ['press', 'release', 'reset'] and not operator.situation().pressed


def test_a_reset_waits_on_the_supervisors_clock(operator, station):
    """In a simulation that is slow, a second of the wall is not the half second that the supervisor wants."""
    station.clock = lambda: 5.0
    station.show('ESTOPPED', blockers=['still holds: a stop button'])
    operator.do(Control.RESET)
    until(lambda: 'release' in station.asked)
    time.sleep(0.1)
    assert 'reset' not in station.asked
    station.clock = lambda: 6.0
    until(lambda: 'reset' in station.asked)


def test_a_reset_waits_for_nothing_that_is_not_in_the_way(operator, station):
    station.clock = lambda: 5.0
    station.show('ESTOPPED')
    operator.do(Control.RESET)
    until(lambda: 'reset' in station.asked)


def test_neither_stop_nor_reset_waits_for_bring_up(operator, station):
    station.show('READY')
    station.hang.clear()
    operator.do(Control.PARK)
    assert operator.situation().busy == 'park' and 'park is under way' in operator.do(Control.PREPARE)
    operator.do(Control.STOP)
    station.show('ESTOPPED')
    operator.do(Control.RESET)
    until(lambda: 'reset' in station.asked)
    assert operator.situation().busy == 'park'
    station.hang.set()
    until(lambda: not operator.situation().busy)
    until(lambda: lines(operator)[-1] == 'park: done')


def test_a_rollout_is_started_judged_and_reported(operator, station):
    station.show('READY')
    operator.do(Control.START)
    assert station.asked == [('plate', 7, 100, 'direct')] and operator.situation().rollout == 'starting'
    assert operator.do(Control.START) == 'a rollout is running'
    station.show('RUNNING', 'policy')
    station.feedback = SimpleNamespace(stage='run', step=25, chunks=1, value=0.4)
    assert operator.situation().rollout == 'run'
    operator.do(Control.SUCCESS)
    until(lambda: lines(operator)[-1] == 'label success: accepted')
    operator.follow()
    assert not operator.results and operator.overview().progress == Progress(25, 100, 1, (0.4,))
    station.runs[-1].result = SimpleNamespace(outcome='success', steps=60, bag='/bag', message='')
    operator.follow()
    assert operator.results == [{'outcome': 'success', 'steps': 60, 'bag': '/bag'}]
    assert lines(operator)[-1] == 'rollout: outcome=success steps=60 bag=/bag' and not operator.situation().rollout
    station.show('READY')
    operator.do(Control.START)
    assert station.asked[-1] == ('plate', 8, 100, 'direct')


@pytest.mark.parametrize('judgement, score', SCORES.items(), ids=lambda value: getattr(value, 'value', None))
def test_the_running_rollout_is_judged_and_without_one_the_episode_recorded_last(operator, station, judgement, score):
    station.show('READY')
    assert operator.do(judgement) == 'no rollout is running, and none was recorded'
    station.recorded = 'plate_6'
    assert operator.do(judgement, 'note') == ''
    until(lambda: lines(operator)[-1] == f'label {judgement.value} of plate_6: accepted')
    operator.do(Control.START)
    assert operator.do(judgement) == 'the rollout has not begun yet'
    station.feedback = SimpleNamespace(stage='run')
    operator.do(judgement)
    until(lambda: lines(operator)[-1] == f'label {judgement.value}: accepted')
    assert [asked for asked in station.asked if asked[0] == judgement.value] == [
        (judgement.value, score, 'note', 'plate_6'), (judgement.value, score, '', '')]


def test_another_rollout_under_way_is_told(operator, station):
    station.show('READY')
    operator.do(Control.START)
    station.runs[-1].advance = lambda: (_ for _ in ()).throw(RuntimeError('another rollout is running'))
    operator.follow()
    assert lines(operator)[-1] == 'another rollout is running' and not operator.situation().rollout


def test_arms_are_taken_and_given_back(operator, station):
    station.show('RUNNING', 'policy')
    operator.do(Control.TAKE)
    until(lambda: lines(operator)[-1:] == ['take: accepted'])
    station.show('RUNNING', 'teleop', 'policy')
    operator.do(Control.HAND_BACK)
    until(lambda: lines(operator)[-1] == 'hand_back: accepted')
    assert station.asked == ['/cosmos_policy/takeover'] * 2


def test_the_speed_is_set_at_the_policy_and_its_refusal_is_told(operator, station):
    station.results = [SimpleNamespace(successful=True, reason='')]
    operator.set_speed(0.5)
    until(lambda: operator.speed == 0.5)
    assert station.asked == ['/policy/set_parameters'] and 'speed: 50%' in lines(operator)[-1]
    station.results = [SimpleNamespace(successful=False, reason='not in range')]
    operator.set_speed(0.25)
    until(lambda: 'not in range' in lines(operator)[-1])
    assert operator.speed == 0.5
