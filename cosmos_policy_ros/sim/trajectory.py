"""The driver's way with ``commands/joint_trajectory``: points are sent by a timer that loses whole seconds."""


class Trajectory:
    """One accepted trajectory. The first point is never sent: it only has to be where the joints are.

    The driver waits between two points for the difference of the nanosecond parts of their times, in unsigned
    arithmetic of 32 bits: where points cross a whole second it stops for up to 4.3 s.

    Args:
        kind, name: what it moves. points: [(s, ns, positions)]. now: s.
    """

    def __init__(self, kind, name, points, now):
        self.kind, self.name = kind, name
        self._next, self._rest = now, list(zip(points, points[1:]))
        self._over = False

    @property
    def ended(self):
        """Whether the pause after the last point is over too."""
        return self._over

    def due(self, now):
        """Yield the positions of the points that are due at ``now`` (s)."""
        while not self._over and now >= self._next:
            if not self._rest:
                self._over = True
                return
            (_, before, _), (_, after, positions) = self._rest.pop(0)
            self._next += (after - before) % 2 ** 32 * 1e-9
            yield positions
