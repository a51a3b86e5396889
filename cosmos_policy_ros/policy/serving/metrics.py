"""Counters of one server in the text form that Prometheus reads."""
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30


class Metrics:
    """What one server counts.

    queue: an ``InferenceQueue``. gpu_memory: function that returns the allocated bytes, or None without a GPU.
    """

    def __init__(self, queue, gpu_memory=None):
        self._registry = CollectorRegistry()
        self._requests = Counter('cosmos_policy_requests', 'Answered requests', ['status'], registry=self._registry)
        self._stages = Histogram('cosmos_policy_stage_seconds', 'Time of each stage of a request', ['stage'],
                                 buckets=BUCKETS, registry=self._registry)
        self._gauge('queue_depth', 'Requests that wait for the model', lambda: queue.depth)
        self._gauge('busy', '1 while the model runs', lambda: queue.busy)
        if gpu_memory is not None:
            self._gauge('gpu_memory_bytes', 'GPU memory that this process has allocated', gpu_memory)

    def _gauge(self, name, text, function):
        Gauge(f'cosmos_policy_{name}', text, registry=self._registry).set_function(function)

    def answered(self, status):
        """A request was answered with the HTTP ``status``."""
        self._requests.labels(status).inc()

    def spent(self, stage, seconds):
        """A stage took ``seconds``: read, decode, wait, inference, encode, or one that the backend named."""
        self._stages.labels(stage).observe(seconds)

    def text(self):
        """bytes in the exposition format."""
        return generate_latest(self._registry)
