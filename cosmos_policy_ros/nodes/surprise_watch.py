"""The policy node's look at whether what it imagined comes true."""
import math
from dataclasses import dataclass
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from cosmos_policy_ros.control.pairing import NoObservation
from cosmos_policy_ros.control.surprise import Imagination, Response, Surprise, SurpriseMonitor, Thresholds, blocks
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.policy.checkpoint_folder import load_config
from cosmos_policy_ros.policy.hub import local_path
from cosmos_policy_ros.policy.images import network_images

from .diagnostics import array
from .parameters import parameter
from .qos import DRIVER
from .running import StartupError
from .worker import Worker

LOOK_PERIOD = 0.2
"""s between two looks, as the thresholds were learnt."""

TELL_PERIOD = 1.0
"""s between two messages while nothing changes."""

THRESHOLDS = 'surprise.json'
"""Beside the weights of a checkpoint."""


@dataclass(frozen=True)
class SurpriseParameters:
    """Parameters of the surprise monitor."""

    surprise: str = parameter('off', 'what is done when pictures or joints depart from what the policy imagined: nobody '
                              'looks; it is told; rows are approached slowly; the next chunk is asked for at once; no row '
                              'follows, so the arms stand in HELD', choices=tuple(response.value for response in Response))
    surprise_thresholds: str = parameter('', f'file of what is normal; empty: {THRESHOLDS} of the checkpoint')


class SurpriseWatch:
    """Looks several times a second while the policy has the arms: pictures are prepared in a thread, judged in the node's.

    What it finds is told on ``/diagnostics`` and, when it changes, in the log.

    Args:
        node: it works for. p: parameters with those of ``SurpriseParameters``; ``surprise`` is not off. clock: ``NodeClock``.
        pairing: ``Pairing`` to look at. timeline: ``ChunkTimeline`` that does what the response is.

    Raises:
        StartupError: no thresholds, or a server infers, of which it is not known how it sees pictures.
    """

    def __init__(self, node, p, clock, pairing, timeline):
        if p.server:
            raise StartupError('surprise: a server infers, and how it sees pictures is not known here; set surprise to off')
        folder = local_path(p.checkpoint)
        try:
            self._monitor = SurpriseMonitor(Thresholds.load(Path(p.surprise_thresholds or folder / THRESHOLDS)))
        except (OSError, ValueError) as error:
            raise StartupError(f'surprise: {error}; learn thresholds with benchmarks/surprise_monitor.py, or set surprise to '
                               'off') from error
        self._config, self._response, self._last = load_config(folder), Response(p.surprise), Surprise()
        self._node, self._clock, self._pairing, self._timeline = node, clock, pairing, timeline
        self._worker, self._busy, self._told = Worker(self._hand_over, 'surprise'), False, -math.inf
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', DRIVER)
        clock.timer(LOOK_PERIOD, self._look)

    def close(self):
        """End the thread."""
        self._worker.close()

    def forget(self):
        """A new epoch begins."""
        self._monitor.forget()

    def ask(self, at, positions):
        """A row was sent: the arms are to be at ``positions`` (14,) at ``at``."""
        self._monitor.ask(at, positions)

    def imagination(self, observation, inference):
        """The ``Imagination`` of an ``Inference``, None without imagined pictures; any thread may ask."""
        if inference.future_images is None:
            return None
        imagined = {camera: blocks(picture) for camera, picture in inference.future_images.items()}
        return Imagination(observation.stamp, len(inference.actions) * CONTROL_PERIOD, self._seen(observation.images), imagined)

    def imagine(self, imagination):
        """Its chunk is played from now on."""
        self._monitor.imagine(imagination)

    def _seen(self, images):
        return dict(zip(self._config.layout.cameras, map(blocks, network_images(images, self._config))))

    def _look(self):
        if self._busy or self._timeline.epoch is None:
            return
        try:
            paired = self._pairing.observe(self._clock.now())
        except NoObservation:
            return  # the policy says so itself
        self._busy = True
        self._worker.submit(lambda: (paired, self._seen(paired.images)))

    def _hand_over(self, result):
        self._node.executor.create_task(self._judge, result)

    def _judge(self, result):
        self._busy = False
        if isinstance(result, Exception):
            raise result
        paired, pictures = result
        before, self._last = self._last, self._monitor.look(paired.stamp, pictures, paired.positions)
        if self._timeline.epoch is not None:
            self._monitor.respond(self._last, self._response, self._timeline)
        news, now = before.alarming != self._last.alarming, self._clock.now()
        if news:
            self._node.get_logger().warning(f'surprise: {self._said()}')
        if news or now - self._told >= TELL_PERIOD:
            self._told = now
            self._tell()

    def _said(self):
        if not self._last.alarming:
            return 'as imagined'
        return (f'{self._last.signal} departs from what was imagined, {self._last.level:.1f} times the limit; response: '
                f'{self._response.value}')

    def _tell(self):
        level = DiagnosticStatus.WARN if self._last.alarming else DiagnosticStatus.OK
        self._publisher.publish(array([DiagnosticStatus(
            name='cosmos_policy policy: surprise', level=level, message=self._said(), hardware_id='aloha',
            values=[KeyValue(key='level', value=f'{self._last.level:.2f}'), KeyValue(key='signal', value=self._last.signal)])],
            self._node.get_clock().now().to_msg()))
