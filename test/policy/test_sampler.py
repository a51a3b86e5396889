"""Noise, schedule and solver against golden values of the published implementation."""
import hashlib

import numpy as np
import pytest
import torch

from cosmos_policy_ros.policy.denoiser import Prediction, denoise
from cosmos_policy_ros.policy.noise import start_noise
from cosmos_policy_ros.policy.sampler import sample
from cosmos_policy_ros.policy.schedule import noise_levels

SHAPE = (16, 11, 28, 28)


@pytest.mark.parametrize('seed, first, digest', [
    (195, (.96968484, -1.8599659, -1.3648067, .60063183), 'f58936d4ead48bb3'),
    (196, (.7187352, 1.7467946, -2.602218, .20603558), 'd2046d45b31322cc'),
    (1, (1.6243454, -.6117564, -.5281718, -1.0729686), 'b5463c5080bf83c1')])
def test_noise_of_a_seed_is_the_published_one(seed, first, digest):
    noise = start_noise([seed], SHAPE).numpy()
    assert noise.reshape(-1)[:4] == pytest.approx(np.float32(first), rel=1e-6)
    assert hashlib.sha256(noise.tobytes()).hexdigest()[:16] == digest


def test_a_seed_means_the_same_alone_and_in_a_batch():
    assert torch.equal(start_noise([7, 8, 9], (16, 11, 8, 8))[1:2], start_noise([8], (16, 11, 8, 8)))


@pytest.mark.parametrize('steps, levels', [
    (1, [80]), (2, [80]), (3, [80, 20.972449, 4]), (4, [80, 33.734031, 12.594665, 4]),
    (5, [80, 42.291121, 20.972449, 9.618251, 4]),
    (10, [80, 60.694661, 45.528566, 33.734031, 24.661777, 17.766673, 12.594665, 8.770853, 5.988652, 4])])
def test_noise_levels_are_the_published_ones(steps, levels):
    assert noise_levels(steps) == pytest.approx(levels, abs=5e-7)


def test_no_steps_is_refused():
    with pytest.raises(ValueError, match='1 or more'):
        noise_levels(0)


@pytest.mark.parametrize('steps, calls, result', [
    (1, 1, -.31574787), (2, 1, -.31574787), (3, 3, .26562540), (5, 5, .26702666), (10, 10, .26725429)])
def test_solver_reproduces_the_golden_scalar_and_number_of_calls(steps, calls, result):
    seen = []

    def estimate(x, sigma):
        seen.append(sigma)
        return 0.3 - 0.01 * x.double() + 0.002 * sigma

    start = torch.tensor([.96968484], dtype=torch.float64)
    assert sample(estimate, start, noise_levels(steps)).item() == pytest.approx(result, abs=2e-7)
    assert len(seen) == calls


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
