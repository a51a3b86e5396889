"""The published training loss: noise levels, questions, weighting; with the additions that a small network needs."""
import math
from dataclasses import dataclass

import torch

from ..embodiment.joints import ACTION_DIM
from ..policy.denoiser import denoise
from ..policy.latent_frame import tile
from ..policy.layout import ACTION, FUTURE, PROPRIO, Stage
from .returns import Reward

QUESTIONS = (Stage.POLICY, Stage.WORLD_MODEL)
"""The first two questions of a batch; the third is the configured value question."""


@dataclass(frozen=True)
class ObjectiveConfig:
    """Fields with the published ALOHA values as defaults.

    questions: share of policy, world-model and value samples. value_stage: VALUE, or FUTURE_VALUE as in the planning
    model and ACTION_VALUE in its model-free variant, where value samples count on the value frame only. reward: see
    ``Reward``. successes: share of successful episodes among world-model and value samples when there are failed ones.
    action_weight: of the action frame; the others weigh 1. latent_noise:
    standard deviation added to conditioning pictures, latent units; proprio_noise: to the conditioning joint states,
    rad. discount: of the value target, per row.
    """

    questions: tuple = (0.5, 0.25, 0.25)
    value_stage: Stage = Stage.VALUE
    reward: Reward = Reward.SCORE
    successes: float = 0.5
    action_weight: float = 1.0
    latent_noise: float = 0.0
    proprio_noise: float = 0.0
    discount: float = 0.998

    def __post_init__(self):
        if len(self.questions) != 3 or min(self.questions) < 0 or abs(sum(self.questions) - 1) > 1e-9:
            raise ValueError(f'questions: expected three shares that sum to 1, got {self.questions}')


def noise_sigmas(count, frames, device):
    """(count,) noise levels: 70 % exp(N(ln 4, 1.2)), 30 % U(1, 85), times sqrt(frames)."""
    lognormal = torch.exp(math.log(4) + 1.2 * torch.randn(count, device=device))
    uniform = 1 + 84 * torch.rand(count, device=device)
    return torch.where(torch.rand(count, device=device) < 0.7, lognormal, uniform) * math.sqrt(frames)


def draw_samples(count, pools, config, device):
    """Sample numbers and questions of a batch, without a look at the host.

    Policy samples are of demonstrations, world-model and value samples of rollouts, successes and failures as
    ``config.successes`` says. What is missing is stood in for as published: without rollouts demonstrations are taken for
    successful ones, without demonstrations the other way round, and an empty pool leaves its share to the other.

    Args:
        pools: ``Pools``, in the order of the sample table.

    Returns:
        (index (count,) int64, question (count,) int64 with 0 policy, 1 world model, 2 value).
    """
    ranges = [(0, pools.demonstrations), (pools.demonstrations, pools.successes),
              (pools.demonstrations + pools.successes, pools.failures)]
    shown = ranges[0] if pools.demonstrations else ranges[1]
    succeeded = ranges[1] if pools.successes else ranges[0]
    policy, world, _ = config.questions
    if not shown[1]:
        policy, world = 0.0, world / max(1 - policy, 1e-9)
    share = 1.0 if not pools.failures else 0.0 if not succeeded[1] else config.successes
    u = torch.rand(4, count, device=device)
    question = (u[0] >= policy).long() + (u[0] >= policy + world).long()
    success = u[1] < share
    first, size = (torch.where(question == 0, shown[i], torch.where(success, succeeded[i], ranges[2][i]))
                   for i in range(2))
    return first + torch.minimum((u[2].double() * size).long(), size - 1), question


class Objective:
    """The loss of a batch of clean sequences, for one layout and one network output."""

    def __init__(self, policy, config, proprio_span, device):
        """policy: ``PolicyConfig``. proprio_span: (14,) rad, full range of each joint in the statistics."""
        layout = policy.layout
        self.prediction, self.config = policy.prediction, config
        frames = len(layout)
        stages = (*QUESTIONS, config.value_stage)
        self.masks = torch.tensor([layout.mask(stage).tolist() for stage in stages], device=device)
        weights = torch.ones(3, frames)
        weights[:, layout.index(ACTION)] = config.action_weight
        if config.value_stage is not Stage.VALUE:
            weights[2, :-1] = 0
        self.weights = weights.to(device)
        pictures = torch.zeros(frames)
        pictures[[*layout.image_frames, *layout.future_image_frames]] = config.latent_noise
        self.picture_noise = pictures.to(device)[None, None, :, None, None]
        self.proprio_frames = (layout.index(PROPRIO), layout.index(FUTURE + PROPRIO))
        spans = torch.as_tensor(proprio_span, dtype=torch.float32)
        self.proprio_noise = torch.where(spans > 0, 2 * config.proprio_noise / spans.clamp_min(1e-9), 0.0).to(device)

    def __call__(self, network, clean, question, text):
        """Loss of one batch.

        Args:
            network: a ``CosmosPolicyTransformer`` (or its compiled form). clean: (B, 16, T, h, w) float32.
            question: (B,) int64. text: the batch's ``TextContext``.

        Returns:
            (loss, per-frame mean squared error (T,), detached, over the frames that were predicted).
        """
        batch, _, frames = clean.shape[:3]
        sigma = noise_sigmas(batch, frames, clean.device)
        x = clean + sigma[:, None, None, None, None] * torch.randn_like(clean)
        mask = self.masks[question]
        estimate = denoise(network, x, sigma, self._disturbed(clean), mask, text, self.prediction)
        free = ~mask
        error = (clean - estimate).square().mean((1, 3, 4)) * free
        weight = self.weights[question] * ((1 + sigma) / sigma).square()[:, None]
        return 10 * (error * weight).mean(), (error.sum(0) / free.sum(0).clamp_min(1)).detach()

    def _disturbed(self, clean):
        """Conditioning content, read where a mask is set: the clean sequence, noise on pictures and joint states."""
        if not (self.config.latent_noise or self.config.proprio_noise):
            return clean
        content = clean + self.picture_noise * torch.randn_like(clean)
        shape = (clean.shape[1], *clean.shape[3:])
        for frame in self.proprio_frames:
            noise = torch.randn(clean.shape[0], ACTION_DIM, device=clean.device) * self.proprio_noise
            content[:, :, frame] = clean[:, :, frame] + tile(noise, shape)
        return content
