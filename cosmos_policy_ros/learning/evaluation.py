"""Closed-loop evaluation in lock-step: policy, timeline, supervisor and simulator in one process, on simulated time.

The same pieces that the nodes drive, with a fixed inference latency in place of a measured one, so that a seed gives the
same episode again.
"""
import multiprocessing
from dataclasses import asdict, dataclass, field

import numpy as np

from ..control.chunk import ActionChunk
from ..control.smoothing import Smoothing
from ..control.timeline import ChunkTimeline
from ..embodiment.joints import CONTROL_PERIOD, SIDES
from ..embodiment.limits import both_arms
from ..policy.cosmos_policy import CosmosPolicy
from ..policy.observation import Observation
from ..safety.config import load_config
from ..safety.state import SafetyState
from ..safety.supervisor import Supervisor
from ..sim.cameras import CAMERAS, CameraRig
from ..sim.world import World
from .statistics import wilson

TICK = 0.01
"""s between two supervisor ticks."""

TICKS_PER_ROW = round(CONTROL_PERIOD / TICK)
HEARTBEAT_TICKS, STATUS_TICKS = 5, 10
STOP_SOURCE = 'operator'
AUTHORITY = 'policy'


@dataclass(frozen=True)
class EvaluationSettings:
    """What one cell of an evaluation fixes.

    latency: s from an observation to its chunk, rounded up to whole ticks. width, height: of the cameras, pixels.
    limit: s of simulation. window, order: of the smoothing filter.
    """

    checkpoint: str
    task: str
    safety: str
    instruction: str = ''
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
    """One episode. ``causes``: texts of what held the supervisor at the end. ``inference``: s of each chunk on this machine;
    everything else depends on seed and settings only."""

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


class Evaluator:
    """One policy in one simulated cell; runs one episode after the other."""

    def __init__(self, settings):
        self._settings = settings
        self._policy = CosmosPolicy.load(settings.checkpoint)
        self._policy.warm_up()
        self._world = World(settings.task)
        self._rig = CameraRig(self._world, settings.width, settings.height)
        self._smoothing = Smoothing(settings.window, settings.order)

    def close(self):
        """Free the renderer."""
        self._rig.close()

    def run(self, seed):
        """The ``EpisodeResult`` of one seed, which draws the scene and the policy's noise."""
        s, world = self._settings, self._world
        world.reset(seed)
        self._held = 0
        instruction = s.instruction or world.task.instruction
        supervisor = Supervisor(load_config(s.safety))
        timeline = ChunkTimeline(executed_rows=s.executed_rows, blend_rows=s.blend_rows, expected_latency=s.latency,
                                 speed=both_arms(s.speed, s.gripper_speed))
        pending, inference, chunks, value = None, [], 0, float('nan')
        epoch, outcome, tick, heartbeat, counter = None, 'timeout', 0, 0, 0
        end = None  # tick at which the time is over, counted from the first row
        latency_ticks = int(np.ceil(s.latency / TICK - 1e-9))
        while end is None or tick < end:
            now = tick * TICK
            self._sense(supervisor, now, tick)
            if tick % STATUS_TICKS == 0:
                counter = supervisor.status(now).counter
            if tick % HEARTBEAT_TICKS == 0:
                heartbeat += 1
                supervisor.observe_stop_source(STOP_SOURCE, False, heartbeat, counter, now)
            if epoch is None:
                reply = supervisor.request_arm(AUTHORITY, now)
                if reply.accepted:
                    epoch = reply.epoch
                    timeline.start(epoch, now, world.state())
                elif tick > 100:
                    raise RuntimeError(f'the supervisor refuses to arm: {"; ".join(reply.blockers)}')
            if pending is not None and tick >= pending[0]:
                timeline.accept(pending[1], now)
                pending = None
            if epoch is not None and timeline.wants_chunk(now):
                timeline.requested(now)
                prediction = self._infer(now, instruction, seed * 1000 + chunks)
                inference.append(prediction.latencies['total'])
                value = prediction.value
                pending = (tick + latency_ticks, ActionChunk(epoch, chunks, now, self._smoothing(prediction.actions)))
                chunks += 1
            setpoint = timeline.setpoint(now)
            if setpoint is not None:
                supervisor.offer(setpoint, now)
                end = end or tick + round(s.limit / TICK)
            command = supervisor.tick(now).command
            if command is not None:
                world.command(command)
            world.advance(TICK)
            tick += 1
            if self._done(tick):
                outcome = 'success'
                break
            if end and supervisor.state is not SafetyState.RUNNING:
                outcome = 'stopped'
                break
        figures, status = timeline.figures, supervisor.status(tick * TICK)
        score, stage = world.progress()
        return EpisodeResult(seed, outcome == 'success', outcome, figures.rows, chunks, score, stage, status.rows_clamped,
                             status.rows_refused, figures.pauses, figures.largest_seam, value,
                             tuple(active.text for active in status.causes), tuple(inference))

    def _sense(self, supervisor, now, tick):
        state = self._world.state()
        for index, side in enumerate(SIDES):
            supervisor.observe_joints(side, state[7 * index:7 * index + 7], now, now)
        if tick % TICKS_PER_ROW == 0:
            for camera in CAMERAS:
                supervisor.observe_camera(camera, now, now)

    def _infer(self, now, instruction, seed):
        self._rig.capture()
        images = {camera: self._rig.render(camera) for camera in CAMERAS}
        observation = Observation(now, images, self._world.state())
        return self._policy.predict(observation, instruction, seed, steps=self._settings.denoising_steps)

    def _done(self, tick):
        """Whether the goal state held for 0.4 s, looked at once a row."""
        if tick % TICKS_PER_ROW:
            return False
        self._held = self._held + 1 if self._world.success() else 0
        return self._held >= round(0.4 / CONTROL_PERIOD)


_evaluator = None  # of a worker process: made once, used for all of its episodes


def _start_worker(settings):
    global _evaluator
    _evaluator = Evaluator(settings)


def _run_in_worker(seed):
    return _evaluator.run(seed)


def evaluate(settings, seeds, workers=1):
    """Yield the ``EpisodeResult`` of every seed, in the order of ``seeds`` whatever the number of worker processes."""
    if workers == 1:
        evaluator = Evaluator(settings)
        try:
            yield from map(evaluator.run, seeds)
        finally:
            evaluator.close()
        return
    with multiprocessing.get_context('spawn').Pool(workers, _start_worker, (settings,)) as pool:
        yield from pool.imap(_run_in_worker, seeds)


def summarise(settings, results):
    """One JSON-ready object: success rate with its 95 % interval, pauses, interventions, inference times."""
    count, successes = len(results), sum(result.success for result in results)
    low, high = wilson(successes, count)
    times = np.concatenate([result.inference for result in results]) if results else np.zeros(0)
    good = [result for result in results if result.success]
    return {
        'settings': asdict(settings), 'episodes': count, 'successes': successes,
        'success_rate': successes / max(count, 1), 'interval_95': [low, high],
        'seconds_to_success': float(np.mean([result.rows for result in good]) * CONTROL_PERIOD) if good else None,
        'pauses': sum(result.pauses for result in results),
        'interventions_on_success': sum(result.clamped + result.refused for result in good),
        'interventions': sum(result.clamped + result.refused for result in results),
        'stopped': sum(result.outcome == 'stopped' for result in results),
        'inference_seconds': {'p50': float(np.median(times)), 'p95': float(np.quantile(times, 0.95))} if len(times) else None,
        'outcomes': [{key: value for key, value in asdict(result).items() if key != 'inference'} for result in results],
    }
