"""The loss is the published one: noise levels, questions, weights, and nothing learned from what was given."""
import math
from dataclasses import replace

import pytest
import torch

from cosmos_policy_ros.learning.dataset import Pools
from cosmos_policy_ros.learning.objective import Objective, ObjectiveConfig, draw_samples, noise_sigmas
from cosmos_policy_ros.learning.presets import TINY, refinement
from cosmos_policy_ros.policy.prediction import Prediction
from cosmos_policy_ros.policy.layout import Stage

SPAN = torch.full((14,), 2.0)


def test_noise_levels_have_the_published_distribution():
    torch.manual_seed(0)
    sigma = noise_sigmas(200_000, 11, 'cpu')
    assert sigma.median().item() == pytest.approx(23.4, rel=0.02)
    shares = [(sigma < 4).float().mean().item(), (sigma > 80).float().mean().item()]
    assert shares == pytest.approx([.112, .265], abs=0.005)


def drawn(pools, config=ObjectiveConfig(), count=100_000):
    """(shares of the three questions, samples of each question, index)."""
    torch.manual_seed(0)
    index, question = draw_samples(count, pools, config, 'cpu')
    return torch.bincount(question, minlength=3).div(count).tolist(), [index[question == i] for i in range(3)], index


def test_questions_come_in_the_configured_shares_and_only_demonstrations_teach_the_policy():
    shares, (policy, world, value), index = drawn(Pools(300, 300, 400), ObjectiveConfig(successes=0.25))
    assert shares == pytest.approx([.5, .25, .25], abs=0.01)
    assert len(policy.unique()) == 300 and policy.max() == 299
    for samples in (world, value):
        assert samples.min() == 300 and samples.max() == 999
        assert (samples < 600).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_the_planning_mix_is_the_published_one():
    shares, (_, world, value), _ = drawn(Pools(1000, 10, 500), refinement(Stage.FUTURE_VALUE).objective)
    assert shares == pytest.approx([.1, .45, .45], abs=0.01)
    for samples in (world, value):
        assert (samples < 1010).float().mean().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize('pools, policy_from, others_from', [
    (Pools(50), (0, 50), (0, 50)),
    (Pools(50, 30), (0, 50), (50, 80)),
    (Pools(50, 0, 20), (0, 50), (0, 70)),
    (Pools(0, 30, 20), (0, 30), (0, 50)),
], ids=['demonstrations are rollouts', 'no failures', 'no successful rollouts', 'no demonstrations'])
def test_what_is_missing_is_stood_in_for(pools, policy_from, others_from):
    shares, (policy, *others), _ = drawn(pools)
    assert shares == pytest.approx([.5, .25, .25], abs=0.01)
    assert policy.unique().tolist() == list(range(*policy_from))
    for samples in others:
        assert samples.unique().tolist() == list(range(*others_from))


def test_failures_alone_teach_futures_and_values():
    shares, _, index = drawn(Pools(0, 0, 50))
    assert shares == pytest.approx([0, .5, .5], abs=0.02) and index.max() == 49


def run(prediction, question, config=ObjectiveConfig(), answer=None):
    """(loss, frames, what the network saw, clean) of a batch of 4 with a network that answers zeros, or ``answer``."""
    torch.manual_seed(0)
    clean, seen = torch.randn(4, 16, 11, 8, 8), {}

    def network(latent, time, mask, text):
        seen.update(latent=latent, time=time, mask=mask)
        return torch.zeros_like(latent) if answer is None else answer(clean)

    objective = Objective(replace(TINY, prediction=prediction), config, SPAN, 'cpu')
    loss, frames = objective(network, clean, torch.tensor(question), None)
    return loss, frames, seen, clean


def test_the_loss_is_ten_times_the_weighted_mean_over_all_frames():
    loss, frames, seen, clean = run(Prediction.CLEAN, [0, 1, 2, 0])
    weight = seen['time'].double() ** -2
    error = clean.double().square().mean((1, 3, 4)) * ~seen['mask']
    assert loss.item() == pytest.approx(10 * (error * weight[:, None]).mean().item(), rel=1e-5)
    assert frames[5].item() == pytest.approx(clean[[0, 3], :, 5].square().mean().item(), rel=1e-5)
    assert not frames[:5].any()


def test_a_velocity_network_has_the_plain_velocity_error():
    loss, _, seen, clean = run(Prediction.VELOCITY, [0] * 4)
    t = seen['time'][:, None, None, None, None]
    noise = (seen['latent'] - (1 - t) * clean) / t
    velocity = (noise - clean)[:, :, 5:].square().mean((1, 2, 3, 4))
    assert loss.item() == pytest.approx(10 * velocity.mean().item() * 6 / 11, rel=1e-4)


def test_a_perfect_answer_costs_nothing():
    assert run(Prediction.CLEAN, [0, 1, 2, 2], answer=lambda clean: clean)[0].item() == 0


def test_the_action_weight_counts_on_the_action_frame_only():
    plain, heavy = (run(Prediction.CLEAN, [0, 1, 2, 0], ObjectiveConfig(action_weight=w)) for w in (1.0, 3.0))
    _, _, seen, clean = plain
    action = (clean[:, :, 5].square().mean((1, 2, 3)) * seen['time'] ** -2)[[0, 3]].sum() / 44 * 10
    assert (heavy[0] - plain[0]).item() == pytest.approx(2 * action.item(), rel=1e-4)


def test_value_of_the_future_state_counts_on_the_value_frame_and_hides_the_present():
    config = ObjectiveConfig(value_stage=Stage.FUTURE_VALUE)
    loss, _, seen, clean = run(Prediction.CLEAN, [2] * 4, config)
    assert seen['mask'][0].int().tolist() == [1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    expected = (clean[:, :, 10].square().mean((1, 2, 3)) * seen['time'] ** -2).sum() / 44 * 10
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_value_of_state_and_action_counts_on_the_value_frame_and_hides_the_future():
    loss, _, seen, clean = run(Prediction.CLEAN, [2] * 4, ObjectiveConfig(value_stage=Stage.ACTION_VALUE))
    assert seen['mask'][0].int().tolist() == [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    expected = (clean[:, :, 10].square().mean((1, 2, 3)) * seen['time'] ** -2).sum() / 44 * 10
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_conditioning_noise_disturbs_pictures_and_joints_and_leaves_action_and_targets_alone():
    _, _, seen, clean = run(Prediction.CLEAN, [1, 2, 2, 2], ObjectiveConfig(latent_noise=0.1, proprio_noise=0.01))
    off = (seen['latent'] - clean)[1:]
    assert [off[:, :, f].std().item() for f in (2, 3, 4, 7, 8, 9)] == pytest.approx([0.1] * 6, rel=0.1)
    # 0.01 rad of a 2 rad range is 0.01 in scaled units; the noise is of the joint, so its copies agree.
    assert off[:, :, 1].std().item() == pytest.approx(0.01, rel=0.4)
    flat = off[:, :, 1].reshape(3, -1)
    assert (flat[:, :14] - flat[:, 14:28]).abs().max() < 1e-6
    assert not off[:, :, [0, 5]].any()


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match='sum to 1'):
        ObjectiveConfig(questions=(0.5, 0.5, 0.5))
    assert math.isclose(sum(ObjectiveConfig().questions), 1)
