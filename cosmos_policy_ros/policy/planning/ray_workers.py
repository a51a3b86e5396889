"""Planning spread over processes, GPUs or machines by Ray (optional extra ``ray``)."""
import logging
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from ..errors import ObservationError, PolicyError, UnknownInstruction
from .ranking import answer, rank
from .seeds import candidate_seeds
from .settings import PAPER
from .worker import PlanWorker

START_TIMEOUT = 600.0
"""s for the workers to load and warm up; upstream's limit."""
OBJECT_STORE = 128 * 2 ** 20
"""Bytes of Ray's shared memory; an observation and its answers are a few megabytes."""
RECENT = 8
"""Exchanges whose slowest transfer is kept free before a deadline."""


@dataclass(eq=False)
class _Seat:
    """A worker's place. starting: what its warm-up will return. busy: its last task, None when that has ended."""

    actor: object
    starting: object
    busy: object = None


class RayPlanner:
    """A ``Backend`` with one worker for each GPU or process; candidates are dealt to those that are free.

    A worker that dies, fails or is late loses its candidates and nothing else: a dead one is started again in the
    background, a late one gets no work until it has finished, and what it then answers is never read. A request's own
    fault (``ObservationError``, ``UnknownInstruction``) is raised as in one process.
    """

    def __init__(self, factory, workers, settings=PAPER, gpus_per_worker=0, address=None, timeout=15.0,
                 clock=time.monotonic):
        """Starts the workers; :meth:`warm_up` waits for them.

        Args:
            factory: picklable; called with ``settings`` in each worker, gives its ``LocalPlanner``.
            gpus_per_worker: of Ray's scheduler; the worker sees only its own as device 'cuda'.
            timeout: s that a query without a budget waits for its workers; the default is upstream's.
            address: of a running Ray cluster to join; None for one on this machine alone, reachable from it only.

        Raises:
            PolicyError: Ray is not installed, the cluster cannot be reached or has too few GPUs.
        """
        if workers < 1:
            raise ValueError(f'workers: expected 1 or more, got {workers}')
        self.settings = settings
        self._factory = factory
        self._timeout = timeout
        self._clock = clock
        self._ray = _import_ray(alone=address is None)
        self._folder, self._connected = _connect(self._ray, workers, gpus_per_worker, address)
        self._transfers = deque(maxlen=RECENT)
        self._description = None
        self._actors = self._ray.remote(PlanWorker).options(num_cpus=1, num_gpus=gpus_per_worker, max_restarts=0)
        self._seats = []
        present = self._ray.cluster_resources().get('GPU', 0)
        if workers * gpus_per_worker > present:
            self.close()
            raise PolicyError(f'{workers} planning workers with {gpus_per_worker} GPUs each, but there are '
                              f'{present:.0f} GPUs; lower the number of workers, or plan on the CPU')
        self._seats = [_Seat(*self._start()) for _ in range(workers)]

    statistics = None  # they are with the workers

    @property
    def robot(self):
        return self._describe()[0]

    @property
    def instructions(self):
        return self._describe()[1]

    def warm_up(self):
        """Waits until every worker has loaded, warmed up or failed, and measures the way to them."""
        seats = [seat for seat in self._seats if seat.starting is not None]
        if not seats:
            return
        self._ray.wait([seat.starting for seat in seats], num_returns=len(seats), timeout=START_TIMEOUT)
        payload = np.zeros((3, 480, 640, 3), np.uint8)
        failures = []
        for seat in seats:
            try:
                self._description = self._ray.get(seat.starting, timeout=0)
                seat.starting = None
                started = self._clock()
                self._ray.get(seat.actor.echo.remote(payload))
                self._transfers.append(self._clock() - started)
            except self._ray.exceptions.RayError as error:
                failures.append(_cause(error))
        if len(failures) == len(self._seats):
            raise PolicyError(f'no planning worker could start: {failures[0]}') from failures[0]

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        """As ``Backend.infer``; ``workers_lost`` of the report counts every worker that did not finish its part.

        Raises:
            PolicyError: no worker answered; those that died are being started again.
        """
        started = self._clock()
        candidate_seeds(seed, self.settings)
        deadline = started + (self._timeout if budget is None else budget)
        team = self._team(deadline)[:self.settings.candidates]
        shares, finished = self._gather(team, (observation, instruction, seed), budget, deadline,
                                        (futures, every_candidate))
        ranking = rank([item for share in shares.values() for item in share.evidence], self.settings)
        wanted = {candidate.index for candidate in ranking.candidates
                  if every_candidate or futures and candidate is ranking.chosen}
        calls = {seat: share.calls for seat, share in shares.items()}
        pictures = {}
        for seat, (shown, made) in self._decode(finished, shares, wanted, every_candidate, deadline).items():
            pictures |= shown
            calls[seat] = made
        stages = {name for share in shares.values() for name in share.latencies}
        latencies = {name: max(share.latencies.get(name, 0.0) for share in shares.values()) for name in stages}
        expected = min(len(self._seats), self.settings.candidates)
        return answer(ranking, pictures, sum(calls.values()), self._clock() - started, budget,
                      expected - len(finished), latencies)

    def close(self):
        """Ends the workers, and Ray where this planner started it."""
        for seat in self._seats:
            self._ray.kill(seat.actor)
        self._seats = []
        if self._connected:
            self._connected = False
            self._ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _team(self, deadline):
        """Seats whose workers are idle; waits for a first one until the deadline."""
        while True:
            for seat in self._seats:
                self._refresh(seat)
            free = [seat for seat in self._seats if seat.starting is None and seat.busy is None]
            left = deadline - self._clock()
            if free:
                return free
            if left <= 0:
                raise PolicyError(f'none of {len(self._seats)} planning workers is free: they are starting or busy '
                                  f'with an earlier query; ask again, or allow more time')
            self._ray.wait([seat.busy or seat.starting for seat in self._seats], timeout=left)

    def _gather(self, team, question, budget, deadline, shown):
        """(seat -> its last ``Share``, seats that finished); waits past the deadline only for a first one."""
        observation = self._ray.put(question[0])
        pending, sent = {}, {}
        for place, seat in enumerate(team):
            sent[seat] = self._clock()
            left = None if budget is None else deadline - sent[seat] - max(self._transfers, default=0.0)
            indices = range(place, self.settings.candidates, len(team))
            first = seat.actor.begin.remote(observation, *question[1:], indices, left, *shown)
            seat.busy = seat.actor.refine.remote()
            pending |= {first: seat, seat.busy: seat}
        shares, finished, failures = {}, [], []
        give_up = max(deadline, self._clock() + self._timeout)
        while pending:
            left = (deadline if shares else give_up) - self._clock()
            done, _ = self._ray.wait(list(pending), timeout=max(left, 0))
            if not done:
                break
            seat = pending.pop(done[0])
            last = done[0] == seat.busy
            try:
                shares[seat] = self._ray.get(done[0])
            except self._ray.exceptions.RayError as error:
                last = True
                failures.append(_cause(error))
                self._lose(seat, failures[-1])
            else:
                if last:
                    seat.busy = None
                    finished.append(seat)
                    self._transfers.append(self._clock() - sent[seat] - shares[seat].seconds)
            if last:
                pending = {ref: other for ref, other in pending.items() if other is not seat}
        if not shares:
            reason = f'; the first failed with: {failures[0]}' if failures else f' within {self._timeout} s'
            raise PolicyError(f'none of {len(team)} planning workers answered{reason}. Dead ones are being started '
                              f'again: ask once more, or plan in one process') from (failures or [None])[0]
        return shares, finished

    def _decode(self, finished, shares, wanted, every_depth, deadline):
        """Seat -> (pictures by candidate, calls), from those that hold ``wanted`` candidates and answer in time."""
        for seat in finished:
            indices = [item.index for item in shares[seat].evidence if item.index in wanted]
            if indices:
                seat.busy = seat.actor.pictures.remote(indices, every_depth)
        asked = {seat.busy: seat for seat in finished if seat.busy}
        if not asked:
            return {}
        done, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=max(deadline - self._clock(), 0))
        decoded = {}
        for ref in done:
            seat = asked[ref]
            try:
                decoded[seat] = self._ray.get(ref)
                seat.busy = None
            except self._ray.exceptions.RayError as error:
                self._lose(seat, _cause(error))
        return decoded

    def _lose(self, seat, cause):
        """A worker failed: one whose process may be damaged is replaced; the request's own fault is raised."""
        if isinstance(cause, (ObservationError, UnknownInstruction)):
            raise cause
        if not isinstance(cause, PolicyError):
            self._restart(seat)

    def _refresh(self, seat):
        """Learns without waiting whether a worker has started or finished; replaces it when it died meanwhile."""
        for name in ('starting', 'busy'):
            task = getattr(seat, name)
            if task is None or not self._ray.wait([task], timeout=0)[0]:
                continue
            try:
                result = self._ray.get(task)
                if name == 'starting':
                    self._description = result
                setattr(seat, name, None)
            except self._ray.exceptions.RayTaskError as error:
                if name == 'starting':
                    self._restart(seat)
                else:
                    seat.busy = None
            except self._ray.exceptions.RayError:
                self._restart(seat)

    def _start(self):
        actor = self._actors.remote(self._factory, self.settings)
        return actor, actor.warm_up.remote()

    def _restart(self, seat):
        self._ray.kill(seat.actor)
        seat.actor, seat.starting = self._start()
        seat.busy = None

    def _describe(self):
        if self._description is None:
            self.warm_up()
        return self._description


def _cause(error):
    """The exception that a task raised, or Ray's own when there was none."""
    return getattr(error, 'cause', None) or error


def _import_ray(alone):
    """Ray, told through its environment what ``ray.init`` has no arguments for and what it reads on its first import.

    What the user set there stays; a program that imported Ray before has made these decisions itself.
    """
    # The expression keeps the raylet's remarks off standard output: a lost worker is in the report of its query.
    settings = {'RAY_USAGE_STATS_ENABLED': '0', 'RAY_DEDUP_LOGS_SKIP_REGEX': '.'}
    if alone:
        # Off, it makes every socket listen on the loopback address only, on Linux, too.
        settings['RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER'] = '0'
        # Other users of this machine stay out, and nothing is written to the home folder.
        settings |= {'RAY_AUTH_MODE': 'token', 'RAY_AUTH_TOKEN': secrets.token_hex(32)}
    if 'ray' not in sys.modules:
        os.environ.update({name: value for name, value in settings.items() if name not in os.environ})
    try:
        import ray
    except ImportError as error:
        raise PolicyError('planning on several GPUs needs Ray; install the extra: pip install '
                          '"cosmos_policy_ros[ray]"') from error
    return ray


def _connect(ray, workers, gpus_per_worker, address):
    """(folder to remove, whether to disconnect) at the end. A connection that exists is used and left alone."""
    if ray.is_initialized():
        return None, False
    quiet = {'log_to_driver': False, 'logging_level': logging.ERROR}
    if address:
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise PolicyError(f'no Ray cluster at {address!r} ({error}); start one with "ray start --head", or leave '
                              f'the address out') from error
        return None, True
    # Sockets live in it, and the path of one may have 107 characters.
    folder = tempfile.mkdtemp(prefix='plan-', dir='/tmp')
    ray.init(address='local', num_cpus=workers, num_gpus=None if gpus_per_worker else 0, include_dashboard=False,
             object_store_memory=OBJECT_STORE, _temp_dir=folder, _node_ip_address='127.0.0.1', **quiet)
    return folder, True
