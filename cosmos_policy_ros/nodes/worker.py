"""What takes long, outside a node's own thread."""
import threading


class Worker:
    """Runs one job at a time in its own thread, so that the ROS side never waits for it.

    Args:
        done: called in that thread with what each job returned, or with what it raised. name: of the thread.
    """

    def __init__(self, done, name):
        self._done = done
        self._job = None
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def submit(self, job):
        """Run ``job()`` next; the caller submits only after the previous one is done."""
        with self._wake:
            self._job = job
            self._wake.notify()

    def close(self):
        """Let the thread end after the current job."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5.0)

    def _loop(self):
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._job or self._closed)
                if self._closed:
                    return
                job, self._job = self._job, None
            try:
                self._done(job())
            except Exception as error:  # to be raised again in the node's own thread
                self._done(error)
