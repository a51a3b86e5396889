"""``visualization_msgs`` markers from numbers."""
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray


def shape(name, kind, scale, rgb, alpha, position=(0.0, 0.0, 0.0), turn=(0.0, 0.0, 0.0, 1.0), points=(), colours=(), text=''):
    """A ``Marker`` in the namespace ``name``.

    Args:
        kind: ``Marker.CUBE`` or another. scale: (3,) m. rgb: (3,) 0 to 1. position: (3,) m. turn: (4,) x, y, z, w.
        points: (n, 3) m, with a colour of ``colours`` (n, 3) each, or of ``rgb`` when there are none.
    """
    marker = Marker(ns=name, type=kind, action=Marker.ADD, color=_colour(rgb, alpha), text=text)
    marker.scale.x, marker.scale.y, marker.scale.z = map(float, scale)
    marker.pose.position = _point(position)
    o = marker.pose.orientation
    o.x, o.y, o.z, o.w = map(float, turn)
    marker.points = [_point(point) for point in points]
    marker.colors = [_colour(rgb, alpha) for rgb in colours]
    return marker


def stamped(markers, frame, stamp):
    """The ``MarkerArray``, all in one frame and of one moment."""
    for index, marker in enumerate(markers):
        marker.header.frame_id, marker.header.stamp, marker.id = frame, stamp, index
    return MarkerArray(markers=markers)


def _colour(rgb, alpha):
    return ColorRGBA(r=float(rgb[0]), g=float(rgb[1]), b=float(rgb[2]), a=float(alpha))


def _point(xyz):
    return Point(x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))
