"""The envelope as ``visualization_msgs``: boxes, capsules coloured by clearance, and the way that a brake would take."""
import numpy as np
from visualization_msgs.msg import Marker

from cosmos_policy_ros.embodiment.capsules import NAMES, RADII
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.kinematics import end_effector
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.surroundings import PAIRS

from .shapes import shape, stamped

GREEN, YELLOW, RED = (0.2, 0.8, 0.3), (0.95, 0.8, 0.1), (0.9, 0.1, 0.1)
NEAR = 0.05
"""m above a margin from which on a capsule turns from green over yellow to red."""

PATH_POSES = 8
_EDGES = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]


def spare_room(distances, margins):
    """(2, 10) m by which each capsule is further than its margin from whatever is nearest to its own; one row (K,) each."""
    spare = distances - margins
    pairs = spare[:PAIRS].reshape(len(NAMES), len(NAMES))
    fences = spare[PAIRS:].reshape(-1, len(SIDES), len(NAMES))
    return np.minimum(np.stack([pairs.min(axis=1), pairs.min(axis=0)]), fences.min(axis=0))


def colour(spare):
    """(3,) of a capsule with ``spare`` m above its margin."""
    share = float(np.clip(spare / NEAR, 0.0, 1.0))
    low, high, part = (RED, YELLOW, 2 * share) if share < 0.5 else (YELLOW, GREEN, 2 * share - 1)
    return tuple((1 - part) * a + part * b for a, b in zip(low, high))


class SafetyMarkers:
    """Markers for one ``Envelope``, in the cell frame called ``frame``."""

    def __init__(self, envelope, frame):
        self._envelope, self._frame = envelope, frame

    def array(self, command, velocity, stamp):
        """``MarkerArray`` for the last command and its velocity, both (14,); only the boxes when there is none."""
        config = self._envelope.config
        markers = [self._wires('workspace', config.cell.workspace_lower, config.cell.workspace_upper, (0.4, 0.6, 1.0)),
                   self._wires('walls', config.walls_lower, config.walls_upper, (0.5, 0.5, 0.5))]
        markers += [self._solid(box) for box in config.keep_out]
        if len(command):
            command, velocity = np.array(command), np.array(velocity)
            markers += [*self._capsules(command), *self._braking(command, velocity)]
        return stamped(markers, self._frame, stamp)

    def _wires(self, name, lower, upper, rgb):
        corners = np.array([np.where([i & 1, i & 2, i & 4], upper, lower) for i in range(8)], dtype=float)
        return shape(name, Marker.LINE_LIST, (0.004, 0.0, 0.0), rgb, 0.8, points=corners[np.array(_EDGES).ravel()])

    def _solid(self, box):
        lower, upper = np.array(box.lower), np.array(box.upper)
        return shape(f'keep-out {box.name}', Marker.CUBE, upper - lower, RED, 0.3, position=(lower + upper) / 2)

    def _capsules(self, command):
        around = self._envelope.surroundings
        spare = spare_room(around.distances(command[None])[0], around.margins)
        for side, segments in enumerate(around.segments(command[None])[0]):
            for i, (start, end) in enumerate(segments):
                name, rgb, width = f'{SIDES[side].value} {NAMES[i]}', colour(spare[side, i]), 2 * RADII[i]
                along = end - start
                length = float(np.linalg.norm(along))
                if length > 0:
                    yield shape(name, Marker.CYLINDER, (width, width, length), rgb, 0.6, position=(start + end) / 2,
                                  turn=_from_z(along / length))
                for point in (start, end):
                    yield shape(name, Marker.SPHERE, (width, width, width), rgb, 0.6, position=point)

    def _braking(self, command, velocity):
        brake = Brake(command, velocity, self._envelope.limits, 0.0)
        poses = brake.at(np.linspace(0.0, brake.duration, PATH_POSES)[:, None])[0]
        for i, side in enumerate(SIDES):
            hands = end_effector(poses[:, 7 * i:7 * i + 6], self._envelope.config.cell.base(side))[:, :3, 3]
            yield shape(f'{side.value} braking path', Marker.LINE_STRIP, (0.008, 0.0, 0.0), YELLOW, 1.0, points=hands)


def _from_z(direction):
    """(x, y, z, w) of the shortest turn that takes the z axis to a unit vector (3,)."""
    x, y, z = direction
    if z < -1 + 1e-9:
        return 1.0, 0.0, 0.0, 0.0
    turn = np.array([-y, x, 0.0, 1 + z])
    return turn / np.linalg.norm(turn)
