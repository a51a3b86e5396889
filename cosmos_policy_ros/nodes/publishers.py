"""Who else publishes on a topic that only one may publish on."""
import time
from collections import Counter

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    SubscriptionEventCallbacks(matched=None)
except (ImportError, TypeError):  # Humble: no event says that a publisher has come
    SubscriptionEventCallbacks = None

UNKNOWN = '_NODE_NAME_UNKNOWN_'
"""Name of an endpoint whose node is not discovered yet, or that belongs to none."""

NAMING = 2.0
"""s of wall time, whatever a simulator's clock does, within which the name of a node follows its endpoints,
on a busy machine too."""


class PublisherWatch:
    """Finds publishers on some topics beside this node's own one and its guard's.

    Args:
        node: with one publisher on each of ``topics``. guard: name of the node that may have one more, '' for none.
        changed: called when a publisher has come or gone, where the middleware tells; else only polling finds it.
        clock: s that pass as on the wall.
    """

    def __init__(self, node, topics, guard, changed, clock=time.monotonic):
        self._node, self._topics = node, topics
        self._allowed = {node.get_name(), guard}
        self._nameless, self._clock = {}, clock  # {topic: s, since when}
        if SubscriptionEventCallbacks is not None:
            # The event needs a subscription; what it receives, mostly the own commands, is not even unpacked.
            thin = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            for topic, kind in topics.items():
                node.create_subscription(kind, topic, lambda _: None, thin, raw=True,
                                         event_callbacks=SubscriptionEventCallbacks(matched=lambda _: changed()))

    def intruders(self):
        """A sentence for each topic with publishers that do not belong there.

        Nameless ones count when they stay so for ``NAMING``: look often enough.
        """
        return [sentence for topic in self._topics for sentence in self._on(topic)]

    def _on(self, topic):
        names = Counter()
        if self._node.count_publishers(topic) > 1:
            names.update(info.node_name for info in self._node.get_publishers_info_by_topic(topic))
        others = [name for name, count in names.items() if count > (name in self._allowed) and name != UNKNOWN]
        if not names[UNKNOWN]:
            self._nameless.pop(topic, None)
        elif self._clock() - self._nameless.setdefault(topic, self._clock()) >= NAMING:
            others.append('one without a node')
        if others:
            yield f'{", ".join(others)} on {topic}'
