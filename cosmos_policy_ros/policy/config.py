"""What a checkpoint is, as one record: enough to rebuild everything but the weights."""
from dataclasses import asdict, dataclass, field, fields

from .denoiser import Prediction
from .layout import ALOHA_LAYOUT, FrameLayout
from .schedule import SIGMA_MAX, SIGMA_MIN
from .tokenizer import FACTOR

FORMAT = 1
"""Version of ``config.json``; raised when an older program could misread a newer file."""

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

    image_size: pixels, a multiple of 16. image_pipeline: 'box' or 'published' (see ``images``). tokenizer: 'linear' or
    'wan'. text_encoder: 'hashed', or 'stored' when only the stored instructions can be used. steps: default number of
    denoising steps. weights_dtype: how the weights are stored, 'float32', 'float16' or 'bfloat16'.
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

    def __post_init__(self):
        for name, known in (('image_pipeline', ('box', 'published')), ('tokenizer', ('linear', 'wan')),
                            ('text_encoder', ('hashed', 'stored')),
                            ('weights_dtype', ('float32', 'float16', 'bfloat16'))):
            if getattr(self, name) not in known:
                raise ValueError(f'{name}: expected one of {", ".join(known)}, got {getattr(self, name)!r}')
        if self.image_size <= 0 or self.image_size % (FACTOR * PATCH):
            raise ValueError(f'image_size: expected a positive multiple of {FACTOR * PATCH} pixels, got '
                             f'{self.image_size}')

    @property
    def latent_shape(self):
        """(channels, frames, rows, columns) of one latent sequence."""
        side = self.image_size // FACTOR
        return LATENT_CHANNELS, len(self.layout), side, side

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
        _check_keys(cls, values)
        _check_keys(NetworkConfig, values['network'])
        return cls(**values | {'layout': FrameLayout(tuple(values['layout'])),
                               'prediction': Prediction(values['prediction']),
                               'network': NetworkConfig(**values['network'])})


def _check_keys(record, values):
    expected = {item.name for item in fields(record)}
    if set(values) != expected:
        raise ValueError(f'keys differ from {record.__name__}: missing {sorted(expected - set(values))}, '
                         f'unknown {sorted(set(values) - expected)}')
