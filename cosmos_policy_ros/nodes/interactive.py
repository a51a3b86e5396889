"""The server's side of RViz's interactive markers: what the stock display ``InteractiveMarkers`` shows and sends back."""
from rclpy.qos import QoSProfile
from visualization_msgs.msg import InteractiveMarkerFeedback, InteractiveMarkerUpdate
from visualization_msgs.srv import GetInteractiveMarkers

QUEUE = QoSProfile(depth=100)


class InteractiveServer:
    """Markers in a namespace, each known by its name.

    Args:
        node: serves. namespace: that RViz is told. clicked, chosen: called with a marker's name; ``chosen`` with the id of a menu
            entry, too.
    """

    def __init__(self, node, namespace, clicked, chosen):
        self._markers, self._sequence, self._clicked, self._chosen = {}, 0, clicked, chosen
        self._update = node.create_publisher(InteractiveMarkerUpdate, f'{namespace}/update', QUEUE)
        node.create_subscription(InteractiveMarkerFeedback, f'{namespace}/feedback', self._on_feedback, QUEUE)
        node.create_service(GetInteractiveMarkers, f'{namespace}/get_interactive_markers', self._on_get)

    def show(self, markers):
        """Show these; those that are shown already as they are cost nothing."""
        changed = [marker for marker in markers if self._markers.get(marker.name) != marker]
        self._markers.update({marker.name: marker for marker in changed})
        if changed:
            self._sequence += 1  # a client that misses a number asks for everything again
            self._update.publish(InteractiveMarkerUpdate(type=InteractiveMarkerUpdate.UPDATE, seq_num=self._sequence,
                                                         markers=changed))

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
