"""A handle on each hand for RViz: rings and arrows to drag it by, and a menu for its gripper."""
from geometry_msgs.msg import Pose
from visualization_msgs.msg import InteractiveMarker, InteractiveMarkerControl, Marker, MenuEntry

from cosmos_policy_ros.embodiment.inverse_kinematics import pose_of
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.rotations import matrix_of_quaternion, quaternion_of_matrix

from .shapes import shape

SIZE = 0.18
IDLE, OURS = (0.5, 0.5, 0.55), (0.1, 0.6, 0.9)
"""Colours of a hand while somebody else has the arms, and while the handles have them."""

OPEN, CLOSE, HAND_BACK = 'open the gripper', 'close the gripper', 'hand the arms back'
ENTRIES = (OPEN, CLOSE, HAND_BACK)

AXES = {'x': (1.0, 1.0, 0.0, 0.0), 'y': (1.0, 0.0, 0.0, 1.0), 'z': (1.0, 0.0, 1.0, 0.0)}
"""w, x, y, z (each to be divided by the square root of 2) that take RViz's arrow, which lies along x, to each axis."""


def pose_message(pose):
    """``geometry_msgs/Pose`` of (4, 4)."""
    message = Pose()
    p, o = message.position, message.orientation
    p.x, p.y, p.z = map(float, pose[:3, 3])
    o.x, o.y, o.z, o.w = map(float, quaternion_of_matrix(pose[:3, :3]))
    return message


def pose_matrix(message):
    """(4, 4) of a ``geometry_msgs/Pose``.

    Raises:
        ValueError: its orientation is none.
    """
    p, o = message.position, message.orientation
    return pose_of(matrix_of_quaternion((o.x, o.y, o.z, o.w)), (p.x, p.y, p.z))


def name_of(side):
    """Name of an arm's handle."""
    return f'{side.value}_hand'


def side_of(name):
    """The arm whose handle is called so."""
    return next(side for side in SIDES if name_of(side) == name)


def entry_of(number):
    """The menu entry with this id, '' when there is none."""
    return ENTRIES[number - 1] if 1 <= number <= len(ENTRIES) else ''


def handle(side, pose, frame, ours, text):
    """``InteractiveMarker`` at the grasp point's ``pose`` (4, 4) in ``frame``; ``ours``: the handles have the arms."""
    marker = InteractiveMarker(name=name_of(side), description=text, scale=SIZE, pose=pose_message(pose))
    marker.header.frame_id = frame
    marker.menu_entries = [MenuEntry(id=i + 1, parent_id=0, title=title, command_type=MenuEntry.FEEDBACK)
                           for i, title in enumerate(ENTRIES)]
    body = InteractiveMarkerControl(name='menu', interaction_mode=InteractiveMarkerControl.MENU, always_visible=True)
    body.orientation.w = 1.0
    body.markers = [shape(marker.name, Marker.CUBE, (0.04, 0.08, 0.03), OURS if ours else IDLE, 0.8)]
    marker.controls = [body, *(_way(kind, axis) for axis in AXES for kind in ('move', 'rotate'))]
    return marker


def _way(kind, axis):
    mode = InteractiveMarkerControl.MOVE_AXIS if kind == 'move' else InteractiveMarkerControl.ROTATE_AXIS
    way = InteractiveMarkerControl(name=f'{kind}_{axis}', interaction_mode=mode)
    o = way.orientation
    o.w, o.x, o.y, o.z = (value / 2 ** 0.5 for value in AXES[axis])
    return way
