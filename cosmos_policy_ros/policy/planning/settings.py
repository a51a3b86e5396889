"""How a planner searches, as one record, with the published settings."""
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..layout import Stage
from .aggregation import Aggregation


class Mode(Enum):
    """Which calls rank a candidate.

    JOINT: the value that the action's own sample carries. MODEL_BASED: a future predicted from the action, then its
    value. MODEL_FREE: a value of state and action, no pictures. MODEL_FREE_WITH_FUTURES: the same, and pictures.
    """

    JOINT = 'joint'
    MODEL_BASED = 'model_based'
    MODEL_FREE = 'model_free'
    MODEL_FREE_WITH_FUTURES = 'model_free_with_futures'

    @classmethod
    def from_flags(cls, future, value, q_value):
        """The mode of the published server's three ``ar_*_prediction`` flags; ``ValueError`` for those it fails on."""
        known = {(False, False, False): cls.JOINT, (True, True, False): cls.MODEL_BASED,
                 (False, False, True): cls.MODEL_FREE, (True, False, True): cls.MODEL_FREE_WITH_FUTURES}
        if (future, value, q_value) not in known:
            raise ValueError(f'ar_future={future}, ar_value={value}, ar_qvalue={q_value} leaves candidates without a '
                             f'value or a value without a future; set future and value, or q_value without value, or '
                             f'none of the three')
        return known[future, value, q_value]


class PictureAggregation(Enum):
    """Several futures of one action as one set of pictures: their mean, or the last and best denoised one."""

    AVERAGE = 'average'
    LAST = 'last'


class DepthAggregation(Enum):
    """Values along a look-ahead as one: the deepest, or their mean."""

    LAST = 'use_last_value'
    AVERAGE = 'average'


VALUE_STAGES = {
    Mode.JOINT: (Stage.VALUE, Stage.FUTURE_VALUE, Stage.ACTION_VALUE),  # never asked
    Mode.MODEL_BASED: (Stage.VALUE, Stage.FUTURE_VALUE),
    Mode.MODEL_FREE: (Stage.VALUE, Stage.ACTION_VALUE),
    Mode.MODEL_FREE_WITH_FUTURES: (Stage.VALUE, Stage.ACTION_VALUE),
}


@dataclass(frozen=True)
class PlanSettings:
    """Best of N. The defaults are those of the published server's options, not of its planning set-up (``PAPER``).

    candidates: N, each with its own seed. mode: see ``Mode``. action_steps, future_steps, value_steps: denoising steps
    of a call; with an ensemble, of its last member. future_ensemble, value_ensemble: members, 0 for a single call with
    all steps; members take 1 to all steps, evenly spread and rounded down. value_stage: ``FUTURE_VALUE`` judges by the
    future alone (the paper), ``VALUE`` by everything in the sample, ``ACTION_VALUE`` by state and action.
    value_aggregation, picture_aggregation, depth_aggregation: how members become one. threshold: a value above it votes
    for success. depth: chunks looked ahead. stale_proprio: look ahead from imagined pictures but today's joint state,
    as upstream does by mistake. max_batch: samples in one network call. action_share: share of a budget that candidates
    beyond the first two may take before the first value. Enumerations accept their wire values.

    Raises ``ValueError`` for combinations that mean nothing.
    """

    candidates: int = 1
    mode: Mode = Mode.JOINT
    action_steps: int = 10
    future_steps: int = 1
    value_steps: int = 1
    future_ensemble: int = 0
    value_ensemble: int = 0
    value_stage: Stage = Stage.VALUE
    value_aggregation: Aggregation = Aggregation.AVERAGE
    picture_aggregation: PictureAggregation = PictureAggregation.AVERAGE
    threshold: float = 0.05
    depth: int = 1
    depth_aggregation: DepthAggregation = DepthAggregation.LAST
    stale_proprio: bool = False
    max_batch: int = 8
    action_share: float = 0.5

    def __post_init__(self):
        for name, kind in (('mode', Mode), ('value_stage', Stage), ('value_aggregation', Aggregation),
                           ('picture_aggregation', PictureAggregation), ('depth_aggregation', DepthAggregation)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError:
                raise ValueError(f'{name}: expected one of {", ".join(item.value for item in kind)}, got '
                                 f'{getattr(self, name)!r}') from None
        for name, least in (('candidates', 1), ('action_steps', 1), ('future_steps', 1), ('value_steps', 1),
                            ('future_ensemble', 0), ('value_ensemble', 0), ('depth', 1), ('max_batch', 1)):
            if getattr(self, name) < least:
                raise ValueError(f'{name}: expected {least} or more, got {getattr(self, name)}')
        if not 0 <= self.threshold < 1:
            raise ValueError(f'threshold: expected 0 or more and below 1, got {self.threshold}')
        if not 0 < self.action_share <= 1:
            raise ValueError(f'action_share: expected above 0 and at most 1, got {self.action_share}')
        self._check_combination()

    def _check_combination(self):
        if self.value_stage not in VALUE_STAGES[self.mode]:
            names = ' or '.join(stage.value for stage in VALUE_STAGES[self.mode])
            raise ValueError(f'value_stage {self.value_stage.value} does not go with mode {self.mode.value}; '
                             f'set {names}')
        if self.mode is Mode.JOINT and (self.future_ensemble or self.value_ensemble):
            raise ValueError('mode joint makes no future or value calls; set future_ensemble and value_ensemble to 0')
        if self.mode is Mode.MODEL_FREE and self.future_ensemble:
            raise ValueError('mode model_free predicts no future; set future_ensemble to 0 or mode to '
                             'model_free_with_futures')
        if self.mode is Mode.MODEL_BASED and self.future_ensemble and not self.value_ensemble:
            raise ValueError('a future ensemble without a value ensemble would rank by the one-step future alone '
                             '(upstream does); set value_ensemble to 1 or more, or future_ensemble to 0')
        if self.depth > 1 and self.mode is not Mode.MODEL_BASED:
            raise ValueError(f'depth {self.depth} looks ahead from a predicted future, which mode {self.mode.value} '
                             f'does not rank by; set depth to 1 or mode to model_based')

    @property
    def future_member_steps(self):
        """Steps of each future call for one action; empty when the mode predicts none."""
        if self.mode in (Mode.JOINT, Mode.MODEL_FREE):
            return ()
        return _member_steps(self.future_steps, self.future_ensemble)

    @property
    def value_member_steps(self):
        """Steps of each value call for one future; a single 0 when the action's own sample carries the value."""
        return (0,) if self.mode is Mode.JOINT else _member_steps(self.value_steps, self.value_ensemble)

    @property
    def judged_futures(self):
        """Number of futures that values are predicted from; 1 when values do not look at predicted futures."""
        return len(self.future_member_steps) if self.mode is Mode.MODEL_BASED else 1


def _member_steps(steps, ensemble):
    return tuple(np.linspace(1, steps, ensemble).astype(int).tolist()) if ensemble else (steps,)


DEFAULTS = PlanSettings()
"""Upstream's option defaults: one candidate, judged by its own sample."""

PAPER = PlanSettings(candidates=8, mode=Mode.MODEL_BASED, future_steps=5, value_steps=5, future_ensemble=3,
                     value_ensemble=5, value_stage=Stage.FUTURE_VALUE, value_aggregation=Aggregation.MAJORITY_MEAN)
"""The published ALOHA planning: 61 network evaluations a candidate."""

DEPTH_3 = PlanSettings(candidates=8, mode=Mode.MODEL_BASED, future_steps=5, value_steps=5,
                       value_stage=Stage.FUTURE_VALUE, depth=3)
"""The published variant that looks three chunks ahead, without ensembles."""

PRESETS = {'defaults': DEFAULTS, 'paper': PAPER, 'depth_3': DEPTH_3}
