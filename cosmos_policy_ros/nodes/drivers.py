"""Whether the driver of each arm takes the commands that are meant for it."""


class DriverWatch:
    """Whoever publishes an arm's joint states has to listen to that arm's commands.

    Commands are lost in silence while the driver has not discovered this node, or listens under another name.

    Args:
        node: looks at the graph. arms: {topic of joint states: topics of commands} of each arm.
    """

    def __init__(self, node, arms):
        self._node, self._arms = node, arms

    def deaf(self):
        """A sentence for each topic of commands to which no driver of that arm listens."""
        return [f'an arm driver that listens to {topic} and publishes {states}' for states, topics in self._arms.items()
                for topic in topics if not self._talkers(states) & self._listeners(topic)]

    def _talkers(self, topic):
        return self._names(self._node.get_publishers_info_by_topic(topic))

    def _listeners(self, topic):
        return self._names(self._node.get_subscriptions_info_by_topic(topic))

    @staticmethod
    def _names(endpoints):
        return {(endpoint.node_namespace, endpoint.node_name) for endpoint in endpoints}
