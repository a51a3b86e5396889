"""A fake model for planning tests, and planning written down literally as its specification says."""
from types import SimpleNamespace

import numpy as np
import torch

from cosmos_policy_ros.policy.layout import ALOHA_LAYOUT, Stage
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.planning.settings import Mode
from cosmos_policy_ros.policy.schedule import noise_levels

SHAPE = 2, len(ALOHA_LAYOUT), 2, 2
ACTION, VALUE = ALOHA_LAYOUT.index('action'), ALOHA_LAYOUT.index('value')
OBSERVATION = Observation(0.0, {name: np.zeros((16, 16, 3), np.uint8) for name in ALOHA_LAYOUT.cameras},
                          np.array([0.25, -0.5]))
TASK = 'fold the shirt'


class FakeClock:
    """Stands still unless told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class FakeModel:
    """Answers by a formula of the conditioned frames, the seed and the number of evaluations.

    bias: added to every value, so that votes can be steered. seconds: ``FakeClock`` time for one evaluation of one
    sample. runs: what was asked, as (stage, seeds, evaluations).
    """

    def __init__(self, bias=0.0, clock=None, seconds=0.0, decoding=0.0, robot='fake'):
        self.config = SimpleNamespace(robot=robot, layout=ALOHA_LAYOUT, latent_shape=SHAPE, action_dim=2, proprio_dim=2,
                                      chunk_rows=4, image_size=16, noise_levels=noise_levels)
        self.device = torch.device('cpu')
        self.instructions = (TASK, 'wave')
        self.runs = []
        self._bias = bias
        self._clock = clock
        self._seconds = seconds
        self._decoding = decoding

    def observe(self, observation):
        clean = torch.zeros(1, *SHAPE)
        clean[:, :, 1:ACTION] = torch.linspace(-1, 1, 4)[:, None, None]
        clean[:, :, 1] = float(observation.proprio.sum())
        return SimpleNamespace(clean=clean, proprio=clean[:, :, 1])

    def sample(self, stage, clean, instruction, seeds, steps):
        evaluations = len(noise_levels(steps))
        self.runs.append((stage, tuple(seeds), evaluations))
        mask = torch.from_numpy(ALOHA_LAYOUT.mask(stage))
        noise = torch.from_numpy(np.stack([np.random.RandomState(seed).standard_normal(SHAPE) for seed in seeds]))
        seen = clean[:, :, mask].double()
        weights = torch.linspace(0.3, 1.7, seen[0].numel()).reshape(seen[0].shape).double()
        level = torch.sin(7 * (seen * weights).sum((1, 2, 3, 4)) + evaluations)
        result = torch.tanh(0.6 * noise + level[:, None, None, None, None]).float()
        result[:, :, VALUE] += self._bias
        result = torch.where(mask[:, None, None], clean, result)
        if self._clock:
            self._clock.now += self._seconds * evaluations * len(seeds)
        return result

    def actions(self, latent):
        return latent[:, :, ACTION].reshape(len(latent), 4, 2).double().numpy()

    def values(self, latent):
        return ((latent[:, :, VALUE].mean((1, 2, 3)) + 1) / 2).clamp(0, 1).double().numpy()

    def future_images(self, latent, scene):
        if self._clock:
            self._clock.now += self._decoding
        return [{name: np.full((2, 2, 3), int(float(entry[0, ALOHA_LAYOUT.index('future_' + name), 0, 0]) * 100 + 128),
                               np.uint8) for name in ALOHA_LAYOUT.cameras} for entry in latent]

    def look_ahead(self, latent, scene, stale_proprio=False):
        clean = latent.clone()
        clean[:, :, 1:ACTION] = latent[:, :, ACTION + 1:VALUE]
        if stale_proprio:
            clean[:, :, 1] = scene.proprio
        return clean


def literal_steps(steps, members):
    return [int(1 + (steps - 1) * i / (members - 1)) if members > 1 else 1 for i in range(members)]


def literal_aggregate(values, scheme):
    """The four formulas of the published planning, without an opinion on a single value."""
    n, wins = len(values), [v for v in values if v > 0.05]
    mean = sum(values) / n
    if scheme == 'lcb':
        mean -= (sum((v - mean) ** 2 for v in values) / (n - 1)) ** 0.5
    elif scheme == 'success_vote':
        mean = len(wins) / n
    elif scheme == 'majority_mean':
        mean = sum(wins) / len(wins) if len(wins) / n >= 0.5 else 0.0
    return min(max(mean, 0.0), 1.0)


def literal_plan(policy, planning, settings, seed, observation=OBSERVATION, task=TASK):
    """Published best of N, one call after another: [(actions by depth, values by depth, value)], the winner's index."""
    scene = policy.observe(observation)
    results = []
    for q in range(settings.candidates):
        s = seed + q
        latent = policy.sample(Stage.POLICY, scene.clean, task, [s], settings.action_steps)
        actions, values = [policy.actions(latent)[0]], []
        futures, value = _literal_values(policy, planning, settings, latent, s, task)
        values.append(value)
        for _ in range(1, settings.depth):
            for future in futures:  # rebinding the name below leaves this iteration as it began
                clean = policy.look_ahead(future, scene, settings.stale_proprio)
                latent = policy.sample(Stage.POLICY, clean, task, [s], settings.action_steps)
                actions.append(policy.actions(latent)[0])
                futures, value = _literal_values(policy, planning, settings, latent, s, task)
                values.append(value)
        last = settings.depth_aggregation.value == 'use_last_value'
        results.append((actions, values, values[-1] if last else sum(values) / len(values)))
    best = 0
    for q, (_, _, value) in enumerate(results):
        if value > results[best][2]:
            best = q
    return results, best


def _literal_values(policy, planning, settings, latent, s, task):
    if settings.mode is Mode.JOINT:
        return [], float(policy.values(latent)[0])
    futures = [latent]
    if settings.mode is Mode.MODEL_BASED and settings.future_ensemble:
        futures = [planning.sample(Stage.WORLD_MODEL, latent, task, [s + i], steps)
                   for i, steps in enumerate(literal_steps(settings.future_steps, settings.future_ensemble))]
    elif settings.mode is Mode.MODEL_BASED:
        futures = [planning.sample(Stage.WORLD_MODEL, latent, task, [s], settings.future_steps)]
    values = []
    for future in futures:
        if settings.value_ensemble:
            for j, steps in enumerate(literal_steps(settings.value_steps, settings.value_ensemble)):
                sample = planning.sample(settings.value_stage, future, task, [s + j], steps)
                values.append(float(planning.values(sample)[0]))
        else:
            sample = planning.sample(settings.value_stage, future, task, [s], settings.value_steps)
            values.append(float(planning.values(sample)[0]))
    return futures, literal_aggregate(values, settings.value_aggregation.value) if settings.value_ensemble \
        else values[0]
