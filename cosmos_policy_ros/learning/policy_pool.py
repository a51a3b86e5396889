"""A policy playing simulated episodes that become training data, many at once.

Three kinds of jobs: ``Rollout`` (the policy alone: successes and failures are data for futures and values), ``Correction``
(the policy for a while, then the expert, whose part is kept as a demonstration: the states are those that the policy gets
itself into) and ``Branch`` (several chunks from one state: what a planner chooses from, and what came of it).
"""
from dataclasses import dataclass

import numpy as np

from ..control.smoothing import Smoothing
from ..embodiment.cameras import CAMERAS
from ..policy.observation import Observation
from ..sim.demonstrations import Recorder
from ..sim.disturbances import CONDITIONS
from ..sim.world import SimulationDiverged, World


@dataclass(frozen=True)
class PlayedChunks:
    """How chunks are played: ``latency`` rows pass between an observation and its chunk's first row; ``blend`` rows fade."""

    executed: int = 25
    latency: int = 7
    blend: int = 5
    window: int = 11
    order: int = 2


@dataclass(frozen=True)
class Rollout:
    """The policy alone for at most ``rows`` rows, under the ``CONDITIONS`` of that name."""

    task: str
    seed: int
    rows: int = 500
    conditions: str = 'standard'


@dataclass(frozen=True)
class Correction:
    """The policy for ``rows`` rows, then the expert."""

    task: str
    seed: int
    rows: int


@dataclass(frozen=True)
class Branch:
    """The policy for ``rows`` rows, then ``candidates`` of its chunks from there, each to its end."""

    task: str
    seed: int
    rows: int
    candidates: int
    conditions: str = 'standard'


class PlayedPolicy:
    """Commands from the chunks of ``infer(observation, instruction, seed)``; call it once a row."""

    def __init__(self, infer, recorder, play, seed):
        self._infer, self._recorder, self._play, self._seed = infer, recorder, play, seed
        self._smoothing = Smoothing(play.window, play.order)
        self._row, self._ask_at, self._chunks = 0, 0, 0
        self._plan, self._plan_row, self._next = None, 0, None

    def __call__(self, world):
        """(14,) command of the next row."""
        play = self._play
        if self._row == self._ask_at:
            chunk = self._chunk(world, self._seed * 1000 + self._chunks)
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

    def candidates(self, world, count):
        """The next chunk as it comes from ``count`` successive seeds."""
        return [self._chunk(world, self._seed * 1000 + self._chunks + index) for index in range(count)]

    def _chunk(self, world, seed):
        observation = Observation(0.0, dict(zip(CAMERAS, self._recorder.images())), world.state())
        return self._smoothing(self._infer(observation, world.task.instruction, seed % 2 ** 32).actions)

    def _rows(self, plan, start, count):
        return plan[np.minimum(self._row - start + np.arange(count), len(plan) - 1)]


class Player:
    """A worker of ``pool.run_jobs`` for both kinds of jobs: one world and one renderer, used for all of them."""

    def __init__(self, infer, imaging, play=PlayedChunks()):
        """imaging: ``collection.Imaging``."""
        self._infer, self._imaging, self._play, self._recorder = infer, imaging, play, None

    def do(self, job):
        """The ``Demonstration`` of a job, a list of them for a ``Branch``; None if the physics diverged."""
        imaging = self._imaging
        self._recorder = self._recorder or Recorder(World(job.task), imaging.size, imaging.supersample, imaging.every)
        policy = PlayedPolicy(self._infer, self._recorder, self._play, job.seed)
        try:
            if isinstance(job, Rollout):
                return self._recorder.roll_out(policy, job.task, job.seed, job.rows, CONDITIONS[job.conditions])
            if isinstance(job, Branch):
                return self._recorder.branches(policy, lambda world: policy.candidates(world, job.candidates), job.task,
                                               job.seed, job.rows, CONDITIONS[job.conditions])
            return self._recorder.demonstrate(job.task, job.seed, prefix=(policy, job.rows))
        except SimulationDiverged:
            return None

    def close(self):
        """Free the renderer."""
        self._recorder.close()
