"""Start and end of a node process, the same for all nodes."""
import os
import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.task import Future

from cosmos_policy_ros.bringup.environment import without_shared_memory

from .realtime import keep_freed_memory

try:
    from rclpy.experimental import EventsExecutor as StreamExecutor
except ImportError:
    StreamExecutor = SingleThreadedExecutor

LONG = 1e5
"""s; ``EventsExecutor.spin`` itself is broken in some releases, waiting for a future that never comes is not."""

LEAVE = 5
"""s that the middleware has to let go of the node; it can wait forever for a peer that was killed in the wrong moment."""


class StartupError(Exception):
    """The node cannot start; the message says what is wrong, where, and what to do next."""


class Leave:
    """Set by SIGINT and SIGTERM instead of their interrupt, for a node that has to end something while it still spins.

    To be made in the main thread, inside the node's ``spin``.
    """

    def __init__(self):
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_):
        self.asked = True


def run(make_node, expected=(), executor=SingleThreadedExecutor, pictures=False):
    """Spin the node that ``make_node()`` builds until SIGINT or SIGTERM, then let it close.

    A node with a method ``spin(executor)`` spins itself until it wants to end; one with ``close()`` is closed before it is
    destroyed.

    Args:
        make_node: called after ``rclpy.init``.
        expected: exception classes whose message is meant for the user: printed without a traceback, exit code 2.
        executor: its class. ``StreamExecutor`` costs half for nodes that mostly receive; under ``use_sim_time`` it serves
            timers late, so nodes that act on a timer keep the default.
        pictures: whether the node sends or receives pictures: it does ``keep_freed_memory``, the others
            ``without_shared_memory``.
    """
    if pictures:
        keep_freed_memory()
    else:
        os.environ.update(without_shared_memory(os.environ))
    rclpy.init()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = None
    executor = executor()
    try:
        node = make_node()
        executor.add_node(node)
        if hasattr(node, 'spin'):
            node.spin(executor)
            return
        while rclpy.ok():  # an interrupt that Python dropped, inside a destructor say, has still ended the context
            executor.spin_until_future_complete(Future(), timeout_sec=LONG)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        # The signal ends the context at once, in the middle of a callback that publishes, say.
        if rclpy.ok() or not isinstance(error, RuntimeError):
            if not isinstance(error, (StartupError, *expected)):
                raise
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
            signal.alarm(LEAVE)
            executor.shutdown(timeout_sec=1.0)  # one that still knows the node keeps it in the graph
            node.destroy_node()
        rclpy.try_shutdown()
        signal.alarm(0)  # what the interpreter still has to take down may be large, and the machine busy
