"""The record of one episode: what was run, with what, how it ended and how complete the recording is."""
import json
import math
import re
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path

from .topics import RobotTopics
from .whole_text import write_whole

RECORD_FILE, REPORT_FILE, VIDEO_FILE = 'episode.json', 'report.html', 'episode.mp4'
"""What lies beside the bag in an episode's folder."""

METADATA_FIELDS = {'checkpoint': str, 'safety_config': str, 'policy': dict, 'versions': dict, 'chunks': int,
                   'interventions': int}
"""What ``EpisodeEvent.metadata`` may give of an :class:`EpisodeRecord`, with its type."""

_ID = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,127}')


class Outcome(Enum):
    """How an episode ended; the value is the word on the wire and in files."""

    SUCCESS = 'success'          # judged successful
    FAILURE = 'failure'          # ended by itself, not successful
    TIMEOUT = 'timeout'          # reached its step limit
    STOPPED = 'stopped'          # ended by the operator or the safety supervisor
    INTERRUPTED = 'interrupted'  # never ended properly: recorder or run was cut off


@dataclass(frozen=True)
class TopicAudit:
    """How completely one topic was recorded.

    ``expected``: messages by the nominal rate, None without one. ``rate``: mean Hz. ``largest_gap``: s, None below two
    messages. ``out_of_order``: stamps below their predecessor's. ``dropped``: given up by the recorder itself, None
    when unknown.
    """

    topic: str
    type: str
    received: int
    expected: int = None
    nominal_rate: float = None
    rate: float = None
    largest_gap: float = None
    out_of_order: int = 0
    dropped: int = None


@dataclass(frozen=True)
class EpisodeRecord:
    """Provenance, outcome and completeness of one episode.

    ``started`` and ``ended`` are ns of the recorder's ROS clock (simulated time under ``use_sim_time``);
    ``recorded_at`` is the wall time in ISO 8601. ``score`` is 0 to 1, None when not judged. ``checkpoint`` and
    ``safety_config`` are hashes. ``policy``, ``versions`` and ``extra`` are JSON objects. ``steps`` and
    ``chunks`` are None until the end. ``interventions``: rows that the supervisor clamped or refused; ``takeovers``: times that
    an operator took the arms from the policy. ``reason`` says why an episode was interrupted.
    """

    id: str
    task: str
    instruction: str
    seed: int
    started: int
    recorded_at: str
    outcome: Outcome = Outcome.INTERRUPTED
    score: float = None
    steps: int = None
    chunks: int = None
    interventions: int = 0
    takeovers: int = 0
    ended: int = None
    reason: str = ''
    note: str = ''
    checkpoint: str = ''
    safety_config: str = ''
    policy: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)
    robot: RobotTopics = RobotTopics()
    topics: tuple = ()

    def __post_init__(self):
        if not _ID.fullmatch(self.id):
            raise ValueError(f'episode id {self.id!r} cannot name a folder; use letters, digits, ".", "_" and "-", '
                             'beginning with a letter or digit, at most 128')

    @property
    def duration(self):
        """Seconds from begin to end on the recorder's clock; None while it runs."""
        return None if self.ended is None else (self.ended - self.started) * 1e-9

    def with_metadata(self, text):
        """This record with the JSON object of an ``EpisodeEvent.metadata`` merged in; '' changes nothing.

        The keys in ``METADATA_FIELDS`` go to the fields of that name, others to ``extra``.

        Raises:
            ValueError: not a JSON object, or a field of the wrong type.
        """
        if not text:
            return self
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f'episode metadata is not JSON: {error}') from None
        if not isinstance(given, dict):
            raise ValueError(f'episode metadata: expected a JSON object, got {type(given).__name__}')
        named = {}
        for key, wanted in METADATA_FIELDS.items():
            if key in given:
                value = given.pop(key)
                if not isinstance(value, wanted):
                    raise ValueError(f'episode metadata: {key} must be of type {wanted.__name__}, got {value!r}')
                named[key] = {**getattr(self, key), **value} if wanted is dict else value
        return replace(self, **named, extra={**self.extra, **given})

    def to_json(self, indent=None):
        """The record as JSON text."""
        data = asdict(self)
        data['outcome'] = self.outcome.value
        data['score'] = None if self.score is None or math.isnan(self.score) else self.score
        return json.dumps(data, indent=indent)

    @classmethod
    def from_json(cls, text):
        """The record from :meth:`to_json`'s text."""
        data = json.loads(text)
        return cls(**{**data, 'outcome': Outcome(data['outcome']), 'robot': RobotTopics(**data['robot']),
                      'topics': tuple(TopicAudit(**topic) for topic in data['topics'])})

    def save(self, folder):
        """Write ``episode.json`` into an episode's folder, in one step."""
        write_whole(Path(folder, RECORD_FILE), self.to_json(indent=2))

    @classmethod
    def load(cls, folder):
        """Read ``episode.json`` of an episode's folder."""
        return cls.from_json(Path(folder, RECORD_FILE).read_text(encoding='utf-8'))
