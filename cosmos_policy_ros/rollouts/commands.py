"""What was asked of the arms in an episode, by target time."""
import numpy as np

from ..embodiment.joints import ACTION_DIM
from .bag import BagReader
from .topics import SETPOINT


def read_rows(folder):
    """(n,) s and (n, 14): target times and positions of the episode's rows, and its ``EpisodeRecord``.

    Times count from the first row. Rows that the supervisor refused are among them; whoever plays them is judged again.
    """
    with BagReader(folder) as bag:
        rows = [(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9, message.positions)
                for _, _, message in bag.messages([SETPOINT])]
        record = bag.record
    times = np.array([time for time, _ in rows])
    positions = np.array([row for _, row in rows]) if rows else np.empty((0, ACTION_DIM))
    return times - times[:1].sum(), positions, record
