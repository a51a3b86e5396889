"""Settings of a plan are the published ones by name, and combinations that mean nothing are refused at start-up."""
import dataclasses

import pytest

from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.settings import DEFAULTS, DEPTH_3, PAPER, Mode, PlanSettings


def test_the_paper_makes_61_network_evaluations_a_candidate():
    assert PAPER.candidates == 8 and PAPER.future_member_steps == (1, 3, 5)
    assert PAPER.value_member_steps == (1, 2, 3, 4, 5)
    evaluations = (1, 1, 3, 4, 5)  # two steps are one evaluation
    assert PAPER.action_steps + sum(PAPER.future_member_steps) + PAPER.judged_futures * sum(evaluations) == 61


def test_without_an_ensemble_one_call_takes_all_steps():
    assert DEPTH_3.future_member_steps == (5,) and DEPTH_3.value_member_steps == (5,) and DEPTH_3.depth == 3


def test_upstream_defaults_judge_one_candidate_by_its_own_sample():
    assert DEFAULTS.candidates == 1 and DEFAULTS.mode is Mode.JOINT and DEFAULTS.future_member_steps == ()


@pytest.mark.parametrize('steps, members, expected', [
    (5, 3, (1, 3, 5)), (5, 5, (1, 2, 3, 4, 5)), (10, 5, (1, 3, 5, 7, 10)), (5, 4, (1, 2, 3, 5)), (1, 3, (1, 1, 1)),
    (5, 1, (1,))])
def test_members_take_evenly_spread_steps_rounded_down(steps, members, expected):
    assert dataclasses.replace(PAPER, value_steps=steps, value_ensemble=members).value_member_steps == expected


@pytest.mark.parametrize('flags, mode', [
    ((False, False, False), Mode.JOINT), ((True, True, False), Mode.MODEL_BASED),
    ((False, False, True), Mode.MODEL_FREE), ((True, False, True), Mode.MODEL_FREE_WITH_FUTURES)])
def test_the_published_flags_name_a_mode(flags, mode):
    assert Mode.from_flags(*flags) is mode


@pytest.mark.parametrize('flags', [(True, False, False), (False, True, False), (False, True, True), (True, True, True)])
def test_flags_that_fail_upstream_at_every_request_are_refused(flags):
    with pytest.raises(ValueError, match='set future and value'):
        Mode.from_flags(*flags)


def test_wire_values_stand_for_enumerations():
    settings = PlanSettings(mode='model_based', value_stage='future_value', value_aggregation='lcb')
    assert settings == PlanSettings(mode=Mode.MODEL_BASED, value_stage=Stage.FUTURE_VALUE,
                                    value_aggregation=settings.value_aggregation)
    with pytest.raises(ValueError, match='value_aggregation: expected one of average, lcb, success_vote'):
        PlanSettings(value_aggregation='median')


@pytest.mark.parametrize('base, change, message', [
    (PAPER, {'candidates': 0}, 'candidates: expected 1 or more'),
    (PAPER, {'value_steps': 0}, 'value_steps: expected 1'),
    (PAPER, {'future_ensemble': -1}, 'future_ensemble: expected 0'),
    (PAPER, {'threshold': 1.0}, 'threshold'),
    (PAPER, {'action_share': 0.0}, 'action_share'),
    (PAPER, {'value_ensemble': 0}, 'set value_ensemble to 1 or more'),
    (PAPER, {'value_stage': 'action_value'}, 'set value or future_value'),
    (PAPER, {'mode': 'model_free'}, 'set value or action_value'),
    (PAPER, {'mode': 'model_free', 'value_stage': 'action_value'}, 'set future_ensemble to 0'),
    (PAPER, {'mode': 'joint'}, 'set future_ensemble and value_ensemble to 0'),
    (DEPTH_3, {'mode': 'model_free', 'value_stage': 'action_value'}, 'set depth to 1'),
    (DEFAULTS, {'depth': 2}, 'set depth to 1')])
def test_a_meaningless_combination_says_what_to_change(base, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(base, **change)
