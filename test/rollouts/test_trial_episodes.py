"""Trials that were recorded count by their labels, and are found when nobody wrote them down."""
from dataclasses import replace

import pytest
from synthetic_episode import record_episode

from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.labels import FailureType, Label, Verdict, add_label
from cosmos_policy_ros.rollouts.trial_episodes import EPISODES, judged, unnoticed, verdicts
from cosmos_policy_ros.rollouts.trial_plan import Trial

AT = '2026-01-01T00:00:00+00:00'
TRIAL = Trial(4, 'plate', 7, 'one')


@pytest.fixture
def folder(tmp_path):
    """A session with two episodes that the simulator judged as successes."""
    for name in ('a', 'b'):
        record_episode(tmp_path / EPISODES, 0.1, name, recorded_at=AT)
    return tmp_path


def test_the_last_label_counts(folder):
    results = {1: {'episode': 'a'}, 2: {'episode': 'b'}}
    add_label(folder / EPISODES / 'b', Label(Verdict.PARTIAL, AT, 0.25, FailureType.MISSED_GRASP))
    found = judged(folder, results)
    assert [(found[n]['success'], found[n]['score']) for n in (1, 2)] == [(True, 1.0), (False, 0.25)]
    assert found[1]['inference'] == [{'images': 0.01, 'network': pytest.approx(0.2)}]
    assert verdicts(folder, results) == ([], [])


@pytest.mark.parametrize('verdict', [Verdict.DISCARD, Verdict.REDO])
def test_what_is_no_data_is_to_be_run_again(folder, verdict):
    results = {1: {'episode': 'a'}, 2: {'episode': 'b'}}
    add_label(folder / EPISODES / 'a', Label(verdict, AT))
    assert verdicts(folder, results) == ([], [1]) and list(judged(folder, results)) == [2]


def test_a_rollout_that_ended_while_nobody_wrote_is_found(folder):
    assert unnoticed(folder, TRIAL, AT, {1: {'episode': 'a'}}) == 'b'
    assert unnoticed(folder, TRIAL, AT, {1: {'episode': 'a'}, 2: {'episode': 'b'}}) is None
    assert unnoticed(folder, TRIAL, '2026-01-01T00:00:01+00:00', {}) is None, 'before the trial began'
    assert unnoticed(folder, Trial(4, 'plate', 8, 'one'), AT, {}) is None, 'another start'


def test_an_episode_that_was_cut_off_is_no_rollout(tmp_path):
    episode = record_episode(tmp_path / EPISODES, 0.1, 'a', recorded_at=AT)
    replace(EpisodeRecord.load(episode), outcome=Outcome.INTERRUPTED).save(episode)
    assert unnoticed(tmp_path, TRIAL, AT, {}) is None
