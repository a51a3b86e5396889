"""What a checkpoint is, as one record: enough to rebuild everything but the weights."""
import math
from dataclasses import asdict, dataclass, field, fields

from ..embodiment.joints import ACTION_DIM
from .compatibility import Quirks
from .layout import ALOHA_LAYOUT, FrameLayout
from .prediction import Prediction
from .schedule import SIGMA_MAX, SIGMA_MIN, noise_levels

FORMAT = 1
"""Version of ``config.json``; raised when an older program could misread a newer file."""

ADDED = {'action_dim', 'proprio_dim', 'jpeg_quality', 'flip_images', 'quirks'}
"""Fields that a file of this format may lack: their defaults are what older programs did."""

FACTOR = 8
"""Pixels along one side of a latent cell, for the Wan VAE and the linear tokenizer alike."""

PATCH = 2
LATENT_CHANNELS = 16


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the transformer, named as ``diffusers.CosmosTransformer3DModel`` names them.

    ``rope_scale`` is in the order time, height, width. ``position_table`` adds a learned vector for every frame and
    token.
    """

    num_attention_heads: int = 4
    attention_head_dim: int = 64
    num_layers: int = 6
    mlp_ratio: float = 4.0
    text_embed_dim: int = 256
    adaln_lora_dim: int = 64
    rope_scale: tuple = (1.0, 1.0, 1.0)
    position_table: bool = True

    def __post_init__(self):
        object.__setattr__(self, 'rope_scale', tuple(self.rope_scale))


@dataclass(frozen=True)
class PolicyConfig:
    """One preset.

    action_dim, proprio_dim: numbers of one action and of the robot's state. chunk_rows: actions of one chunk.
    image_size: pixels, a multiple of 16. image_pipeline: 'box' or 'published' (see ``images``). jpeg_quality: pass
    pictures through JPEG, None for not; only in the published pipeline. flip_images: the robot's pictures come upside
    down and are turned over first. tokenizer: 'linear' or 'wan'. text_encoder: 'hashed', or 'stored' when only the
    stored instructions can be used. steps: default number of denoising steps. weights_dtype: how the weights are
    stored, 'float32', 'float16' or 'bfloat16'.
    """

    preset: str
    image_size: int
    network: NetworkConfig
    robot: str = 'aloha'
    layout: FrameLayout = field(default=ALOHA_LAYOUT)
    prediction: Prediction = Prediction.VELOCITY
    image_pipeline: str = 'box'
    tokenizer: str = 'linear'
    text_encoder: str = 'hashed'
    text_tokens: int = 32
    chunk_rows: int = 50
    steps: int = 5
    sigma_max: float = SIGMA_MAX
    sigma_min: float = SIGMA_MIN
    weights_dtype: str = 'float32'
    action_dim: int = ACTION_DIM
    proprio_dim: int = ACTION_DIM
    jpeg_quality: int = None
    flip_images: bool = False
    quirks: Quirks = Quirks()

    def __post_init__(self):
        for name, known in (('image_pipeline', ('box', 'published')), ('tokenizer', ('linear', 'wan')),
                            ('text_encoder', ('hashed', 'stored')),
                            ('weights_dtype', ('float32', 'float16', 'bfloat16'))):
            if getattr(self, name) not in known:
                raise ValueError(f'{name}: expected one of {", ".join(known)}, got {getattr(self, name)!r}')
        if self.image_size <= 0 or self.image_size % (FACTOR * PATCH):
            raise ValueError(f'image_size: expected a positive multiple of {FACTOR * PATCH} pixels, got '
                             f'{self.image_size}')
        if self.jpeg_quality is not None and (self.image_pipeline != 'published' or not 1 <= self.jpeg_quality <= 95):
            raise ValueError(f'jpeg_quality: expected 1 to 95 in the published pipeline, got {self.jpeg_quality!r} in '
                             f'{self.image_pipeline!r}')
        cells = math.prod(self.latent_shape) // len(self.layout)
        if not 0 < self.chunk_rows * self.action_dim <= cells or not 0 < self.proprio_dim <= cells:
            raise ValueError(f'a latent frame of {cells} numbers does not hold {self.chunk_rows} x {self.action_dim} '
                             f'actions or {self.proprio_dim} numbers of state; use larger images')

    @property
    def latent_shape(self):
        """(channels, frames, rows, columns) of one latent sequence."""
        side = self.image_size // FACTOR
        return LATENT_CHANNELS, len(self.layout), side, side

    def noise_levels(self, steps=None):
        """The noise level of each network call for ``steps`` denoising steps, the default number if None."""
        return noise_levels(self.steps if steps is None else steps, self.sigma_max, self.sigma_min,
                            self.quirks.two_steps_make_one)

    def to_dict(self):
        """JSON-ready form; inverse of :meth:`from_dict`."""
        wire = {'layout': list(self.layout.frames), 'prediction': self.prediction.value}
        return {'format': FORMAT} | asdict(self) | wire

    @classmethod
    def from_dict(cls, values):
        """The record of ``config.json``; ``ValueError`` for another format, unknown or missing keys or bad values."""
        values = dict(values)
        if values.pop('format', None) != FORMAT:
            raise ValueError(f'format is not {FORMAT}: written by another version of this program')
        quirks = values.get('quirks', asdict(Quirks()))
        _check_keys(cls, values, optional=ADDED)
        _check_keys(NetworkConfig, values['network'])
        _check_keys(Quirks, quirks)
        return cls(**values | {'layout': FrameLayout(tuple(values['layout'])),
                               'prediction': Prediction(values['prediction']),
                               'network': NetworkConfig(**values['network']),
                               'quirks': Quirks(**quirks)})


def _check_keys(record, values, optional=frozenset()):
    expected = {item.name for item in fields(record)}
    if not expected - optional <= set(values) <= expected:
        raise ValueError(f'keys differ from {record.__name__}: missing {sorted(expected - optional - set(values))}, '
                         f'unknown {sorted(set(values) - expected)}')
