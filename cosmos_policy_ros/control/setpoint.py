"""One row for the safety supervisor."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Setpoint:
    """Where the arms should be at ``target_time``.

    ``source`` must hold authority, ``epoch`` be the current one, ``sequence`` rise with every row. ``target_time`` is
    in s on the caller's clock. ``positions`` (14,): rad, grippers as normalised commands. Not validated here: the
    supervisor refuses what is wrong and names it.
    """

    source: str
    epoch: int
    sequence: int
    target_time: float
    positions: np.ndarray
