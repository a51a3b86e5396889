"""Who may command: one source at a time, one epoch, rows in order and on the 25 Hz grid."""
import math

from .watchdog import ROUNDING


class Authority:
    """The lease on the arms.

    ``holder``: the source that has it, '' if none. ``origin``: from whom an operator took it, '' if from nobody.
    ``reduced``: it was given at the reduced speed. ``epoch``: rows of any other are refused. ``planned``: a chunk of this
    epoch was admitted.

    Args:
        config: ``SafetyConfig``. epoch: the last one of an earlier run.
    """

    def __init__(self, config, epoch=0):
        self._config = config
        self.withdraw()
        self.epoch = epoch
        self._begin()

    def _begin(self):
        self._sequence, self._due, self._row_at = -1, -math.inf, -math.inf
        self._stands_from = math.inf
        self.planned = False
        self.clamped_in_a_row = 0

    def grant(self, source, origin='', reduced=False):
        """``source`` has the arms from now on; the caller opens a new epoch."""
        self.holder, self.origin, self.reduced = source, origin, reduced

    def withdraw(self):
        """Nobody has the arms."""
        self.holder = self.origin = ''
        self.reduced = False

    def open_epoch(self):
        """Nothing that was inferred or sent before counts any more."""
        self.epoch += 1
        self._begin()

    def misplaced(self, setpoint, now):
        """Why a row is none of the current source, epoch and time, as (cause id, detail); None if it is."""
        config = self._config
        if not self.holder or setpoint.source != self.holder:
            return 'setpoint_source', f'{setpoint.source!r}, authority is {self.holder!r}'
        if setpoint.epoch != self.epoch:
            return 'setpoint_epoch', f'{setpoint.epoch}, current is {self.epoch}'
        age = now - setpoint.target_time
        if not -config.row_max_lead <= age <= config.row_max_age:
            return 'setpoint_stale', f'{age:.3f} s old'
        if setpoint.sequence <= self._sequence:
            return 'setpoint_sequence', f'{setpoint.sequence} after {self._sequence}'
        early = self._due + config.row_period - setpoint.target_time
        if early > config.row_slack + ROUNDING:
            return 'setpoint_sequence', f'{early:.3f} s before its place in the grid of rows'
        if self.holder in config.planned_authorities and not self.planned:
            return 'setpoint_unplanned', f'no chunk of epoch {self.epoch} was admitted'
        return None

    def take(self, setpoint, now):
        """A row of this epoch was admitted at ``now``."""
        self._sequence = setpoint.sequence
        self._due = max(setpoint.target_time, self._due + self._config.row_period)
        self._row_at = now

    def stands(self, now):
        """The arms stand, for the first time in this epoch or again."""
        self._stands_from = min(self._stands_from, now)

    def outdated(self, chunk, now):
        """Why a chunk is none of the current source, epoch and pose, as (cause id, detail); None if it is."""
        if not self.holder or chunk.source != self.holder:
            return 'setpoint_source', f'chunk of {chunk.source!r}, authority is {self.holder!r}'
        if chunk.epoch != self.epoch:
            return 'setpoint_epoch', f'chunk of {chunk.epoch}, current is {self.epoch}'
        if not self._stands_from - ROUNDING <= chunk.observed_at <= now + self._config.clock_step:
            return 'setpoint_unplanned', f'chunk inferred at {chunk.observed_at:.3f} s, before the arms stood or ahead of now'
        return None

    def silent_for(self, now):
        """s since the last row of this epoch; inf when there was none."""
        return now - self._row_at
