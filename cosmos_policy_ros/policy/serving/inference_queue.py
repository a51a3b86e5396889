"""One inference at a time in a thread of its own, behind a bounded queue that belongs to the event loop."""
import asyncio
import queue
import threading
from collections import deque


class QueueFull(Exception):
    """As many requests wait as may wait."""


class QueueStopped(Exception):
    """The server is stopping: only the running inference is still finished."""


class InferenceQueue:
    """Runs jobs in the order in which they came. All methods are called from the event loop.

    length: jobs that may wait beside the running one.
    """

    def __init__(self, length):
        self._length = length
        self._waiting = deque()
        self._running = None
        self._stopped = False
        self._jobs = queue.SimpleQueue()
        # A daemon, so that an inference that never ends cannot keep the process from ending.
        threading.Thread(target=self._work, name='inference', daemon=True).start()

    @property
    def depth(self):
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def busy(self):
        """A job runs, perhaps for nobody any more."""
        return self._running is not None

    def admit(self):
        """Raises ``QueueFull`` or ``QueueStopped`` when a job that came now would be refused."""
        if self._stopped:
            raise QueueStopped
        if self.busy and self.depth >= self._length:
            raise QueueFull

    def submit(self, job):
        """The future of ``job()``, a function that takes no arguments. Cancelling it takes a waiting job out.

        Raises:
            QueueFull, QueueStopped: see there.
        """
        self.admit()
        future = asyncio.get_running_loop().create_future()
        entry = job, future
        future.add_done_callback(lambda _: entry in self._waiting and self._waiting.remove(entry))
        self._waiting.append(entry)
        self._start_next()
        return future

    def stop(self):
        """Refuse every waiting and every later job."""
        self._stopped = True
        for _, future in list(self._waiting):
            future.set_exception(QueueStopped())
        self._waiting.clear()

    def close(self):
        """Let the thread end after the running job."""
        self._jobs.put(None)

    def _start_next(self):
        if self._waiting and not self.busy:
            self._running = self._waiting.popleft()
            self._jobs.put((*self._running, asyncio.get_running_loop()))

    def _finished(self, future, result, error):
        self._running = None
        if not future.done():
            future.set_exception(error) if error else future.set_result(result)
        self._start_next()

    def _work(self):
        while (entry := self._jobs.get()) is not None:
            job, future, loop = entry
            result = error = None
            try:
                result = job()
            except Exception as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(self._finished, future, result, error)
            except RuntimeError:  # the loop was closed while this job ran on
                return
            del entry, job, future, result, error  # a picture must not live until the next job comes
