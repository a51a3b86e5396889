"""What an operator can ask for, and why not now: the same in the terminal, in RViz and on every other panel."""
from dataclasses import dataclass
from enum import Enum

LATCHED = ('PROTECTIVE_STOP', 'ESTOPPED', 'FAULT')
"""States, by the names of ``SafetyStatus``, that only a reset ends."""

STATUS_SILENCE = 1.0
"""s of wall time without a safety status after which the supervisor counts as gone; a simulation on a busy machine is slow."""


FAILURE_TYPES = ('missed_grasp', 'misperception', 'runaway_motion', 'collision', 'timeout', 'operator_abort', 'other')
"""What an operator may say about a failure: it becomes the episode's note."""


class Control(Enum):
    """A button. The value is its name on the wire."""

    STOP = 'stop'            # press this panel's stop, and keep it pressed
    RESET = 'reset'          # let go of it, then reset the latch
    START = 'start'          # run a rollout
    CANCEL = 'cancel'        # end it without a judgement
    SUCCESS = 'success'      # end it with one; without a rollout it is about the episode that was recorded last
    PARTIAL = 'partial'
    FAILURE = 'failure'
    DISCARD = 'discard'      # no data
    PREPARE = 'prepare'      # arms checked, mended and at the start pose
    PARK = 'park'            # arms in the sleep pose
    TAKE = 'take'            # take the arms from the policy
    HAND_BACK = 'hand_back'  # give them back


SCORES = {Control.SUCCESS: 1.0, Control.PARTIAL: 0.5, Control.FAILURE: 0.0, Control.DISCARD: 0.0}
"""What an episode is worth by each judgement. A panel has one word for all that lies between success and failure; the
command line takes any score."""

TYPED = (Control.FAILURE, Control.PARTIAL)
"""Judgements that may say one of ``FAILURE_TYPES``."""


@dataclass(frozen=True)
class Situation:
    """What is there to be seen.

    ``state``, ``authority``, ``origin``: as in ``SafetyStatus``; ``state`` is '' before the first one. ``age``: s since the
    last. ``causes``: sentences. ``blockers``: what a reset or an arming would be refused for. ``pressed``: this panel's own stop.
    ``rollout``: stage of the rollout under way (as in ``RunRollout``), '' without one. ``busy``: operation under way, '' without one.
    ``recorded``: the episode that was recorded last, '' when none was or another one is being recorded.
    """

    state: str = ''
    authority: str = ''
    origin: str = ''
    age: float = float('inf')
    causes: tuple = ()
    blockers: tuple = ()
    pressed: bool = False
    rollout: str = ''
    busy: str = ''
    recorded: str = ''

    @property
    def heard(self):
        """Whether the supervisor is there."""
        return bool(self.state) and self.age <= STATUS_SILENCE


def why_not(control, situation):
    """Why a ``Control`` cannot be used in a ``Situation``; '' when it can. The stop always can."""
    if control is Control.STOP:
        return ''
    if not situation.heard:
        return 'the safety supervisor is not heard'
    if control is Control.CANCEL:
        return '' if situation.rollout else 'no rollout is running'
    if control in SCORES:
        if situation.rollout not in ('', 'run'):
            return 'its recording is being finished' if situation.rollout == 'close' else 'the rollout has not begun yet'
        return '' if situation.rollout or situation.recorded else 'no rollout is running, and none was recorded'
    if control is Control.RESET:
        return '' if situation.state in LATCHED or situation.pressed else 'no stop is latched'
    if control is Control.HAND_BACK:
        return '' if situation.origin else 'the arms were taken from nobody'
    if control is Control.TAKE:
        if situation.origin:
            return f'{situation.authority} has taken them already'
        return '' if situation.authority == 'policy' else 'the policy does not have the arms'
    if situation.rollout:
        return 'a rollout is running'
    if situation.busy:
        return f'{situation.busy} is under way'
    if situation.state != 'READY':
        return situation.blockers[0] if situation.blockers else f'the supervisor is {situation.state}, not READY'
    return ''
