"""Small presets of Cosmos Policy that learn on one GPU and run on one CPU core."""
from dataclasses import replace

from ..policy.config import NetworkConfig, PolicyConfig
from ..policy.prediction import Prediction
from .objective import ObjectiveConfig
from .returns import Reward
from .trainer import TrainingConfig


def _preset(name, image_size, heads, weights_dtype='float32'):
    return PolicyConfig(name, image_size, NetworkConfig(num_attention_heads=heads), prediction=Prediction.CLEAN,
                        weights_dtype=weights_dtype)


# 384 channels are 16 M weights; half precision keeps a checkpoint under 40 MB.
PRESETS = {preset.preset: preset for preset in (
    _preset('tiny-64', 64, 4), _preset('tiny-80', 80, 4), _preset('tiny-96', 96, 4),
    _preset('small-64', 64, 6, 'float16'), _preset('small-80', 80, 6, 'float16'),
    _preset('small-96', 96, 6, 'float16'))}
"""Name -> ``PolicyConfig``: 'tiny' is 256 channels, 'small' 384, both six blocks; the number is the picture's side."""

TINY = PRESETS['tiny-64']

TINY_TRAINING = TrainingConfig(objective=ObjectiveConfig(action_weight=3.0, latent_noise=0.1, proprio_noise=0.01,
                                                         discount=0.99))
"""How these presets are trained; set ``minutes`` or ``steps``."""


PLANNING_QUESTIONS = (0.1, 0.45, 0.45)
"""The published planning model's shares of policy, world-model and value samples."""


def refinement(value_stage):
    """``TrainingConfig`` for a planning model that goes on from a policy with its rollouts.

    The published mix of 10/45/45 % policy, world-model and value samples, half of the latter two of successes. A
    failure's partial score is worth nothing here, unlike as published: in the simulator every failure has one.
    """
    return replace(TINY_TRAINING, learning_rate=5e-4, objective=replace(
        TINY_TRAINING.objective, questions=PLANNING_QUESTIONS, value_stage=value_stage, reward=Reward.SUCCESS))
