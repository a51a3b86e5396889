"""Many simulated cells driven by one policy: worker processes simulate, this process infers for all of them at once.

Two kinds of jobs: ``Trial`` (the policy alone, is it a success?) and ``Correction`` (the policy for a while, then the
expert, whose part is kept as a demonstration: the states are those that the policy gets itself into).
"""
import multiprocessing
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import wait

import numpy as np

from ..control.smoothing import Smoothing
from ..embodiment.joints import CONTROL_PERIOD
from ..sim.demonstrations import Recorder
from ..sim.world import SimulationDiverged, World

HELD_ROWS = 10
"""Rows (0.4 s) that a goal state has to last before a trial counts as success."""


@dataclass(frozen=True)
class PlayedChunks:
    """How a pool plays chunks: ``latency`` rows pass between an observation and its chunk's first row; ``blend`` rows fade."""

    executed: int = 25
    latency: int = 7
    blend: int = 5
    window: int = 11
    order: int = 2


@dataclass(frozen=True)
class Trial:
    """The policy alone for at most ``rows`` rows."""

    task: str
    seed: int
    rows: int = 500


@dataclass(frozen=True)
class Correction:
    """The policy for ``rows`` rows, then the expert."""

    task: str
    seed: int
    rows: int


@dataclass(frozen=True)
class TrialResult:
    """Outcome of a ``Trial``."""

    task: str
    seed: int
    success: bool
    rows: int
    score: float
    stage: str


class RemotePolicy:
    """Commands from chunks that the parent infers; call it once a row."""

    def __init__(self, connection, recorder, play, seed):
        self._connection, self._recorder, self._play, self._seed = connection, recorder, play, seed
        self._smoothing = Smoothing(play.window, play.order)
        self._row, self._ask_at, self._chunks = 0, 0, 0
        self._plan, self._plan_row, self._next = None, 0, None

    def __call__(self, world):
        """(14,) command of the next row."""
        play = self._play
        if self._row == self._ask_at:
            self._connection.send(('ask', self._recorder.images(), world.state(), world.task.instruction,
                                   (self._seed * 1000 + self._chunks) % 2 ** 32))
            chunk = self._smoothing(self._connection.recv())
            self._chunks += 1
            if self._plan is None:
                self._plan, self._plan_row = chunk, self._row
            else:
                self._next = chunk, self._row
            self._ask_at = self._row + play.executed - (play.latency if self._chunks == 1 else 0)
        if self._next is not None and self._row >= self._next[1] + play.latency:
            chunk, start = self._next
            old = self._rows(self._plan, self._plan_row, play.blend)
            new = self._rows(chunk, start, play.blend)
            fade = np.arange(1, play.blend + 1)[:, None] / (play.blend + 1)
            chunk[self._row - start:self._row - start + play.blend] = (1 - fade) * old + fade * new
            self._plan, self._plan_row, self._next = chunk, start, None
        command = self._rows(self._plan, self._plan_row, 1)[0]
        self._row += 1
        return command

    def _rows(self, plan, start, count):
        return plan[np.minimum(self._row - start + np.arange(count), len(plan) - 1)]


def _try(world, job, policy):
    world.reset(job.seed, job.task)
    held = row = 0
    while row < job.rows and held < HELD_ROWS:
        world.command(policy(world))
        world.advance(CONTROL_PERIOD)
        row += 1
        held = held + 1 if world.success() else 0
    score, stage = world.progress()
    return TrialResult(job.task, job.seed, held >= HELD_ROWS, row, score, stage)


def _work(connection, play, image_size, supersample, image_every):
    """Body of a worker: does the jobs that it is sent until it is sent None."""
    recorder = None
    while (job := connection.recv()) is not None:
        recorder = recorder or Recorder(World(job.task), image_size, supersample, image_every)
        policy = RemotePolicy(connection, recorder, play, job.seed)
        try:
            if isinstance(job, Trial):
                result = _try(recorder.world, job, policy)
            else:
                result = recorder.demonstrate(job.task, job.seed, prefix=(policy, job.rows))
        except SimulationDiverged:
            result = None
        connection.send(('done', job, result))
    if recorder:
        recorder.close()


def run_jobs(policy, jobs, workers, play=PlayedChunks(), supersample=3, image_every=5, steps=None):
    """Yield (job, result) as jobs end; the result is a ``TrialResult``, a ``Demonstration``, or None if the physics diverged.

    Args:
        policy: a ``CosmosPolicy``. jobs: an iterable of ``Trial`` and ``Correction``. workers: processes.
        play: ``PlayedChunks``. steps: denoising steps, the checkpoint's default if None.
    """
    context = multiprocessing.get_context('spawn')
    jobs, connections, processes = deque(jobs), [], []
    for _ in range(min(workers, len(jobs))):
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, daemon=True,
                                  args=(theirs, play, policy.config.image_size, supersample, image_every))
        process.start()
        theirs.close()
        connections.append(ours)
        processes.append(process)
        ours.send(jobs.popleft())
    busy = set(connections)
    try:
        while busy:
            asks = []
            for connection in wait(busy):
                kind, *content = connection.recv()
                if kind == 'ask':
                    asks.append((connection, content))
                    continue
                yield tuple(content)
                if not jobs:
                    busy.discard(connection)
                connection.send(jobs.popleft() if jobs else None)
            _answer(policy, asks, steps)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _answer(policy, asks, steps):
    if not asks:
        return
    images, proprio, instructions, seeds = zip(*(content for _, content in asks))
    actions = policy.predict_batch(np.stack(images), np.stack(proprio), list(instructions), list(seeds), steps).actions
    for (connection, _), chunk in zip(asks, actions):
        connection.send(chunk)
