"""How far what cameras and joints show departs from what the policy imagined, and what is done when that is too far.

A chunk comes with the pictures that the policy expects at its end, and it becomes rows that the arms are asked for. Pictures are
compared from the observation to the chunk's end, joints with the rows. What is normal is learnt from episodes in which nothing
happened.
"""
import json
from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from ..embodiment.joints import ARM_SLICE, SIDES

GRID = 20
"""Blocks along a side of a picture; single pixels are noise."""

WORST = 3
"""Blocks, of ``GRID ** 2``, whose mean makes a spot: a small object covers so many in the picture from above."""

SPOT_LOOKS = 4
"""Looks for which a block has to depart before it counts for a spot: an arm that passes is not there for so long."""

PHASES = 5
"""Parts of a chunk's time with a measure of their own: the further ahead, the vaguer what was imagined."""

SERVO_LAG = np.array(2 * [0.13, 0.09, 0.09, 0.09, 0.17, 0.11, 0.12])
"""(14,) s, time constants with which joints follow their rows (``servo_lag`` and ``gripper_lag`` of config/safety.yaml)."""

LASTING = 2
"""Looks in succession that have to be surprising; one may be a picture in the middle of a fast move."""

USUAL = 0.99
"""Quantile of the looks of normal episodes that makes the unit of each signal."""

SLOWED = 0.3
"""Share of the speed limits that ``Response.SLOW`` leaves."""


class Response(Enum):
    """What is done about a surprise. The value is its name in parameters."""

    OFF = 'off'        # nobody looks
    TELL = 'tell'      # it is told, nothing more
    SLOW = 'slow'      # rows are approached at ``SLOWED`` of the speed limits until it is over
    REPLAN = 'replan'  # the next chunk is asked for at once
    HOLD = 'hold'      # no row follows: the supervisor brakes, the arms stand in HELD until they are armed again


@dataclass(frozen=True, eq=False)
class Imagination:
    """What one chunk was chosen for.

    observed_at: s. horizon: s from there to the imagined pictures. seen, imagined: camera -> ``blocks`` of the picture at the
    observation and of the imagined one.
    """

    observed_at: float
    horizon: float
    seen: dict
    imagined: dict

    def slowed(self, share):
        """For a chunk that is played at a share of the speed: the same pictures, later."""
        return replace(self, horizon=self.horizon / share)


@dataclass(frozen=True)
class Surprise:
    """A look: ``level`` from 0, too far at 1 and above; ``signal`` that departed most, '' for none."""

    level: float = 0.0
    signal: str = ''

    @property
    def alarming(self):
        """Whether it is to be answered."""
        return self.level >= 1


@dataclass(frozen=True)
class Thresholds:
    """What is normal.

    scales: signal -> ``PHASES`` units, by phase; grey levels for a camera, rad for an arm; None where nothing was learnt.
    limit: units from which on a signal is a surprise. source: how it was learnt, JSON-ready.
    """

    scales: dict
    limit: float
    source: dict = field(default_factory=dict)

    def level(self, departures):
        """(level, signal) of what ``Comparison.departures`` returned: the largest one in units of ``limit``."""
        levels = [(value / (self.limit * self.scales[signal][phase]), signal)
                  for (signal, phase), value in departures.items() if self.scales.get(signal, (None,) * PHASES)[phase]]
        return max(levels, default=(0.0, ''))

    def save(self, path):
        """Write JSON."""
        path.write_text(json.dumps({'scales': self.scales, 'limit': self.limit, 'source': self.source}, indent=1) + '\n')

    @classmethod
    def load(cls, path):
        """Read ``save``'s file; ``ValueError`` when it is none, ``OSError`` when it cannot be read."""
        try:
            found = cls(**json.loads(path.read_text()))
            whole = found.limit > 0 and found.scales and all(
                len(units) == PHASES and all(unit is None or unit > 0 for unit in units) for units in found.scales.values())
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f'{path}: no thresholds of the surprise monitor ({error}); learn them again') from error
        if not whole:
            raise ValueError(f'{path}: expected a positive limit and {PHASES} positive units a signal; learn them again')
        return found


def blocks(picture):
    """(``GRID``, ``GRID``, 3) float32 mean grey levels of an (h, w, 3) uint8 picture."""
    rows, columns = (np.linspace(0, size, GRID + 1).astype(int) for size in picture.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(picture, rows[:-1], axis=0, dtype=np.float32), columns[:-1], axis=1)
    return sums / (np.diff(rows)[:, None] * np.diff(columns))[..., None]


def off_the_way(now, seen, imagined):
    """(``GRID``, ``GRID``) grey levels by which ``now`` is off the straight way from ``seen`` to ``imagined``, all ``blocks``.

    On the way a block may show any mixture of what was seen there and what is to be there.
    """
    way = imagined - seen
    length = np.maximum((way * way).sum(-1, keepdims=True), 1e-6)
    along = np.clip(((now - seen) * way).sum(-1, keepdims=True) / length, 0, 1)
    return np.linalg.norm(now - seen - along * way, axis=-1)


class Comparison:
    """Measures; whether that is much, ``Thresholds`` know. Every time is the caller's clock, s."""

    def __init__(self):
        self._imaginations = deque(maxlen=4)
        self._asked_at = self._asked = self._following = None

    def imagine(self, imagination):
        """A chunk with this ``Imagination`` is to be played."""
        self._imaginations.append((imagination, {camera: deque(maxlen=SPOT_LOOKS) for camera in imagination.imagined}))

    def ask(self, at, positions):
        """The arms are to be at ``positions`` (14,) at ``at``."""
        self._following = positions if self._asked is None else self._followed(at)
        self._asked_at, self._asked = at, positions

    def forget(self):
        """Nothing of before holds any longer."""
        self._imaginations.clear()
        self._asked_at = self._asked = self._following = None

    def departures(self, now, pictures, positions):
        """{(signal, phase): departure} of what is there ``now``.

        For each camera the mean of all blocks (its name) and a spot (name + ' spot') in grey levels, against every imagination
        that reaches so far; for each arm the joint that is furthest off where its rows should have brought it, rad. Grippers
        do not count: holding something they are not where they were told to be.

        Args:
            pictures: camera -> ``blocks`` now. positions: (14,) measured now.
        """
        found = {}
        for imagination, off in self._imaginations:
            age = now - imagination.observed_at
            if not 0 <= age <= imagination.horizon:
                continue
            phase = min(int(PHASES * age / imagination.horizon), PHASES - 1)
            for camera, imagined in imagination.imagined.items():
                off[camera].append(off_the_way(pictures[camera], imagination.seen[camera], imagined))
                lasting = np.min(off[camera], axis=0).ravel() if len(off[camera]) == SPOT_LOOKS else np.zeros(WORST)
                for signal, value in ((camera, off[camera][-1].mean()),
                                      (f'{camera} spot', np.partition(lasting, -WORST)[-WORST:].mean())):
                    found[signal, phase] = max(float(value), found.get((signal, phase), 0.0))
        if self._asked is not None:
            off = np.abs(positions - self._followed(now))
            found |= {(f'{side.value} arm', 0): float(off[ARM_SLICE[side]].max()) for side in SIDES}
        return found

    def _followed(self, now):
        """(14,) where servos of the first order are, whose goal has been the last row since it was asked for."""
        return self._following + (self._asked - self._following) * (1 - np.exp(-(now - self._asked_at) / SERVO_LAG))


class SurpriseMonitor(Comparison):
    """A ``Comparison`` that knows what is normal: ``thresholds``."""

    def __init__(self, thresholds):
        super().__init__()
        self._thresholds = thresholds
        self.forget()

    def forget(self):
        """As ``Comparison.forget``."""
        super().forget()
        self._levels = deque([0.0] * LASTING, maxlen=LASTING)

    def look(self, now, pictures, positions):
        """The ``Surprise``; arguments as for ``departures``."""
        level, signal = self._thresholds.level(self.departures(now, pictures, positions))
        self._levels.append(level)
        return Surprise(min(self._levels), signal)

    def respond(self, surprise, response, timeline):
        """Let a ``ChunkTimeline`` do what the ``Response`` to a ``Surprise`` is."""
        if response is Response.SLOW:
            timeline.slow(SLOWED if surprise.alarming else 1.0)
        elif surprise.alarming and response is Response.REPLAN:
            timeline.hurry()
            self.forget()
        elif surprise.alarming and response is Response.HOLD:
            timeline.stop()


def learn(episodes, quantile, source):
    """The ``Thresholds`` that a share ``quantile`` of normal ``episodes`` stays within from their begin to their end.

    Args:
        episodes: for each the list of what ``departures`` returned, look by look. source: see ``Thresholds``.

    Raises:
        ValueError: too few episodes to tell that quantile.
    """
    if len(episodes) * (1 - quantile) < 1:
        raise ValueError(f'{len(episodes)} normal episodes say nothing about the quantile {quantile}; '
                         f'at least {int(np.ceil(1 / (1 - quantile) - 1e-9))} are needed')
    samples = {}
    for look in (look for episode in episodes for look in episode):
        for key, value in look.items():
            samples.setdefault(key, []).append(value)
    scales = {signal: tuple(float(np.quantile(samples[signal, phase], USUAL)) or None if (signal, phase) in samples else None
                            for phase in range(PHASES)) for signal in sorted({signal for signal, _ in samples})}
    units = Thresholds(scales, 1.0)
    largest = [largest_lasting([units.level(look)[0] for look in episode]) for episode in episodes]
    return Thresholds(scales, float(np.quantile(largest, quantile, method='higher')) * (1 + 1e-6), source)


def largest_lasting(levels):
    """The largest level that lasted for ``LASTING`` looks."""
    return max((min(levels[i:i + LASTING]) for i in range(len(levels) - LASTING + 1)), default=0.0)
