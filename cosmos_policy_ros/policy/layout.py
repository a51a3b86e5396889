"""Which latent frame carries what, and which frames each of the model's questions conditions on."""
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..embodiment.cameras import CAMERAS

BLANK, PROPRIO, ACTION, VALUE, FUTURE = 'blank', 'proprio', 'action', 'value', 'future_'


class Stage(Enum):
    """A question to the model; the value is its name on the wire.

    POLICY: everything from the observation. WORLD_MODEL: the future, given the action. VALUE: V(s, a, s').
    FUTURE_VALUE: V(s'). ACTION_VALUE: Q(s, a).
    """

    POLICY = 'policy'
    WORLD_MODEL = 'world_model'
    VALUE = 'value'
    FUTURE_VALUE = 'future_value'
    ACTION_VALUE = 'action_value'


@dataclass(frozen=True)
class FrameLayout:
    """The latent sequence as data: one name a frame.

    The current state comes first, then 'action', then the future state with names prefixed by 'future_', then 'value'.
    """

    frames: tuple

    def __post_init__(self):
        frames = tuple(self.frames)
        object.__setattr__(self, 'frames', frames)
        state = frames[1:frames.index(ACTION)] if ACTION in frames else ()
        mirrored = (BLANK, *state, ACTION, *(FUTURE + name for name in state), VALUE)
        if frames != mirrored or len(set(frames)) != len(frames):
            raise ValueError(f'frame layout {frames}: expected blank, the state frames, action, the same state frames '
                             f'prefixed by {FUTURE}, value; each name once')

    def __len__(self):
        return len(self.frames)

    def index(self, name):
        """Frame number of ``name``; ``ValueError`` when the layout has no such frame."""
        return self.frames.index(name)

    @property
    def cameras(self):
        """Names of the camera frames of the current state, in order."""
        return tuple(name for name in self.frames[1:self.index(ACTION)] if name != PROPRIO)

    @property
    def image_frames(self):
        """Frame numbers of the current images."""
        return tuple(self.index(name) for name in self.cameras)

    @property
    def future_image_frames(self):
        """Frame numbers of the future images."""
        return tuple(self.index(FUTURE + name) for name in self.cameras)

    @property
    def injected_frames(self):
        """Frame numbers that carry numbers in place of a picture."""
        return tuple(i for i, name in enumerate(self.frames) if name in (PROPRIO, ACTION, FUTURE + PROPRIO, VALUE))

    def mask(self, stage):
        """(frames,) bool: True where ``stage`` conditions on the frame."""
        action = self.index(ACTION)
        mask = np.zeros(len(self), dtype=bool)
        mask[:{Stage.POLICY: action, Stage.WORLD_MODEL: action + 1}.get(stage, len(self) - 1)] = True
        if stage is Stage.FUTURE_VALUE:
            mask[1:action + 1] = False
        elif stage is Stage.ACTION_VALUE:
            mask[action + 1:] = False
        return mask



def _layout(*cameras):
    state = (PROPRIO, *cameras)
    return FrameLayout((BLANK, *state, ACTION, *(FUTURE + name for name in state), VALUE))


ALOHA_LAYOUT = _layout(*CAMERAS)
"""Eleven latent frames, as the published ALOHA checkpoints were trained."""

LIBERO_LAYOUT = _layout('wrist', 'primary')
ROBOCASA_LAYOUT = _layout('wrist', 'primary', 'secondary')
"""Nine and eleven latent frames (upstream, experiments/robot/cosmos_utils.py). The primary camera of LIBERO is
'agentview'; of RoboCasa, primary and secondary are the left and the right 'agentview'."""
