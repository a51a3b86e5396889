"""What the policy is about to do, as ``visualization_msgs``: the paths of both hands in a chunk, and state and values as text."""
from collections import deque

import numpy as np
from visualization_msgs.msg import Marker

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, ARM_SLICE, SIDES
from cosmos_policy_ros.embodiment.kinematics import end_effector

from .markers import colour
from .shapes import shape, stamped

NOW, LAST = (1.0, 1.0, 1.0), (0.1, 0.3, 1.0)
"""Colours of the first and the last row of a chunk."""

BEADS = 5
"""Rows from one bead to the next: 0.2 s."""

VALUES = 8
"""Chunks whose predicted values are shown."""

TEXT_POSITION, TEXT_HEIGHT = (0.0, 0.0, 0.75), 0.03
"""m, above the table; and of a line."""


class PlanMarkers:
    """Markers for one ``Envelope``, in the cell frame called ``frame``."""

    def __init__(self, envelope, frame):
        self._envelope, self._frame = envelope, frame
        self._rows, self._values = None, deque(maxlen=VALUES)

    def take(self, rows, value):
        """Show this chunk from now on: (n, 14), and its value, NaN when none was predicted.

        Rows of another shape, or that are not finite, are left out: the supervisor refuses them.
        """
        if not len(rows) or any(len(row) != ACTION_DIM or not np.isfinite(row).all() for row in rows):
            return
        self._rows = np.array(rows, dtype=float)
        if np.isfinite(value):
            self._values.append(float(value))

    def clear(self):
        """Nothing is planned."""
        self._rows = None
        self._values.clear()

    def array(self, status, stamp):
        """``MarkerArray``: paths coloured by clearance with beads coloured by time, and the text of a ``SafetyStatus``.

        A path that is no more planned is told to go.
        """
        text = shape('state', Marker.TEXT_VIEW_FACING, (0.0, 0.0, TEXT_HEIGHT), (1.0, 1.0, 1.0), 1.0, TEXT_POSITION,
                     text=state_text(status, self._values))
        paths = list(self._paths()) if self._rows is not None else [
            Marker(ns=f'{side.value} {part}', action=Marker.DELETE) for side in SIDES for part in ('path', 'beads')]
        return stamped([text, *paths], self._frame, stamp)

    def _paths(self):
        around = self._envelope.surroundings
        spare = around.spare(around.distances(self._rows))
        by_clearance = [colour(room) for room in spare]
        passed = np.linspace(0.0, 1.0, len(self._rows))[::BEADS, None]
        by_time = (1 - passed) * NOW + passed * LAST
        for side in SIDES:
            hands = end_effector(self._rows[:, ARM_SLICE[side]], self._envelope.config.cell.base(side))[:, :3, 3]
            yield shape(f'{side.value} path', Marker.LINE_STRIP, (0.006, 0.0, 0.0), NOW, 1.0, points=hands, colours=by_clearance)
            yield shape(f'{side.value} beads', Marker.SPHERE_LIST, (0.012, 0.012, 0.012), NOW, 1.0, points=hands[::BEADS],
                        colours=by_time)


def state_text(status, values):
    """What an operator has to know at a glance, a few lines: state, who moves the arms, causes with their hints, values."""
    lines = [' '.join(filter(None, [status.state_name, status.authority])) + (f'  {status.speed_scale:.0%} speed'
                                                                              if status.speed_scale < 1 else '')]
    lines += [f'{cause.text}: {cause.hint}' if cause.hint else cause.text for cause in status.causes]
    lines += [f'first: {blocker}' for blocker in status.blockers if not status.armed]
    if values:
        lines.append('value ' + ' '.join(f'{value:.2f}' for value in values))
    return '\n'.join(lines)
