"""Episodes of the lock-step evaluation that a surprise monitor watches, and in which something may happen."""
from dataclasses import dataclass

from ..control.surprise import Imagination, Response, SurpriseMonitor, Thresholds, blocks
from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import CONTROL_PERIOD
from ..policy.cosmos_policy import CosmosPolicy
from ..policy.images import network_images
from ..policy.planning.backends import DirectBackend
from ..sim.cameras import CameraRig
from ..sim.disturbances import CONDITIONS, begin
from ..sim.world import World
from .evaluation import TICK, Episode, EpisodeResult

LOOK_PERIOD = 0.2
"""s between two looks."""

LOOK_TICKS = round(LOOK_PERIOD / TICK)


@dataclass(frozen=True, eq=False)
class Watched:
    """All that a ``Comparison`` was told in one episode, so that it can be compared again. Times count from its begin, s.

    looks: (time, {camera: blocks}, (14,) positions) each. imaginations: of its chunks, with the time from which each is known.
    rows: (time, (14,) asked for) each.
    """

    looks: tuple
    imaginations: tuple
    rows: tuple

    def replay(self, comparison):
        """Yield (time, departures) of every look, as ``comparison`` measures them."""
        told = sorted([*((look[0], 0, look) for look in self.looks), *((at, 1, imagined) for at, imagined in self.imaginations),
                       *((at, 2, row) for at, row in self.rows)], key=lambda entry: entry[:2])
        for at, kind, content in told:
            if kind == 0:
                yield at, comparison.departures(*content)
            elif kind == 1:
                comparison.imagine(content)
            else:
                comparison.ask(at, content)


@dataclass(frozen=True)
class WatchedResult:
    """One episode.

    happened: s at which the incident began, None without one. watched: ``Watched``. alarms: (s, level, signal) of every look
    that alarmed, empty without thresholds. Times count from the begin of the simulation.
    """

    episode: EpisodeResult
    happened: float
    watched: Watched
    alarms: tuple


class WatchedEvaluator:
    """Runs watched episodes, one after the other.

    Args:
        settings: ``EvaluationSettings``. thresholds: of the monitor; None only looks. response: what is done about a surprise.
    """

    def __init__(self, settings, thresholds=None, response=Response.TELL):
        self._settings, self._thresholds, self._response = settings, thresholds or Thresholds({}, 1.0), response
        policy = CosmosPolicy.load(settings.checkpoint)
        self._config, self._backend = policy.config, DirectBackend(policy, settings.denoising_steps)
        self._backend.warm_up()
        self._world = World(settings.task)
        self._rig = CameraRig(self._world, settings.width, settings.height)

    def close(self):
        """Free the renderer."""
        self._rig.close()

    def run(self, seed, incident=None, at=0.0):
        """The ``WatchedResult`` of one seed.

        Args:
            incident: ``sim.incidents.Incident`` or None. at: s after the first row from which on it may happen.
        """
        return _WatchedEpisode(self._settings, self._world, self._rig, self._backend, self._config, seed,
                               SurpriseMonitor(self._thresholds), self._response, incident, at).watch()


class _WatchedEpisode(Episode):
    """Is the camera rig of the episode that it extends, and what that asks for its chunks."""

    def __init__(self, settings, world, rig, backend, config, seed, monitor, response, incident, at):
        noise = begin(world, seed, settings.task, CONDITIONS[settings.conditions])
        super().__init__(settings, world, self, self._imagine, noise, seed)
        self._cameras, self._backend, self._config = rig, backend, config
        self._monitor, self._response, self._incident, self._after = monitor, response, incident, at
        self._looks, self._imaginations, self._rows, self._alarms = [], [], [], []

    def watch(self):
        episode = self.run()
        happened = self._incident.happened if self._incident else None
        watched = Watched(tuple(self._looks), tuple(self._imaginations), tuple(self._rows))
        return WatchedResult(episode, happened, watched, tuple(self._alarms))

    def capture(self):
        """As ``CameraRig.capture``."""
        return self._cameras.capture()

    def render(self, camera):
        """As ``CameraRig.render``, with what the incident leaves of it."""
        image = self._cameras.render(camera)
        return self._incident.picture(camera, image) if self._incident else image

    def _imagine(self, observation, instruction, seed):
        """The chunk; what was imagined with it is remembered."""
        inference = self._backend.infer(observation, instruction, seed, futures=True)
        imagined = {camera: blocks(picture) for camera, picture in inference.future_images.items()}
        horizon = len(inference.actions) * CONTROL_PERIOD
        imagination = Imagination(observation.stamp, horizon, self._seen(observation.images), imagined)
        self._monitor.imagine(imagination)
        self._imaginations.append((observation.stamp, imagination))
        return inference

    def _seen(self, images):
        return dict(zip(self._config.layout.cameras, map(blocks, network_images(images, self._config))))

    def _step(self, now):
        if self._incident and self._end and now >= self._first_row() + self._after:
            self._incident.act(self._world)
        if self._end and self._tick % LOOK_TICKS == 0:
            self._look(now)
        rows = self._timeline.figures.rows
        super()._step(now)
        if self._timeline.figures.rows > rows:
            self._rows.append((now, self._timeline.position))
            self._monitor.ask(*self._rows[-1])

    def _first_row(self):
        return self._end * TICK - self._settings.limit

    def _look(self, now):
        self.capture()
        look = now, self._seen({camera: self.render(camera) for camera in CAMERAS}), self._world.state()
        self._looks.append(look)
        surprise = self._monitor.look(*look)
        if surprise.alarming:
            self._alarms.append((now, surprise.level, surprise.signal))
        self._monitor.respond(surprise, self._response, self._timeline)
