"""Closed-loop evaluation in lock-step: policy, timeline, supervisor and simulator in one process, on simulated time.

The same pieces that the nodes drive, with a fixed inference latency in place of a measured one, so that a seed gives the
same episode again.
"""
import multiprocessing
from dataclasses import asdict, dataclass, field, replace
from enum import Enum

import numpy as np

from ..control.chunk import ActionChunk
from ..control.smoothing import Smoothing
from ..control.timeline import ChunkTimeline
from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import CONTROL_PERIOD, SIDES
from ..embodiment.limits import both_arms
from ..policy import checkpoint_folder
from ..policy.cosmos_policy import CosmosPolicy
from ..policy.observation import Observation
from ..policy.planning.backends import DirectBackend, PlannerFactory
from ..policy.planning.settings import PlanSettings
from ..policy.resizing import box
from ..safety.config import load_config
from ..safety.state import SafetyState
from ..safety.supervisor import Supervisor
from ..sim.cameras import CameraRig
from ..sim.demonstrations import HELD_ROWS
from ..sim.disturbances import CONDITIONS, begin
from ..sim.world import World
from .pool import end_with_parent, run_jobs
from .statistics import wilson

TICK = 0.01
"""s between two supervisor ticks."""

TICKS_PER_ROW = round(CONTROL_PERIOD / TICK)
HEARTBEAT_TICKS, STATUS_TICKS = 5, 10
ARMING_PATIENCE = 2.0
"""s that the supervisor may take to find everything fresh and at rest."""

STOP_SOURCE = 'operator'
AUTHORITY = 'policy'


@dataclass(frozen=True)
class EvaluationSettings:
    """What one cell of an evaluation fixes.

    plan: ``PlanSettings`` to compare candidates with, None for direct; its action_steps count, denoising_steps do not.
    planning_checkpoint: predicts futures and values, the policy itself if empty. conditions: a name in ``CONDITIONS``.
    latency: s from an observation to its chunk, rounded up to whole ticks. width, height: of the cameras, pixels.
    limit: s of simulation. window, order: of the smoothing filter.
    """

    checkpoint: str
    task: str
    safety: str
    instruction: str = ''
    plan: PlanSettings = None
    planning_checkpoint: str = ''
    conditions: str = 'standard'
    device: str = 'cpu'
    limit: float = 20.0
    executed_rows: int = 25
    denoising_steps: int = 5
    latency: float = 0.28
    blend_rows: int = 5
    window: int = 11
    order: int = 2
    speed: float = 2.5
    gripper_speed: float = 2.3
    width: int = 640
    height: int = 480


@dataclass(frozen=True)
class EpisodeResult:
    """One episode. ``causes``: texts of what held the supervisor at the end. ``inference``: s by stage, and in total, of each
    chunk on this machine; everything else depends on seed and settings only."""

    seed: int
    success: bool
    outcome: str
    rows: int
    chunks: int
    score: float
    stage: str
    clamped: int
    refused: int
    pauses: int
    largest_seam: float
    value: float
    causes: tuple = ()
    inference: tuple = field(default=(), compare=False)


def make_backend(settings):
    """The backend that infers in this process, ready for its first question."""
    if settings.plan is None:
        backend = DirectBackend(CosmosPolicy.load(settings.checkpoint, settings.device), settings.denoising_steps)
    else:
        backend = PlannerFactory(settings.checkpoint, settings.planning_checkpoint or None, settings.device)(settings.plan)
    backend.warm_up()
    return backend


class Evaluator:
    """One simulated cell; runs one episode after the other. A worker of ``pool.run_jobs``."""

    def __init__(self, infer, settings):
        """infer: ``infer(observation, instruction, seed)`` gives an ``Inference``."""
        self._settings, self._infer = settings, infer
        self._config = checkpoint_folder.load_config(settings.checkpoint)
        self._world = World(settings.task)
        self._rig = CameraRig(self._world, settings.width, settings.height)

    def close(self):
        """Free the renderer."""
        self._rig.close()

    def do(self, seed):
        """The ``EpisodeResult`` of one seed, which draws the scene and the policy's noise."""
        noise = begin(self._world, seed, self._settings.task, CONDITIONS[self._settings.conditions])
        return Episode(self._settings, self._world, self._rig, self._ask, noise, seed).run()

    def _ask(self, observation, instruction, seed):
        if self._config.image_pipeline == 'box':  # twice is once, and small pictures travel faster
            small = {name: box(image, self._config.image_size) for name, image in observation.images.items()}
            observation = replace(observation, images=small)
        return self._infer(observation, instruction, seed)


class Episode:
    """One episode, tick by tick: sense, infer, play, check, move."""

    def __init__(self, settings, world, rig, infer, noise, seed):
        self._settings, self._world, self._rig, self._seed = settings, world, rig, seed
        self._infer, self._noise, self._push = infer, noise, 0.0
        self._instruction = settings.instruction or world.task.instruction
        self._smoothing = Smoothing(settings.window, settings.order)
        self._supervisor = Supervisor(load_config(settings.safety))
        self._timeline = ChunkTimeline(
            executed_rows=settings.executed_rows, blend_rows=settings.blend_rows, expected_latency=settings.latency,
            speed=both_arms(settings.speed, settings.gripper_speed))
        self._latency = int(np.ceil(settings.latency / TICK - 1e-9))
        self._tick = self._heartbeats = self._counter = self._held = 0
        self._epoch = self._pending = self._end = None
        self._inference, self._value = [], float('nan')

    def run(self):
        """Play until success, a stop by the supervisor, or the end of the time, counted from the first row."""
        outcome = 'timeout'
        while self._end is None or self._tick < self._end:
            self._step(self._tick * TICK)
            self._tick += 1
            if self._succeeded():
                outcome = 'success'
                break
            if self._end and self._supervisor.state is not SafetyState.RUNNING:
                outcome = 'stopped'
                break
        figures, status = self._timeline.figures, self._supervisor.status(self._tick * TICK)
        score, stage = self._world.progress()
        return EpisodeResult(self._seed, outcome == 'success', outcome, figures.rows, len(self._inference), score, stage,
                             status.rows_clamped, status.rows_refused, figures.pauses, figures.largest_seam, self._value,
                             tuple(active.text for active in status.causes), tuple(self._inference))

    def _step(self, now):
        self._sense(now)
        if self._tick % TICKS_PER_ROW == 0:
            self._push = self._noise.next()
        if self._epoch is None:
            self._arm(now)
        else:
            self._plan(now)
        setpoint = self._timeline.setpoint(now)
        if setpoint is not None:
            self._supervisor.offer(setpoint, now)
            self._end = self._end or self._tick + round(self._settings.limit / TICK)
        command = self._supervisor.tick(now).command
        if command is not None:
            self._world.command(command + self._push)
        self._world.advance(TICK)

    def _sense(self, now):
        state = self._world.state()
        for index, side in enumerate(SIDES):
            self._supervisor.observe_joints(side, state[7 * index:7 * index + 7], now, now)
        if self._tick % TICKS_PER_ROW == 0:
            for camera in CAMERAS:
                self._supervisor.observe_camera(camera, now, now)
        if self._tick % STATUS_TICKS == 0:
            self._counter = self._supervisor.status(now).counter
        if self._tick % HEARTBEAT_TICKS == 0:
            self._heartbeats += 1
            self._supervisor.observe_stop_source(STOP_SOURCE, False, self._heartbeats, self._counter, now)

    def _arm(self, now):
        reply = self._supervisor.request_arm(AUTHORITY, now)
        if reply.accepted:
            self._epoch = reply.epoch
            self._timeline.start(reply.epoch, now, self._supervisor.command)
        elif now > ARMING_PATIENCE:
            raise RuntimeError(f'the supervisor refuses to arm: {"; ".join(reply.blockers)}')

    def _plan(self, now):
        """Take over a chunk whose time has come, and ask for the next when it is due."""
        if self._pending is not None and self._tick >= self._pending[0]:
            self._supervisor.offer_chunk(self._pending[1], now)
            self._timeline.accept(self._pending[1], now)
            self._pending = None
        if not self._timeline.wants_chunk(now):
            return
        self._timeline.requested(now)
        self._rig.capture()
        images = {camera: self._rig.render(camera) for camera in CAMERAS}
        sequence = len(self._inference)
        prediction = self._infer(Observation(now, images, self._world.state()), self._instruction,
                                 (self._seed * 1000 + sequence) % 2 ** 32)
        self._inference.append(dict(prediction.latencies))
        self._value = prediction.value
        chunk = ActionChunk(self._epoch, sequence, now, self._smoothing(prediction.actions))
        self._pending = self._tick + self._latency, chunk

    def _succeeded(self):
        """Whether the goal state held for 0.4 s, looked at once a row."""
        if self._tick % TICKS_PER_ROW:
            return False
        self._held = self._held + 1 if self._world.success() else 0
        return self._held >= HELD_ROWS


_evaluator = None  # of a worker process: made once, used for all of its episodes


def _start_worker(settings):
    global _evaluator
    end_with_parent()
    _evaluator = Evaluator(make_backend(settings).infer, settings)


def _run_in_worker(seed):
    return _evaluator.do(seed)


def evaluate(settings, seeds, workers=1):
    """Yield the ``EpisodeResult`` of every seed, in the order of ``seeds``.

    On a CPU every worker process has a model of its own and their number changes nothing. Elsewhere this process infers for
    all of them, see ``pool.run_jobs`` for what that means.
    """
    if workers == 1:
        evaluator = Evaluator(make_backend(settings).infer, settings)
        try:
            yield from map(evaluator.do, seeds)
        finally:
            evaluator.close()
    elif settings.device == 'cpu':
        with multiprocessing.get_context('spawn').Pool(workers, _start_worker, (settings,)) as pool:
            yield from pool.imap(_run_in_worker, seeds)
    else:
        done, due = {}, iter(seeds)
        wanted = next(due, None)
        for seed, result in run_jobs(make_backend(settings), seeds, workers, Evaluator, settings):
            done[seed] = result
            while wanted in done:
                yield done.pop(wanted)
                wanted = next(due, None)


def summarise(settings, results):
    """One JSON-ready object: success rate with its 95 % interval, pauses, interventions, inference times."""
    count, successes = len(results), sum(result.success for result in results)
    low, high = wilson(successes, count)
    times = [chunk['total'] for result in results for chunk in result.inference]
    good = [result for result in results if result.success]
    return {
        'settings': _plain(asdict(settings)), 'episodes': count, 'successes': successes,
        'success_rate': successes / max(count, 1), 'interval_95': [low, high],
        'seconds_to_success': float(np.mean([result.rows for result in good]) * CONTROL_PERIOD) if good else None,
        'pauses': sum(result.pauses for result in results),
        'interventions_on_success': sum(result.clamped + result.refused for result in good),
        'interventions': sum(result.clamped + result.refused for result in results),
        'stopped': sum(result.outcome == 'stopped' for result in results),
        'inference_seconds': {'p50': float(np.median(times)), 'p95': float(np.quantile(times, 0.95))} if times else None,
        'outcomes': [{key: value for key, value in asdict(result).items() if key != 'inference'} for result in results],
    }


def _plain(settings):
    """A dictionary of settings with enumerations by their wire values."""
    return {name: _plain(value) if isinstance(value, dict) else value.value if isinstance(value, Enum) else value
            for name, value in settings.items()}
