"""The operator's board in RViz: a button for each control, that says why it cannot be used, and a menu of tasks."""
from visualization_msgs.msg import InteractiveMarker, InteractiveMarkerControl, Marker, MenuEntry

from cosmos_policy_ros.control.operation import Control, why_not

from .shapes import shape

GRID = {Control.STOP: (0.0, 0.25), Control.RESET: (0.3, 0.25),
        Control.START: (-0.45, 0.0), Control.CANCEL: (-0.15, 0.0), Control.SUCCESS: (0.15, 0.0), Control.FAILURE: (0.45, 0.0),
        Control.PREPARE: (-0.45, -0.2), Control.PARK: (-0.15, -0.2), Control.TAKE: (0.15, -0.2), Control.HAND_BACK: (0.45, -0.2)}
"""m to the right of and above the middle of the board."""

TASK, TASK_PLACE = 'task', (-0.35, 0.25)
SIZE, STOP_SIZE = 0.07, 0.16
GREY, RED, BLUE = (0.4, 0.4, 0.4), (0.9, 0.05, 0.05), (0.1, 0.45, 0.9)
COLOURS = {Control.STOP: RED, Control.SUCCESS: (0.1, 0.7, 0.2), Control.FAILURE: (0.8, 0.5, 0.1)}
"""Of controls that can be used; the others are grey."""


class Board:
    """Lays the buttons out upright, facing the operator.

    Args:
        frame: of the markers. middle: (3,) m, the board's. tasks: names to choose from.
    """

    def __init__(self, frame, middle, tasks):
        self._frame, self._middle, self._tasks = frame, middle, tasks

    def markers(self, situation, task):
        """Every ``InteractiveMarker``, for a ``Situation`` and the task that is chosen."""
        return [*(self._control(control, why_not(control, situation)) for control in GRID), self._menu(task)]

    def control(self, name):
        """The ``Control`` of a marker, None for the menu."""
        return Control(name) if name != TASK else None

    def task(self, number):
        """The task of a menu entry, None when there is no such entry."""
        return self._tasks[number - 1] if 1 <= number <= len(self._tasks) else None

    def _control(self, control, reason):
        rgb = GREY if reason else COLOURS.get(control, BLUE)
        size = STOP_SIZE if control is Control.STOP else SIZE
        label = control.value.replace('_', ' ').upper()
        return self._marker(control.value, f'{label}\n{reason}' if reason else label, GRID[control], rgb, size)

    def _menu(self, task):
        marker = self._marker(TASK, f'task: {task}', TASK_PLACE, BLUE, SIZE)
        marker.controls.append(self._way(InteractiveMarkerControl.MENU, 'menu'))
        marker.menu_entries = [MenuEntry(id=i + 1, parent_id=0, title=title, command_type=MenuEntry.FEEDBACK)
                               for i, title in enumerate(self._tasks)]
        return marker

    def _marker(self, name, text, place, rgb, size):
        marker = InteractiveMarker(name=name, description=text, scale=2 * size)
        marker.header.frame_id = self._frame
        x, y, z = self._middle
        marker.pose.position.x, marker.pose.position.y, marker.pose.position.z = x + place[0], y, z + place[1]
        marker.pose.orientation.w = 1.0
        way = self._way(InteractiveMarkerControl.BUTTON, 'click')
        way.markers = [shape(name, Marker.CUBE, (size, 0.02, size), rgb, 1.0)]
        marker.controls = [way]
        return marker

    @staticmethod
    def _way(mode, name):
        way = InteractiveMarkerControl(name=name, interaction_mode=mode, always_visible=True)
        way.orientation.w = 1.0
        return way
