"""Noise, schedule, solver and preconditioning; golden values are in ``golden_vectors``."""
import pytest
import torch
from diffusers import EDMDPMSolverMultistepScheduler

from cosmos_policy_ros.policy.denoiser import denoise
from cosmos_policy_ros.policy.prediction import Prediction
from cosmos_policy_ros.policy.noise import start_noise
from cosmos_policy_ros.policy.sampler import sample
from cosmos_policy_ros.policy.schedule import noise_levels


def test_a_seed_means_the_same_alone_and_in_a_batch():
    assert torch.equal(start_noise([7, 8, 9], (16, 11, 8, 8))[1:2], start_noise([8], (16, 11, 8, 8)))


def test_no_steps_is_refused():
    with pytest.raises(ValueError, match='1 or more'):
        noise_levels(0)


def test_two_steps_make_two_calls_when_the_quirk_is_off():
    assert noise_levels(2) == (80.0,)
    assert noise_levels(2, two_steps_make_one=False) == pytest.approx((80, 4))


class CleanOutput(EDMDPMSolverMultistepScheduler):
    """diffusers' second-order solver ("heun"), fed with clean estimates in place of a network's output."""

    def convert_model_output(self, model_output, sample=None):
        return model_output


@pytest.mark.parametrize('steps', [3, 4, 5, 10])
def test_solver_is_the_well_kept_one_of_diffusers(steps):
    def estimate(x, sigma):
        return torch.tanh(x / (1 + sigma)) * 0.5 + 0.1 * torch.sin(x)

    noise = start_noise([1, 2], (16, 3, 4, 4))
    scheduler = CleanOutput(sigma_min=4, sigma_max=80, sigma_data=1, rho=7, solver_order=2, solver_type='heun',
                            final_sigmas_type='zero')
    scheduler.set_timesteps(steps)
    x = noise * 80
    for time, sigma in zip(scheduler.timesteps, noise_levels(steps)):
        x = scheduler.step(estimate(x, sigma), time, x).prev_sample
    ours = sample(estimate, noise, noise_levels(steps))
    assert ((ours - x).abs().max() / x.abs().max()).item() < 1e-6


def test_conditioning_frames_reach_the_network_clean_at_time_zero_and_come_back_unchanged():
    x, clean = torch.randn(2, 16, 11, 4, 4), torch.randn(2, 16, 11, 4, 4)
    mask = torch.zeros(1, 11, dtype=torch.bool)
    mask[:, :5] = True
    sigma = torch.tensor([4.0, 80.0])
    t = (sigma / (1 + sigma))[:, None, None, None, None]
    seen = {}

    def network(latent, time, mask, text):
        seen.update(latent=latent, time=time)
        return torch.full_like(latent, 0.25)

    velocity = denoise(network, x, sigma, clean, mask, None, Prediction.VELOCITY)
    assert torch.equal(seen['latent'][:, :, :5], clean[:, :, :5])
    assert torch.allclose(seen['latent'][:, :, 5:], ((1 - t) * x)[:, :, 5:])
    assert torch.allclose(seen['time'], torch.tensor([0.8, 80 / 81]))
    assert torch.equal(velocity[:, :, :5], clean[:, :, :5])
    assert torch.allclose(velocity[:, :, 5:], ((1 - t) * x - t * 0.25)[:, :, 5:])
    direct = denoise(network, x, sigma, clean, mask, None, Prediction.CLEAN)
    assert (direct[:, :, 5:] == 0.25).all() and torch.equal(direct[:, :, :5], clean[:, :, :5])
