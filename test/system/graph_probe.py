"""A node inside the test process: records topics in order of arrival, publishes, calls services."""
import fcntl
import tempfile
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path

from cosmos_policy_ros.nodes.background import BackgroundNode
from cosmos_policy_ros.nodes.running import StreamExecutor

PATIENCE = 60.0
"""s of wall time; what a heavily loaded machine may need for anything that is waited for."""

DOMAINS = deque(range(80, 100))
"""Taken in turn: what has just left a domain may be discovered there for some seconds more."""


@contextmanager
def free_domain():
    """A ROS domain that no other test run on this machine uses meanwhile."""
    for _ in range(len(DOMAINS)):
        number = DOMAINS[0]
        DOMAINS.rotate(-1)
        with open(Path(tempfile.gettempdir(), f'cosmos_policy_ros_domain_{number}.lock'), 'a') as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
    raise RuntimeError(f'all domains of {sorted(DOMAINS)} are in use; wait for the other test runs')


def wait(condition, what, patience=PATIENCE):
    """Wait until ``condition()`` holds and return its value; the test fails with ``what()`` when it does not."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f'not within {patience:.0f} s: {what() if callable(what) else what}'
        time.sleep(0.01)


class Probe(BackgroundNode):
    """Receives in the order of arrival, in its own thread; a context manager."""

    def __init__(self, domain):
        super().__init__('probe', domain, StreamExecutor)
        self._messages = {}

    def inside(self, function, *arguments):
        """Run something in the thread of the executor; returns its value."""
        task = self.executor.create_task(function, *arguments)
        wait(task.done, f'{function} in the probe')
        return task.result()

    def record(self, kind, topic, qos=10):
        """Record a topic from now on; returns the list that grows."""
        if topic not in self._messages:
            self._messages[topic] = []
            self.listen(kind, topic, self._messages[topic].append, qos)
        return self._messages[topic]

    def listen(self, kind, topic, callback, qos=10):
        """Call back with each message of a topic; returns the subscription."""
        return self.inside(self.node.create_subscription, kind, topic, callback, qos)

    def publisher(self, kind, topic, qos=10):
        """A publisher; remove it with ``forget``."""
        return self.inside(self.node.create_publisher, kind, topic, qos)

    def forget(self, entity):
        """Destroy a publisher or a subscription."""
        destroy = self.node.destroy_publisher if hasattr(entity, 'publish') else self.node.destroy_subscription
        self.inside(destroy, entity)

    def call(self, kind, name, /, every=1.0, **request):
        """A service's response. Asked again ``every`` s: an answer before discovery is complete is lost.

        What must not be done twice, or takes long, is asked less often.
        """
        client = self.inside(self.node.create_client, kind, name)
        wait(client.service_is_ready, f'service {name}')
        response = self.ask(client, kind.Request(**request), PATIENCE, every)
        assert response is not None, f'{name} does not answer'
        self.inside(self.node.destroy_client, client)
        return response
