"""What a server says about its model, and the names that a robot's pictures have on the wire."""
from dataclasses import asdict, dataclass, fields

from ..resizing import box, published_resize

PICTURE_NAMES = {
    'aloha': (('left_wrist_image', 'future_wrist_image'), ('right_wrist_image', 'future_wrist_image2'),
              ('primary_image', 'future_image')),
    'libero': (('wrist_image', 'future_wrist_image'), ('primary_image', 'future_image')),
    'robocasa': (('wrist_image', 'future_wrist_image'), ('primary_image', 'future_image'),
                 ('secondary_image', 'future_image2')),
}
"""(name in the request, name in the reply) of every camera, in the order of the robot's frame layout.

Source: upstream, experiments/robot/cosmos_utils.py. Its server answers for ALOHA only; the other two robots use the
names that its evaluations use in process.
"""

PRESIZE = {'published': published_resize, 'box': box, 'none': lambda image, _: image}
"""How a client makes pictures small without changing what the model sees; each is the identity at its own size."""


@dataclass(frozen=True)
class ServedModel:
    """The model behind a server.

    model: name of its preset. robot: a key of ``PICTURE_NAMES``. cameras: names in the order of its frame layout.
    chunk_rows: rows of a chunk. instructions: known sentences; the model may embed others, too. presize: a key of
    ``PRESIZE``, with image_size in pixels.
    """

    model: str
    robot: str
    cameras: tuple
    proprio_dim: int
    action_dim: int
    chunk_rows: int
    instructions: tuple = ()
    presize: str = 'published'
    image_size: int = 224

    def __post_init__(self):
        object.__setattr__(self, 'cameras', tuple(self.cameras))
        object.__setattr__(self, 'instructions', tuple(self.instructions))
        if self.robot not in PICTURE_NAMES:
            raise ValueError(f'robot {self.robot!r} has no picture names on the wire; known: '
                             f'{", ".join(PICTURE_NAMES)}')
        if len(self.cameras) != len(PICTURE_NAMES[self.robot]):
            raise ValueError(f'cameras: {self.robot} has {len(PICTURE_NAMES[self.robot])}, got {len(self.cameras)}')
        if self.presize not in PRESIZE:
            raise ValueError(f'presize: expected one of {", ".join(PRESIZE)}, got {self.presize!r}')

    @classmethod
    def of(cls, config, instructions):
        """The record of a ``PolicyConfig``."""
        altered = config.flip_images or config.jpeg_quality is not None
        return cls(config.preset, config.robot, config.layout.cameras, config.proprio_dim, config.action_dim,
                   config.chunk_rows, instructions, 'none' if altered else config.image_pipeline, config.image_size)

    @property
    def request_names(self):
        """Camera name -> its key in a request."""
        return dict(zip(self.cameras, (name for name, _ in PICTURE_NAMES[self.robot])))

    @property
    def reply_names(self):
        """Camera name -> its key among the imagined pictures of a reply."""
        return dict(zip(self.cameras, (name for _, name in PICTURE_NAMES[self.robot])))

    def to_dict(self):
        """JSON-ready form; inverse of :meth:`from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        """The record in ``values``, other keys ignored; ``ValueError`` for missing or wrong ones."""
        try:
            return cls(**{item.name: values[item.name] for item in fields(cls)})
        except (KeyError, TypeError) as error:
            raise ValueError(f'not the description of a served model: {error!r}') from None
