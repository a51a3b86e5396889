"""Waiting inside a coroutine callback without blocking the node's executor."""
import time

from rclpy.task import Future

POLL_PERIOD = 0.02
REPEAT_PERIOD = 1.0
"""s of wall time after which an unanswered request is sent again."""


class Waiting:
    """Wakes coroutines when a condition holds or their patience (wall seconds) is over."""

    def __init__(self, node, timer):
        self._waiters = []
        self._timer = timer(POLL_PERIOD, self._poll)
        self._executor = lambda: node.executor

    async def until(self, condition, patience):
        """True as soon as ``condition()`` is true, False after ``patience`` s of wall time."""
        if condition():
            return True
        future = Future(executor=self._executor())
        self._waiters.append((condition, time.monotonic() + patience, future))
        return await future

    async def answer(self, client, request, patience, repeat=REPEAT_PERIOD):
        """The service's response, or None when it does not come within ``patience`` s of wall time.

        Only for requests that may be repeated, after ``repeat`` s of wall time: a server that has not discovered this
        client yet answers into the void.
        """
        deadline = time.monotonic() + patience
        if not await self.until(client.service_is_ready, patience):
            return None
        while time.monotonic() < deadline:
            pending = client.call_async(request)
            if await self.until(pending.done, repeat):
                return pending.result()
            client.remove_pending_request(pending)
        return None

    def _poll(self):
        now = time.monotonic()
        for waiter in list(self._waiters):
            condition, deadline, future = waiter
            held = bool(condition())
            if held or now > deadline:
                self._waiters.remove(waiter)
                future.set_result(held)
