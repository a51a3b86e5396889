"""Per-entry statistics of a data set, under their published names, and the scaling to -1..1 built on them."""
import json
from dataclasses import asdict, dataclass, fields

import numpy as np

from .errors import CheckpointError

LEAST_SPAN = 0.05
"""rad (or gripper openings): a joint that moved less is given this range, so that its sensor noise is not blown up."""

START_TOLERANCE = 0.1
"""rad, or openings, by which a start pose may lie outside the data without a word."""


@dataclass(frozen=True)
class DatasetStatistics:
    """Actions (A,) float64 each, proprio (P,). Only minima and maxima take part in scaling; nothing is clipped."""

    actions_min: np.ndarray
    actions_max: np.ndarray
    actions_mean: np.ndarray
    actions_std: np.ndarray
    actions_median: np.ndarray
    proprio_min: np.ndarray
    proprio_max: np.ndarray
    proprio_mean: np.ndarray
    proprio_std: np.ndarray
    proprio_median: np.ndarray

    def __post_init__(self):
        for field in fields(self):
            value = np.array(getattr(self, field.name), dtype=np.float64)
            expected = np.shape(getattr(self, field.name.split('_')[0] + '_min'))
            if value.ndim != 1 or value.shape != expected or not value.size or not np.isfinite(value).all():
                raise ValueError(f'{field.name}: expected {expected} finite numbers, got shape {value.shape}')
            value.setflags(write=False)
            object.__setattr__(self, field.name, value)
        for kind in ('actions', 'proprio'):
            if (getattr(self, f'{kind}_min') > getattr(self, f'{kind}_max')).any():
                raise ValueError(f'{kind}_min is above {kind}_max')

    @property
    def action_dim(self):
        """Numbers of one action."""
        return len(self.actions_min)

    @property
    def proprio_dim(self):
        """Numbers of the robot's state."""
        return len(self.proprio_min)

    @classmethod
    def of(cls, actions, proprio):
        """Statistics of (N, A) and (N, P) rows; ranges narrower than ``LEAST_SPAN`` are widened about their middle."""
        values = {}
        for kind, rows in (('actions', np.asarray(actions, np.float64)), ('proprio', np.asarray(proprio, np.float64))):
            low, high = rows.min(0), rows.max(0)
            widen = np.maximum(LEAST_SPAN - (high - low), 0) / 2
            values |= {f'{kind}_min': low - widen, f'{kind}_max': high + widen, f'{kind}_mean': rows.mean(0),
                       f'{kind}_std': rows.std(0), f'{kind}_median': np.median(rows, 0)}
        return cls(**values)

    def scale_proprio(self, proprio):
        """(..., P) state to -1..1 over the data's range; an entry with an empty range gives 0."""
        return _scale(proprio, self.proprio_min, self.proprio_max)

    def unscale_proprio(self, scaled):
        """Inverse of :meth:`scale_proprio`, float64."""
        return _unscale(scaled, self.proprio_min, self.proprio_max)

    def scale_actions(self, actions):
        """(..., A) targets to -1..1; an entry with an empty range gives 0."""
        return _scale(actions, self.actions_min, self.actions_max)

    def unscale_actions(self, scaled):
        """(..., A) network output to targets in the data's units (ALOHA: rad, grippers 0..1), float64, not clipped."""
        return _unscale(scaled, self.actions_min, self.actions_max)

    def beyond(self, proprio):
        """(..., P) how far a state lies outside the range of the data, in the robot's units; 0 inside."""
        return np.maximum(0.0, np.maximum(self.proprio_min - proprio, proprio - self.proprio_max))

    def save(self, path):
        """Writes the published JSON: ten lists of numbers."""
        path.write_text(json.dumps({name: value.tolist() for name, value in asdict(self).items()}, indent=1))

    @classmethod
    def load(cls, path):
        """Reads :meth:`save`'s file or a published one; ``CheckpointError`` when keys or shapes are wrong."""
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise CheckpointError(f'{path}: not a set of data-set statistics ({error}); take the file that belongs to '
                                  f'this checkpoint') from error


def _scale(rows, low, high):
    span = high - low
    moving = span > 0
    return np.where(moving, 2 * (np.asarray(rows, np.float64) - low) / np.where(moving, span, 1) - 1, 0.0)


def _unscale(scaled, low, high):
    return 0.5 * (np.asarray(scaled, np.float64) + 1) * (high - low) + low
