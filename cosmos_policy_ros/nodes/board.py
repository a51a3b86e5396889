"""The operator's board in RViz: a button for each control, that says why it cannot be used, and menus."""
from visualization_msgs.msg import InteractiveMarker, InteractiveMarkerControl, Marker, MenuEntry

from cosmos_policy_ros.control.operation import FAILURE_TYPES, TYPED, Control, why_not
from cosmos_policy_ros.control.playback import STEPS

from .shapes import shape

GRID = {Control.STOP: (0.0, 0.25), Control.RESET: (0.3, 0.25),
        Control.START: (-0.45, 0.05), Control.CANCEL: (-0.15, 0.05), Control.TAKE: (0.15, 0.05),
        Control.HAND_BACK: (0.45, 0.05),
        Control.SUCCESS: (-0.45, -0.15), Control.PARTIAL: (-0.15, -0.15), Control.FAILURE: (0.15, -0.15),
        Control.DISCARD: (0.45, -0.15), Control.PREPARE: (-0.15, -0.35), Control.PARK: (0.15, -0.35)}
"""m to the right of and above the middle of the board."""

TASK, TASK_PLACE = 'task', (-0.35, 0.25)
SPEED, SPEED_PLACE = 'speed', (0.55, 0.25)
SIZE, STOP_SIZE = 0.07, 0.16
GREY, RED, BLUE = (0.4, 0.4, 0.4), (0.9, 0.05, 0.05), (0.1, 0.45, 0.9)
COLOURS = {Control.STOP: RED, Control.SUCCESS: (0.1, 0.7, 0.2), Control.PARTIAL: (0.6, 0.7, 0.1),
           Control.FAILURE: (0.8, 0.5, 0.1)}
"""Of controls that can be used; the others are grey."""


class Board:
    """Lays the buttons out upright, facing the operator.

    Args:
        frame: of the markers. middle: (3,) m, the board's. tasks: names to choose from.
    """

    def __init__(self, frame, middle, tasks):
        self._frame, self._middle, self._tasks = frame, middle, tasks

    def markers(self, situation, task, speed):
        """Every ``InteractiveMarker``, for a ``Situation``, and the task and the speed that are chosen; None: as started."""
        return [*(self._control(control, why_not(control, situation)) for control in GRID),
                self._choices(TASK, f'task: {task}', TASK_PLACE, self._tasks),
                self._choices(SPEED, 'speed' if speed is None else f'speed: {speed:.0%}', SPEED_PLACE,
                              [f'{share:.0%}' for share in STEPS])]

    def control(self, name):
        """The ``Control`` of a marker, None for a menu."""
        return Control(name) if name not in (TASK, SPEED) else None

    def choice(self, name, number):
        """The task, the speed or the failure type of a menu's entry, None when there is no such entry."""
        entries = {TASK: self._tasks, SPEED: STEPS, **{control.value: FAILURE_TYPES for control in TYPED}}.get(name, ())
        return entries[number - 1] if 1 <= number <= len(entries) else None

    def _control(self, control, reason):
        rgb = GREY if reason else COLOURS.get(control, BLUE)
        size = STOP_SIZE if control is Control.STOP else SIZE
        label = control.value.replace('_', ' ').upper()
        marker = self._marker(control.value, f'{label}\n{reason}' if reason else label, GRID[control], rgb, size)
        if control in TYPED:
            self._add_menu(marker, [kind.replace('_', ' ') for kind in FAILURE_TYPES])
        return marker

    def _choices(self, name, text, place, entries):
        marker = self._marker(name, text, place, BLUE, SIZE)
        self._add_menu(marker, entries)
        return marker

    def _add_menu(self, marker, entries):
        marker.controls.append(self._way(InteractiveMarkerControl.MENU, 'menu'))
        marker.menu_entries = [MenuEntry(id=i + 1, parent_id=0, title=title, command_type=MenuEntry.FEEDBACK)
                               for i, title in enumerate(entries)]

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
