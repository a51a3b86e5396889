"""What an operator's screen says in one line, and by which colour."""
import math

import pytest

from cosmos_policy_ros.control.operation import Situation
from cosmos_policy_ros.control.overview import LATE, Overview, Progress


@pytest.mark.parametrize('situation, mood, words', [
    (Situation(), 'lost', ['waiting']),
    (Situation('RUNNING', 'policy', age=3.0), 'lost', ['not heard', 'hardware stop']),
    (Situation('ESTOPPED', age=0.1, pressed=True), 'stopped', ['ESTOPPED', 'stop pressed here']),
    (Situation('RUNNING', 'teleop', 'policy', 0.1, rollout='run'), 'moving', ['RUNNING', 'teleop', 'taken from policy', 'run']),
    (Situation('HELD', 'policy', age=0.1), 'armed', ['HELD']),
    (Situation('READY', age=0.1, busy='park'), 'ready', ['READY', 'park']),
    (Situation('DISARMED', age=0.1), 'resting', ['DISARMED'])],
    ids=['nothing', 'silent', 'stopped', 'taken', 'held', 'busy', 'disarmed'])
def test_the_headline_says_who_has_the_arms(situation, mood, words):
    overview = Overview(situation)
    assert overview.mood == mood and all(word in overview.headline for word in words)


def test_an_input_that_is_old_or_was_never_seen_is_late():
    ages = (('left arm', 0.01), ('cam_high', LATE + 0.01), ('operator', math.inf), ('page', math.nan))
    assert Overview(ages=ages).late == ('cam_high', 'operator', 'page')


def test_progress_is_a_share_of_the_limit():
    assert [Progress(step, limit).share for step, limit in ((0, 0), (50, 200), (300, 200))] == [0.0, 0.25, 1.0]
