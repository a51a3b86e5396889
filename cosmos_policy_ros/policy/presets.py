"""The published family as records: one network, three robots."""
from .compatibility import PUBLISHED
from .config import NetworkConfig, PolicyConfig
from .layout import ALOHA_LAYOUT, LIBERO_LAYOUT, ROBOCASA_LAYOUT

COSMOS_2B = NetworkConfig(num_attention_heads=16, attention_head_dim=128, num_layers=28, text_embed_dim=1024,
                          adaln_lora_dim=256, rope_scale=(1.0, 3.0, 3.0), position_table=False)
"""Cosmos-Predict2-2B-Video2World, 1 956 413 440 parameters."""

JPEG_QUALITY = 95
"""Upstream, datasets/dataset_utils.py: the simulators' data were stored as JPEG, so live pictures pass through it."""


def _preset(robot, layout, chunk_rows, action_dim, proprio_dim, steps, **options):
    return PolicyConfig(
        preset=f'cosmos-policy-{robot}-2b', image_size=224, network=COSMOS_2B, robot=robot, layout=layout,
        image_pipeline='published', tokenizer='wan', text_encoder='stored', text_tokens=512, chunk_rows=chunk_rows,
        action_dim=action_dim, proprio_dim=proprio_dim, steps=steps, weights_dtype='bfloat16', quirks=PUBLISHED,
        **options)


# Chunks and dimensions: upstream, constants.py. Steps, JPEG and flip: upstream, LIBERO.md and ROBOCASA.md. Both
# simulators render upside down; their state is gripper (2), end-effector position (3) and quaternion (4).
_SIMULATED = {'jpeg_quality': JPEG_QUALITY, 'flip_images': True}
_PRESETS = (
    _preset('aloha', ALOHA_LAYOUT, 50, 14, 14, 10),
    _preset('libero', LIBERO_LAYOUT, 16, 7, 9, 5, **_SIMULATED),
    _preset('robocasa', ROBOCASA_LAYOUT, 32, 7, 9, 5, **_SIMULATED))


def published_presets():
    """Preset name -> ``PolicyConfig``. The ALOHA planning model has the ALOHA preset."""
    return {preset.preset: preset for preset in _PRESETS}
