"""A node in a thread of its own, for programs that are no nodes themselves."""
import math
import threading
import time

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

POLL = 0.005
"""s of wall time between two looks for an answer."""


class BackgroundNode:
    """A node with its own context, executor and thread; a context manager that spins from enter to exit.

    Args:
        name: of the node. domain: ROS domain id, None for the environment's. executor: its class.
        **options: of ``rclpy.create_node``.
    """

    def __init__(self, name, domain=None, executor=SingleThreadedExecutor, **options):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node(name, context=self._context, **options)
        self.executor = executor(context=self._context)
        self.executor.add_node(self.node)
        self._closed = False
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Spin from now on."""
        self._thread.start()

    def close(self):
        """Stop spinning and leave the graph, the first time that it is called."""
        if self._closed:
            return
        self._closed = True
        self.executor.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout=5.0)  # first, since a thread that spins must not lose what it waits on
        self.executor.shutdown(timeout_sec=2.0)  # an executor that still knows the node keeps it in the graph
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def ask(self, client, request, patience, repeat=math.inf, meanwhile=lambda: None):
        """A service's response, None when nobody serves it or answers within ``patience`` s of wall time.

        Args:
            client: made by ``node``. repeat: s after which the request is sent again, for one that may be carried out twice:
                an answer before discovery is complete is lost. meanwhile: called while it waits.
        """
        deadline = time.monotonic() + patience
        if not client.wait_for_service(timeout_sec=patience):
            return None
        futures, due = [], time.monotonic()
        while time.monotonic() < deadline:
            if time.monotonic() >= due:
                futures.append(client.call_async(request))
                due += repeat
            for future in futures:
                if future.done():
                    return future.result()
            meanwhile()
            time.sleep(POLL)
        return None

    def _spin(self):
        try:
            while not self._closed:
                self.executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            pass
