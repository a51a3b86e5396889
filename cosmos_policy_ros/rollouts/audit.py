"""How complete a recording is: received against expected, gaps and order, per topic."""
from .bag import BagReader
from .episode import TopicAudit
from .topics import recorded_topics

GAP_LIMIT = 0.1
"""s: largest gap that a stream of 25 Hz or more may have; slower ones may have two and a half periods."""


class TopicMonitor:
    """Counts one topic's stamps (ns) as they come, those of a pre-roll excepted."""

    def __init__(self, topic, started):
        """topic: a ``RecordedTopic``. started: ns at which the episode began."""
        self.topic, self._started = topic, started
        self.received = self.out_of_order = self.largest_gap = 0
        self.first = self.last = None

    def observe(self, stamp):
        """Count one message."""
        if stamp < self._started:
            return
        self.received += 1
        if self.last is None:
            self.first = self.last = stamp
        elif stamp < self.last:
            self.out_of_order += 1
        else:
            self.largest_gap = max(self.largest_gap, stamp - self.last)
            self.last = stamp

    def audit(self, ended, dropped=None):
        """The ``TopicAudit`` of an episode that ended at ``ended`` (ns).

        A continuous topic is measured against the whole episode, so that a stream that starts late or dies early
        shows; any other against the span between its own first and last message.
        """
        topic, gap, expected, started = self.topic, self.largest_gap, None, self._started
        if topic.continuous:
            gap = max(gap, self.first - started, ended - self.last) if self.received else ended - started
            expected = round((ended - started) * 1e-9 * topic.rate)
        elif topic.rate and self.received:
            expected = round((self.last - self.first) * 1e-9 * topic.rate) + 1
        several = self.received > 1 and self.last > self.first
        return TopicAudit(
            topic.bag_topic, topic.bag_type, self.received, expected, topic.rate,
            (self.received - 1) / ((self.last - self.first) * 1e-9) if several else None,
            gap * 1e-9 if several or topic.continuous else None, self.out_of_order, dropped)


def audit_bag(folder):
    """Tuple of ``TopicAudit`` of a finished episode folder, from the stamps in its bag."""
    with BagReader(folder) as bag:
        record = bag.record
        monitors = {topic.bag_topic: TopicMonitor(topic, record.started) for topic in recorded_topics(record.robot)}
        for topic, stamp, _ in bag.raw():
            monitors[topic].observe(stamp)
    return tuple(monitor.audit(record.ended) for monitor in monitors.values())


def complaints(audits):
    """Sentences about what a recording lost; empty when nothing."""
    found = []
    for audit in audits:
        if audit.dropped:
            found.append(f'{audit.topic}: the recorder dropped {audit.dropped} messages')
        if audit.out_of_order:
            found.append(f'{audit.topic}: {audit.out_of_order} stamps run backwards')
        if audit.nominal_rate is None or audit.expected is None:
            continue
        if not audit.received:
            found.append(f'{audit.topic}: nothing received of about {audit.expected} messages')
        elif audit.largest_gap is not None and audit.largest_gap > max(GAP_LIMIT, 2.5 / audit.nominal_rate):
            found.append(f'{audit.topic}: largest gap {audit.largest_gap:.3f} s at {audit.nominal_rate:g} Hz')
    return found
