"""One model for many simulated cells: worker processes simulate, this process infers for all that wait at once."""
import multiprocessing
import os
import threading
from collections import deque
from multiprocessing.connection import wait

from ..policy.inference import Inference

ASK, DONE = 'ask', 'done'


def end_with_parent():
    """In a worker process: end it when its parent is gone, killed for instance.

    A worker that outlives its parent would write its shard while the parent's successor writes the same one.
    """
    def watch():
        wait([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class RemoteInference:
    """A worker's way to the model; a call returns once the parent has answered."""

    def __init__(self, connection):
        self._connection = connection

    def __call__(self, observation, instruction, seed) -> Inference:
        self._connection.send((ASK, observation, instruction, seed))
        return self._connection.recv()


def work(connection, make_worker, arguments):
    """Body of a worker process: does the jobs that it is sent until it is sent None.

    ``make_worker(infer, *arguments)`` gives an object with ``do(job)``, whose result is sent back, and ``close()``.
    """
    end_with_parent()
    worker = None
    while (job := connection.recv()) is not None:
        worker = worker or make_worker(RemoteInference(connection), *arguments)
        connection.send((DONE, job, worker.do(job)))
    if worker:
        worker.close()


def run_jobs(backend, jobs, workers, make_worker, *arguments):
    """Yield (job, result) as jobs end.

    Which questions are answered in one batch depends on timing, and the size of a batch changes the last bits of an answer,
    so an episode may differ between runs.

    Args:
        backend: infers here: ``infer_batch(observations, instructions, seeds)`` as ``LocalPlanner`` has it.
        jobs: an iterable. workers: processes. make_worker, arguments: see ``work``; they have to be picklable.
    """
    context = multiprocessing.get_context('spawn')
    jobs, connections, processes = deque(jobs), [], []
    try:
        for _ in range(min(workers, len(jobs))):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, daemon=True, args=(theirs, make_worker, arguments))
            process.start()
            theirs.close()
            connections.append(ours)
            processes.append(process)
            ours.send(jobs.popleft())
        busy = set(connections)
        while busy:
            asks = []
            for connection in wait(busy):
                try:
                    kind, *content = connection.recv()
                except EOFError:
                    raise RuntimeError('a worker process ended in the middle of a job; it says why above') from None
                if kind == ASK:
                    asks.append((connection, content))
                    continue
                yield tuple(content)
                if not jobs:
                    busy.discard(connection)
                connection.send(jobs.popleft() if jobs else None)
            if asks:
                answers = backend.infer_batch(*(list(part) for part in zip(*(content for _, content in asks))))
                for (connection, _), answer in zip(asks, answers):
                    connection.send(answer)
    finally:
        for process in processes:
            process.terminate()
            process.join()
