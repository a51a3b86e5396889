"""Episodes of the lock-step evaluation that a surprise monitor watches, and in which something may happen."""
from dataclasses import dataclass

from ..control.surprise import Imagination, Response, SurpriseMonitor, Thresholds, blocks
from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import CONTROL_PERIOD
from ..policy.images import network_images
from .evaluation import TICK, Episode, EpisodeResult, Evaluator

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

    happened: s at which the disturbance began, None without one. watched: ``Watched``. alarms: (s, level, signal) of every look
    that alarmed, empty without thresholds. Times count from the begin of the simulation.
    """

    episode: EpisodeResult
    happened: float
    watched: Watched
    alarms: tuple


class WatchedEvaluator(Evaluator):
    """Runs watched episodes, one after the other.

    Args:
        settings: ``EvaluationSettings``. thresholds: of the monitor; None only looks. response: what is done about a surprise.
    """

    def __init__(self, settings, thresholds=None, response=Response.TELL):
        super().__init__(settings)
        self._thresholds, self._response = thresholds, response

    def run(self, seed, disturbance=None, at=0.0):
        """The ``WatchedResult`` of one seed.

        Args:
            disturbance: ``sim.disturbances.Disturbance`` or None. at: s after the first row from which on it may happen.
        """
        self._world.reset(seed)
        return _WatchedEpisode(self._settings, self._world, self._rig, self._policy, seed, self._thresholds, self._response,
                               disturbance, at).watch()


class _WatchedEpisode(Episode):
    def __init__(self, settings, world, rig, policy, seed, thresholds, response, disturbance, at):
        super().__init__(settings, world, self, self, seed)
        self._cameras, self._model, self._disturbance, self._after = rig, policy, disturbance, at
        self._monitor, self._response = SurpriseMonitor(thresholds or Thresholds({}, 1.0)), response
        self._looks, self._imaginations, self._rows, self._alarms = [], [], [], []

    def watch(self):
        episode = self.run()
        happened = self._disturbance.happened if self._disturbance else None
        watched = Watched(tuple(self._looks), tuple(self._imaginations), tuple(self._rows))
        return WatchedResult(episode, happened, watched, tuple(self._alarms))

    def capture(self):
        """As ``CameraRig.capture``."""
        return self._cameras.capture()

    def render(self, camera):
        """As ``CameraRig.render``, with what the disturbance leaves of it."""
        image = self._cameras.render(camera)
        return self._disturbance.picture(camera, image) if self._disturbance else image

    def predict(self, observation, instruction, seed, steps):
        """As ``CosmosPolicy.predict``, and remembers what was imagined."""
        prediction = self._model.predict(observation, instruction, seed, steps, futures=True)
        imagined = {camera: blocks(picture) for camera, picture in prediction.future_images.items()}
        imagination = Imagination(observation.stamp, len(prediction.actions) * CONTROL_PERIOD, self._seen(observation.images),
                                  imagined)
        self._monitor.imagine(imagination)
        self._imaginations.append((observation.stamp, imagination))
        return prediction

    def _seen(self, images):
        pictures = network_images(images, self._model.config)
        return dict(zip(self._model.config.layout.cameras, map(blocks, pictures)))

    def _step(self, now):
        if self._disturbance and self._end and now >= self._first_row() + self._after:
            self._disturbance.act(self._world)
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
