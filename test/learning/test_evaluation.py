"""Lock-step evaluation: reproducible from the seed, honest in its interval, and supervised all the way."""
from dataclasses import replace

import pytest

from cosmos_policy_ros.bringup.share import config_file, default_checkpoint
from cosmos_policy_ros.learning.evaluation import EvaluationSettings, Evaluator, evaluate, make_backend, summarise
from cosmos_policy_ros.learning.pool import run_jobs
from cosmos_policy_ros.learning.statistics import wilson
from cosmos_policy_ros.policy.planning.settings import PlanSettings

SHORT = EvaluationSettings(checkpoint=str(default_checkpoint()), task='plate', safety=str(config_file('safety.yaml')),
                           limit=2.4, denoising_steps=1, width=320, height=240)


def test_wilson_interval_against_published_values():
    """Newcombe 1998, table I, method 3: 81 of 263, and the edges 0 of 20 and 1 of 29."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_the_same_seed_gives_the_same_episode():
    """Only the wall time of the inferences may differ between two runs."""
    first, second = (list(evaluate(SHORT, [1000, 1001])) for _ in range(2))
    assert first == second
    assert first[0] != first[1]
    assert [result.rows for result in first] == [60, 60]
    assert all(result.chunks == 3 and result.pauses == 0 for result in first)


def test_a_late_chunk_is_a_stop_not_a_jump():
    """The arms stood while the first one was inferred, so all of it is played; the second finds them stopped."""
    result, = evaluate(replace(SHORT, latency=3.0, limit=8.0), [1000])
    assert result.outcome == 'stopped' and result.causes[0].startswith('rows stopped coming')
    assert result.rows == 50 and not result.success


def test_planning_with_one_candidate_is_direct_and_disturbances_change_the_episode():
    direct, = evaluate(SHORT, [1000])
    joint = PlanSettings(candidates=1, mode='joint', action_steps=1)
    planned, = evaluate(replace(SHORT, plan=joint), [1000])
    assert planned == direct
    disturbed, again = (next(iter(evaluate(replace(SHORT, conditions='hard'), [1000]))) for _ in range(2))
    assert disturbed == again != direct and disturbed.refused == 0


def test_one_model_for_several_cells_gives_what_each_would_get_alone():
    """What a GPU does, on a CPU: batches of another size leave the same episode up to rounding."""
    alone = list(evaluate(SHORT, [1000, 1001]))
    shared = dict(run_jobs(make_backend(SHORT), [1000, 1001], 2, Evaluator, SHORT))
    assert sorted(shared) == [1000, 1001] and all(result.chunks == 3 for result in shared.values())
    for result in alone:
        assert shared[result.seed].value == pytest.approx(result.value, abs=1e-3)
        assert shared[result.seed].score == pytest.approx(result.score, abs=1e-2)


def test_several_cells_plan_on_one_model():
    plan = PlanSettings(candidates=2, mode='model_free', value_stage='action_value', action_steps=1)
    settings = replace(SHORT, plan=plan, limit=1.4)
    shared = dict(run_jobs(make_backend(settings), [1000, 1001], 2, Evaluator, settings))
    assert sorted(shared) == [1000, 1001] and all(result.chunks for result in shared.values())


def test_summary_counts_what_the_episodes_say():
    results = list(evaluate(SHORT, [1000]))
    summary = summarise(SHORT, results)
    assert summary['episodes'] == 1 and summary['successes'] == 0
    assert summary['interval_95'] == list(wilson(0, 1))
    assert 'inference' not in summary['outcomes'][0]
