"""A client of interactive markers that does what RViz's stock display does."""
import numpy as np
from graph_probe import wait
from rclpy.qos import QoSProfile
from visualization_msgs.msg import InteractiveMarkerFeedback, InteractiveMarkerUpdate
from visualization_msgs.srv import GetInteractiveMarkers

from cosmos_policy_ros.nodes.handles import pose_matrix, pose_message

QUEUE = QoSProfile(depth=100)


class RvizClient:
    """Asks for the markers, follows the updates, sends what a mouse does.

    ``markers``: {name: InteractiveMarker} as shown. ``gaps``: updates that were missed.
    """

    def __init__(self, probe, namespace, client='rviz'):
        self._probe, self._namespace, self._client = probe, namespace, client
        self.markers, self._sequence, self.gaps = {}, None, 0
        updates = probe.listen(InteractiveMarkerUpdate, f'{namespace}/update', self._on_update, QUEUE)
        self._feedback = probe.publisher(InteractiveMarkerFeedback, f'{namespace}/feedback', QUEUE)
        wait(lambda: self._feedback.get_subscription_count() and updates.get_publisher_count(), namespace)
        wait(self._ask, f'markers of {namespace}')

    def _ask(self):
        """Whether there are markers; whatever changes from here on comes as an update."""
        reply = self._probe.call(GetInteractiveMarkers, f'{self._namespace}/get_interactive_markers')
        self.markers = {marker.name: marker for marker in reply.markers}
        self._sequence = reply.sequence_number
        return self.markers

    def _on_update(self, update):
        if self._sequence is None or update.seq_num <= self._sequence:
            return
        self.gaps += update.seq_num != self._sequence + 1
        self._sequence = update.seq_num
        self.markers.update({marker.name: marker for marker in update.markers})
        for moved in update.poses:
            self.markers[moved.name].pose = moved.pose

    def send(self, name, event, **changes):
        """Any feedback."""
        marker = self.markers[name]
        self._feedback.publish(InteractiveMarkerFeedback(header=marker.header, client_id=self._client, pose=changes.pop(
            'pose', marker.pose), **{'marker_name': name, 'control_name': 'click', 'event_type': event, **changes}))

    def click(self, name, **changes):
        """A click on a button, or whatever ``changes`` make of it."""
        self.send(name, changes.pop('event_type', InteractiveMarkerFeedback.BUTTON_CLICK), **changes)

    def usable(self, name):
        """Wait until the button says no reason against it, then click."""
        wait(lambda: '\n' not in self.markers[name].description, lambda: self.markers[name].description)
        self.click(name)

    def choose(self, name, title):
        """An entry of a marker's menu."""
        number = next(entry.id for entry in self.markers[name].menu_entries if entry.title == title)
        self.click(name, event_type=InteractiveMarkerFeedback.MENU_SELECT, control_name='menu', menu_entry_id=number)

    def pose(self, name):
        """(4, 4) of a marker as it is shown."""
        return pose_matrix(self.markers[name].pose)

    def grab(self, name):
        """Press the mouse on a handle."""
        self.send(name, InteractiveMarkerFeedback.MOUSE_DOWN)

    def drag(self, name, pose):
        """Hold it at ``pose`` (4, 4); RViz repeats itself, and so has the caller."""
        self.send(name, InteractiveMarkerFeedback.POSE_UPDATE, pose=pose_message(np.asarray(pose)))

    def drop(self, name):
        """Let go of the mouse."""
        self.send(name, InteractiveMarkerFeedback.MOUSE_UP)
