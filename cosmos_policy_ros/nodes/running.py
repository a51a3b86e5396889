"""Start and end of a node process, the same for all nodes."""
import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor


class StartupError(Exception):
    """The node cannot start; the message says what is wrong, where, and what to do next."""


def run(make_node, expected=()):
    """Spin the node that ``make_node()`` builds until SIGINT or SIGTERM, then let it close.

    A node with a method ``spin(executor)`` spins itself; one with ``close()`` is closed before it is destroyed.

    Args:
        make_node: called after ``rclpy.init``.
        expected: exception classes whose message is meant for the user: printed without a traceback, exit code 2.
    """
    rclpy.init()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = None
    executor = SingleThreadedExecutor()
    try:
        node = make_node()
        executor.add_node(node)
        getattr(node, 'spin', SingleThreadedExecutor.spin)(executor)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (StartupError, *expected) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    finally:
        # A launcher passes on the terminal's SIGINT, so a second one may arrive during the clean-up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if node is not None:
            close = getattr(node, 'close', None)
            if close is not None:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
