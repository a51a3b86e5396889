"""The chunk of rows that one inference yields."""
from dataclasses import dataclass, field

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, CHUNK_ROWS, CONTROL_PERIOD


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """Rows of one inference; row i has the target time ``observed_at + i * period``.

    ``rows`` (50, 14) float64, read-only: rad, grippers as normalised commands. ``observed_at`` is the time (s, the
    caller's clock) of the observation. ``value`` is the predicted return, NaN when not predicted; ``latencies`` maps
    stages to s.

    Raises:
        ValueError: wrong shape, a non-finite number, or a period that is not positive.
    """

    epoch: int
    sequence: int
    observed_at: float
    rows: np.ndarray
    period: float = CONTROL_PERIOD
    source: str = 'policy'
    instruction: str = ''
    value: float = float('nan')
    seed: int = 0
    latencies: dict = field(default_factory=dict)
    planner: str = 'direct'

    def __post_init__(self):
        rows = np.array(self.rows, dtype=np.float64)
        where = f'chunk {self.sequence} of epoch {self.epoch}'
        if rows.shape != (CHUNK_ROWS, ACTION_DIM):
            raise ValueError(f'{where}: rows have shape {rows.shape}, expected ({CHUNK_ROWS}, {ACTION_DIM}); '
                             'check the action head of the checkpoint')
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            raise ValueError(f'{where}: {len(bad)} non-finite numbers, the first in row {bad[0][0]}, column '
                             f'{bad[0][1]}; drop the chunk and infer again')
        if not np.isfinite(self.observed_at):
            raise ValueError(f'{where}: observed_at is {self.observed_at}; pass the time of the observation in s')
        if not (np.isfinite(self.period) and self.period > 0):
            raise ValueError(f'{where}: period is {self.period} s; it must be positive')
        rows.setflags(write=False)
        object.__setattr__(self, 'rows', rows)

    def target_time(self, row):
        """s at which ``row`` is due."""
        return self.observed_at + row * self.period
