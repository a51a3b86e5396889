"""The policy node's look at whether what it imagined comes true."""
from dataclasses import dataclass
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from cosmos_policy_ros.control.surprise import Imagination, Response, Surprise, SurpriseMonitor, Thresholds, blocks
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.policy.checkpoint import load_config
from cosmos_policy_ros.policy.hub import local_path
from cosmos_policy_ros.policy.images import network_images

from .parameters import parameter
from .running import StartupError

LOOK_PERIOD = 0.2
"""s between two looks, as the thresholds were learnt."""

THRESHOLDS = 'surprise.json'
"""Beside the weights of a checkpoint."""


@dataclass(frozen=True)
class SurpriseParameters:
    """Parameters of the surprise monitor."""

    surprise: str = parameter('off', 'what is done when pictures or joints depart from what the policy imagined: nobody looks; it '
                              'is told; rows are approached slowly; the next chunk is asked for at once; no row follows, so the '
                              'arms stand in HELD', choices=tuple(response.value for response in Response))
    surprise_thresholds: str = parameter('', f'file of what is normal; empty: {THRESHOLDS} of the checkpoint')


class SurpriseWatch:
    """Prepares pictures in a worker's thread, judges in the node's.

    Args:
        p: parameters with those of ``SurpriseParameters``, ``server`` and ``checkpoint``; ``surprise`` is not off.

    Raises:
        StartupError: no thresholds, or a server infers, of which it is not known how it sees pictures.
    """

    def __init__(self, p):
        if p.server:
            raise StartupError('surprise: a server infers, and how it sees pictures is not known here; set surprise to off')
        folder = local_path(p.checkpoint)
        try:
            self._monitor = SurpriseMonitor(Thresholds.load(Path(p.surprise_thresholds or folder / THRESHOLDS)))
        except (OSError, ValueError) as error:
            raise StartupError(f'surprise: {error}; learn thresholds with benchmarks/surprise_monitor.py, or set it to '
                               'off') from error
        self._config, self._response, self._last = load_config(folder), Response(p.surprise), Surprise()

    def imagination(self, observation, inference):
        """The ``Imagination`` of an ``Inference`` with imagined pictures."""
        imagined = {camera: blocks(picture) for camera, picture in inference.future_images.items()}
        return Imagination(observation.stamp, len(inference.actions) * CONTROL_PERIOD, self.seen(observation.images), imagined,
                           inference.actions)

    def seen(self, images):
        """``blocks`` of pictures (h, w, 3) by camera, as the policy sees them."""
        return dict(zip(self._config.layout.cameras, map(blocks, network_images(images, self._config))))

    def imagine(self, imagination):
        """Its chunk is played from now on."""
        self._monitor.imagine(imagination)

    def forget(self):
        """A new epoch begins."""
        self._monitor.forget()

    def look(self, paired, pictures, timeline):
        """Judge a ``PairedObservation`` whose pictures are ``seen``, answer, and say whether it is news."""
        before, self._last = self._last, self._monitor.look(paired.stamp, pictures, paired.positions)
        self._monitor.respond(self._last, self._response, timeline)
        return before.alarming != self._last.alarming

    def said(self):
        """One sentence on the last look."""
        if not self._last.alarming:
            return 'as imagined'
        return f'{self._last.signal} departs from what was imagined, {self._last.level:.1f} times the limit: {self._response.value}'

    def diagnostics(self, stamp):
        """``DiagnosticArray`` on the last look."""
        level = DiagnosticStatus.WARN if self._last.alarming else DiagnosticStatus.OK
        message = DiagnosticArray(status=[DiagnosticStatus(
            name='cosmos_policy policy: surprise', level=level, message=self.said(), hardware_id='aloha',
            values=[KeyValue(key='level', value=f'{self._last.level:.2f}'), KeyValue(key='signal', value=self._last.signal)])])
        message.header.stamp = stamp
        return message
