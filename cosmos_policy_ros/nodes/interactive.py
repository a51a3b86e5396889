"""The server's side of RViz's interactive markers: what the stock display ``InteractiveMarkers`` shows and sends back."""
from copy import deepcopy

from rclpy.qos import QoSProfile
from visualization_msgs.msg import InteractiveMarkerFeedback, InteractiveMarkerPose, InteractiveMarkerUpdate
from visualization_msgs.srv import GetInteractiveMarkers

QUEUE = QoSProfile(depth=100)
DRAGGED = (InteractiveMarkerFeedback.MOUSE_DOWN, InteractiveMarkerFeedback.POSE_UPDATE,
           InteractiveMarkerFeedback.KEEP_ALIVE, InteractiveMarkerFeedback.MOUSE_UP)
"""Events of a marker that can be moved; all carry its pose."""


def ignored(*_):
    """For events that a server does not care about."""


class InteractiveServer:
    """Markers in a namespace, each known by its name.

    Args:
        node: serves. namespace: that RViz is told. clicked, chosen: called with a marker's name; ``chosen`` with the id of a menu
            entry, too. dragged: called with the ``InteractiveMarkerFeedback`` of a marker that is moved.
    """

    def __init__(self, node, namespace, clicked=ignored, chosen=ignored, dragged=ignored):
        self._markers, self._sequence = {}, 0
        self._clicked, self._chosen, self._dragged = clicked, chosen, dragged
        self._update = node.create_publisher(InteractiveMarkerUpdate, f'{namespace}/update', QUEUE)
        node.create_subscription(InteractiveMarkerFeedback, f'{namespace}/feedback', self._on_feedback, QUEUE)
        node.create_service(GetInteractiveMarkers, f'{namespace}/get_interactive_markers', self._on_get)

    def show(self, markers):
        """Show these; those that are shown already as they are cost nothing, those that have only moved cost little."""
        changed, moved = [], []
        for marker in markers:
            shown = self._markers.get(marker.name)
            if shown == marker:
                continue
            self._markers[marker.name] = marker
            place = deepcopy(marker)
            if shown is not None:
                place.pose = shown.pose
            if place == shown:
                moved.append(InteractiveMarkerPose(header=marker.header, pose=marker.pose, name=marker.name))
            else:
                changed.append(marker)
        if changed or moved:
            self._sequence += 1  # a client that misses a number asks for everything again
            self._update.publish(InteractiveMarkerUpdate(type=InteractiveMarkerUpdate.UPDATE, seq_num=self._sequence,
                                                         markers=changed, poses=moved))

    def _on_get(self, _, response):
        response.sequence_number, response.markers = self._sequence, list(self._markers.values())
        return response

    def _on_feedback(self, feedback):
        if feedback.marker_name not in self._markers:
            return
        if feedback.event_type == InteractiveMarkerFeedback.BUTTON_CLICK:
            self._clicked(feedback.marker_name)
        elif feedback.event_type == InteractiveMarkerFeedback.MENU_SELECT:
            self._chosen(feedback.marker_name, feedback.menu_entry_id)
        elif feedback.event_type in DRAGGED:
            self._dragged(feedback)
