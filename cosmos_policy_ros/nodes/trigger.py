"""One ``std_srvs/Trigger`` service asked from a command, with what it says of itself meanwhile."""
import threading
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from std_srvs.srv import Trigger

from .qos import DRIVER

POLL = 0.05
DISCOVERY = 5.0
"""s of wall time in which a service on the network is found."""


class TriggerCall:
    """A context manager around one client node.

    Args:
        service: full name. entry: name of the diagnostics entry whose message is the progress.
    """

    def __init__(self, service, entry):
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('trigger_call', context=self._context)
        self._client = self._node.create_client(Trigger, service)
        self.progress = ''
        self._node.create_subscription(DiagnosticArray, '/diagnostics',
                                       lambda message: self._on_diagnostics(message, entry), DRIVER)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        rclpy.try_shutdown(context=self._context)
        self._thread.join(timeout=5.0)

    def ask(self, patience, show):
        """The response; None when nobody serves it or it does not come within ``patience`` s. ``show`` takes progress."""
        if not self._client.wait_for_service(timeout_sec=DISCOVERY):
            return None
        time.sleep(1.0)  # an answer before the server has discovered this client would be lost
        future, deadline = self._client.call_async(Trigger.Request()), time.monotonic() + patience
        while not future.done() and time.monotonic() < deadline:
            show(self.progress)
            time.sleep(POLL)
        return future.result() if future.done() else None

    def _spin(self):
        try:
            while self._context.ok():
                self._executor.spin_once(timeout_sec=0.1)
        except ExternalShutdownException:
            pass

    def _on_diagnostics(self, message, entry):
        for status in message.status:
            if status.name == entry:
                self.progress = status.message
