"""Asks the simulated robot of this domain to break or mend something."""
import time

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor

from cosmos_policy_ros.srv import InjectFault

REPEAT = 1.0
"""s after which an unanswered request is sent again: an answer before discovery is complete is lost."""


def ask(fault, target='', value=0.0, active=True, patience=5.0):
    """The ``InjectFault.Response``, or None when no simulator answers within ``patience`` s of wall time."""
    context = Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node('fault_injection', context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        client = node.create_client(InjectFault, '/sim/inject_fault')
        deadline = time.monotonic() + patience
        if client.wait_for_service(timeout_sec=patience):
            while time.monotonic() < deadline:
                future = client.call_async(InjectFault.Request(fault=fault, target=target, value=value, active=active))
                executor.spin_until_future_complete(future, timeout_sec=min(REPEAT, patience))
                if future.done():
                    return future.result()
        return None
    finally:
        rclpy.shutdown(context=context)
