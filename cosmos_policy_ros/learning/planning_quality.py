"""What limits planning: how good imagined futures are, what values know, and how much candidates differ.

Measured on chunks that were really played (``policy_pool.Branch``): several candidates from each of many states, what the
model imagined and valued of each, and what came of it in the simulator.
"""
from dataclasses import dataclass

import numpy as np
import torch

from ..embodiment.joints import ARM_INDICES
from ..policy.layout import FUTURE, PROPRIO, Stage
from ..policy.latent_frame import read_vector
from .dataset import ResidentDataset
from .returns import Reward
from .statistics import area_under_curve, rank_correlation

BATCH = 256


@dataclass(frozen=True)
class Judgement:
    """Of n samples, (n,) float64 each: ``imagined`` and ``real`` value, of the imagined future and of what came (0..1),
    ``target`` return (0..1), ``grey`` error of the imagined pictures (grey levels), ``still`` the same of a picture that
    does not change, ``proprio`` error of the imagined arm joints (rad)."""

    imagined: np.ndarray
    real: np.ndarray
    target: np.ndarray
    grey: np.ndarray
    still: np.ndarray
    proprio: np.ndarray


def played(model, episodes, discount):
    """The ``ResidentDataset`` of episodes, all of one instruction, as ``model`` (a ``CosmosPolicy``) sees them."""
    instruction, = {episode.instruction for episode in episodes}
    return ResidentDataset(episodes, model.config, model.statistics, model.tokenizer, (instruction,), discount,
                           model.device, reward=Reward.SUCCESS), instruction


@torch.inference_mode()
def judge(model, data, instruction, index, value_stage, steps=3, seed=0):
    """The ``Judgement`` of the samples ``index`` (n,) int64 of ``data``.

    value_stage: a ``Stage``; for ACTION_VALUE both values are Q(s, a). steps: denoising steps of a future and of a value.
    seed: of their noise, the same for all samples.
    """
    parts = [_judge(model, data.batch(part).clean, instruction, value_stage, steps, seed) for part in index.split(BATCH)]
    return Judgement(*(np.concatenate(column) for column in zip(*parts)))


def _judge(model, clean, instruction, value_stage, steps, seed):
    layout, seeds = model.config.layout, [seed] * len(clean)
    imagined = model.sample(Stage.WORLD_MODEL, clean, instruction, seeds, steps)
    values = [model.values(model.sample(value_stage, given, instruction, seeds, steps)) for given in (imagined, clean)]
    pictures = model.tokenizer.decode(clean, layout.future_image_frames).float()
    errors = [(shown.float() - pictures).abs().mean((1, 2, 3, 4)).double().cpu().numpy() for shown in (
        model.tokenizer.decode(imagined, layout.future_image_frames), model.tokenizer.decode(clean, layout.image_frames))]
    frame, width = layout.index(FUTURE + PROPRIO), model.config.proprio_dim
    joints = [model.statistics.unscale_proprio(read_vector(latent, frame, width).cpu().numpy())[:, list(ARM_INDICES)]
              for latent in (imagined, clean)]
    return *values, model.values(clean), *errors, np.abs(joints[0] - joints[1]).mean(1)


def limits(judgement, episodes, candidates):
    """A dictionary of what limits a choice among ``candidates`` consecutive episodes from each state.

    'spread_rad': standard deviation of the candidates' arm actions. 'score_spread': the same of the partial score that
    they reached. 'oracle_gain': mean gain of the best candidate's score over the first one's; 'imagined_gain',
    'real_gain': that of the candidate with the largest value of its imagined and its real future. 'value_spread',
    'value_between': standard deviation of the imagined value within a state, and of the states' means. 'imagined_real':
    rank correlation of both values. 'value_score': of the real value and the score. 'auc': chance that a chunk that ends
    in success is valued higher than one that does not.
    """
    def grouped(values):
        return np.asarray(values, float).reshape(-1, candidates)

    score = grouped([episode.score for episode in episodes])
    imagined, real = grouped(judgement.imagined), grouped(judgement.real)
    actions = np.stack([episode.action[:, list(ARM_INDICES)] for episode in episodes])
    actions = actions.reshape(-1, candidates, *actions.shape[1:])
    states = np.arange(len(score))

    def gain(values):
        return float((score[states, values.argmax(1)] - score[:, 0]).mean())

    return {
        'states': len(score), 'candidates': candidates,
        'spread_rad': float(actions.std(1).mean()), 'score_spread': float(score.std(1).mean()),
        'oracle_gain': gain(score), 'imagined_gain': gain(imagined), 'real_gain': gain(real),
        'value_spread': float(imagined.std(1).mean()), 'value_between': float(imagined.mean(1).std()),
        'imagined_real': rank_correlation(judgement.imagined, judgement.real),
        'imagined_real_within': rank_correlation(*(_centred(values) for values in (imagined, real))),
        'value_score': rank_correlation(judgement.real, score.ravel()),
        'value_score_within': rank_correlation(*(_centred(values) for values in (real, score))),
        'auc': area_under_curve(judgement.imagined, [episode.success for episode in episodes]),
        'grey': float(judgement.grey.mean()), 'still': float(judgement.still.mean()),
        'proprio_rad': float(judgement.proprio.mean()),
    }


def _centred(values):
    return (values - values.mean(1, keepdims=True)).ravel()


def calibration(values, targets, bins=10):
    """[(mean value, mean target, count)] of equally wide bins of values in 0..1, empty ones left out."""
    values, targets = np.asarray(values, float), np.asarray(targets, float)
    place = np.minimum((values * bins).astype(int), bins - 1)
    return [(float(values[place == number].mean()), float(targets[place == number].mean()), int((place == number).sum()))
            for number in np.unique(place)]
