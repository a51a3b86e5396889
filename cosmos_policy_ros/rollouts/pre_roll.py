"""What was to be seen just before an episode began."""
from collections import deque


class PreRoll:
    """The newest ``seconds`` of the continuous topics: pictures, joint states, safety states; never rows or chunks.

    Args:
        seconds: 0 keeps nothing. topics: ``RecordedTopic`` tuple.
    """

    def __init__(self, seconds, topics):
        self._span = round(seconds * 1e9)
        self._topics = {topic.topic for topic in topics if topic.continuous} if self._span else set()
        self._kept = deque()

    def put(self, topic, stamp, raw):
        """Take one serialised message received at ``stamp`` (ns). A clock that runs back begins anew."""
        if topic not in self._topics:
            return
        if self._kept and stamp < self._kept[-1][1]:
            self._kept.clear()
        self._kept.append((topic, stamp, raw))
        while self._kept[0][1] < stamp - self._span:
            self._kept.popleft()

    def take(self, now):
        """(topic, stamp, raw) of what is not older than that at ``now`` (ns), oldest first; it is kept no longer."""
        taken = [entry for entry in self._kept if now - self._span <= entry[1] <= now]
        self._kept.clear()
        return taken
