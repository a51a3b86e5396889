"""The rollout recorder: one bag for each episode, with its record, report and video."""
import json
import math
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from importlib import import_module
from pathlib import Path

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock as ClockMessage
from std_msgs.msg import String

from cosmos_policy_ros.bringup.processes import follow_parent
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import EpisodeEvent, SafetyStatus
from cosmos_policy_ros.rollouts.audit import complaints
from cosmos_policy_ros.rollouts.bag import RecordingError
from cosmos_policy_ros.rollouts.episode import REPORT_FILE, VIDEO_FILE, EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.journal import JOURNAL_FILE, Journal
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.pre_roll import PreRoll
from cosmos_policy_ros.rollouts.recording import Recording
from cosmos_policy_ros.rollouts.recovery import recover
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, OWN, SAFETY_STATUS, STEP, RobotTopics, recorded_topics
from cosmos_policy_ros.safety.causes import Severity

from .clock import NANOSECONDS
from .parameters import ParameterError, declare, parameter
from .qos import LATCHED
from .robot import RobotParameters
from .running import StartupError, StreamExecutor, run

# Deeper than what controls the robot uses: here an old sample is worth as much as a new one.
RELIABLE = QoSProfile(depth=200)
BEST_EFFORT = QoSProfile(depth=30, reliability=ReliabilityPolicy.BEST_EFFORT)
CHECK_PERIOD = 0.5
"""s of wall time between two looks at whether the recording still works."""


@dataclass(frozen=True)
class RecorderParameters(RobotParameters):
    """Parameters of the recorder beside those of the robot."""

    output: str = parameter('rollouts', 'folder that receives one folder an episode')
    recorded_transport: str = parameter(
        'same', 'pictures that are recorded: same: those of camera_transport; compressed: what the cameras offer below their '
        'raw topics, at a third of the cost', choices=('same', 'compressed'))
    jpeg_quality: int = parameter(95, 'quality of pictures that come raw', 50, 95)
    minimum_free_gb: float = parameter(2.0, 'GB of disk space that are kept free', 0.0, 10000.0)
    pre_roll: float = parameter(0.0, 's of pictures, joint states and safety states kept from before an episode begins; '
                                     'raw pictures of three cameras take 83 MB of memory a second', 0.0, 10.0)
    report: bool = parameter(True, 'write report.html after each episode')
    video: bool = parameter(True, 'write episode.mp4 after each episode')


class RecorderNode(Node):
    """Follows ``/cosmos_policy/episode_event`` and announces each episode's folder on ``/cosmos_policy/recording``.

    The announcement is a latched JSON object: ``episode``, ``state`` (recording, finished or error), ``bag`` (folder),
    ``outcome``, ``report``, ``video`` (paths, '' when not written) and ``message`` (of an error).
    """

    def __init__(self):
        super().__init__('recorder')
        self._p = declare(self, RecorderParameters)
        self._output = Path(self._p.output).expanduser().resolve()
        self._robot = RobotTopics(arms=[self._p.arm(side) for side in SIDES], cameras=CAMERAS,
                                  images=[self._p.image_topic(camera) for camera in CAMERAS],
                                  camera_rate=self._p.camera_rate,
                                  compressed='compressed' in (self._p.camera_transport, self._p.recorded_transport))
        self._topics = recorded_topics(self._robot)
        try:
            self._types = message_types()
            classes = {topic.topic: _message_class(topic.type) for topic in self._topics}
        except (FileNotFoundError, ImportError) as error:
            raise StartupError(f'recorder: {error}') from error
        self._recover()
        self._recording = self._record = None
        self._pre_roll = PreRoll(self._p.pre_roll, self._topics)
        self._journal = Journal(self._output / JOURNAL_FILE)
        self._report = None
        self._reporter = ThreadPoolExecutor(1, 'report')
        self._simulated = None
        if self.get_parameter('use_sim_time').value:
            self.create_subscription(ClockMessage, '/clock', self._on_clock, RELIABLE)
        self._announcements = self.create_publisher(String, f'{OWN}/recording', LATCHED)
        special = {EPISODE_EVENT: self._on_event, SAFETY_STATUS: self._on_safety, STEP: self._on_step}
        profiles = {STEP: LATCHED}
        for topic in self._topics:
            self.create_subscription(classes[topic.topic], topic.topic,
                                     special.get(topic.topic, partial(self._take, topic.topic)),
                                     profiles.get(topic.topic, RELIABLE if topic.reliable else BEST_EFFORT), raw=True)
        self.create_timer(CHECK_PERIOD, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self):
        """Close an open episode as interrupted and give up a report under way; the bag stays readable."""
        if self._recording is not None:
            self._finish(replace(self._record, outcome=Outcome.INTERRUPTED, reason='the recorder was shut down'))
        self._reporter.shutdown(wait=False, cancel_futures=True)
        if self._report is not None:
            self._report.terminate()
        self._reporter.shutdown()

    def _on_clock(self, message):
        """Simulated time in order with everything else: a message that waited keeps the time at which it came."""
        self._simulated = message.clock.sec * NANOSECONDS + message.clock.nanosec

    def _now(self):
        return self.get_clock().now().nanoseconds if self._simulated is None else self._simulated

    def _take(self, topic, raw):
        taker = self._pre_roll if self._recording is None else self._recording
        taker.put(topic, self._now(), raw)

    def _on_safety(self, raw):
        self._take(SAFETY_STATUS, raw)
        status = deserialize_message(raw, SafetyStatus)
        holding = [(cause.id, cause.source) for cause in status.causes if cause.severity >= Severity.HOLD.value]
        self._note(self._journal.see, status.state_name, status.authority, status.origin, holding)

    def _on_step(self, raw):
        self._take(STEP, raw)
        told = deserialize_message(raw, String).data
        try:
            entry = json.loads(told)
            step = entry['step'], entry['source'], entry['note'], entry['asked']
        except (KeyError, TypeError, ValueError):
            self.get_logger().error(f'{STEP}: not in the journal: expected a JSON object with step, source, note and asked, '
                                    f'got {told!r}')
            return
        self._note(self._journal.step, *step)

    def _note(self, write, *entry):
        try:
            write(*entry, self._record.id if self._recording is not None else '')
        except OSError as error:
            self.get_logger().error(f'journal: {error}', throttle_duration_sec=60.0)

    def _on_event(self, raw):
        event = deserialize_message(raw, EpisodeEvent)
        if event.kind == EpisodeEvent.BEGIN:
            self._begin(event)
        self._take(EPISODE_EVENT, raw)
        if event.kind == EpisodeEvent.BEGIN or self._recording is None or event.episode != self._record.id:
            return
        if event.kind == EpisodeEvent.INTERVENTION_BEGIN:
            self._record = replace(self._record, takeovers=self._record.takeovers + 1)
        elif event.kind == EpisodeEvent.LABEL:
            self._record = replace(self._record, note=event.note)
        elif event.kind == EpisodeEvent.END:
            self._end(event)

    def _begin(self, event):
        if self._recording is not None:
            self._finish(replace(self._record, outcome=Outcome.INTERRUPTED, reason=f'episode {event.episode} began'))
        now = self._now()
        if now == 0:
            return self._refuse(event, 'use_sim_time is set and no /clock has come yet; start the simulator first')
        try:
            record = EpisodeRecord(event.episode, event.task, event.instruction, event.seed, now,
                                   datetime.now(timezone.utc).isoformat(timespec='seconds'), robot=self._robot)
            self._record = record.with_metadata(event.metadata)
            self._recording = Recording(self._output, self._record, self._topics, self._types, self._p.jpeg_quality,
                                        self._p.minimum_free_gb * 1e9, before=self._pre_roll.take(now))
        except (ValueError, RecordingError) as error:
            return self._refuse(event, str(error))
        self.get_logger().info(f'episode {event.episode}: recording')
        self._announce(event.episode, 'recording')

    def _refuse(self, event, message):
        self.get_logger().error(message)
        self._announce(event.episode, 'error', message=message)

    def _end(self, event):
        record = replace(self._record, score=None if math.isnan(event.score) else event.score, steps=event.steps,
                         note=event.note or self._record.note)
        try:
            record = replace(record, outcome=Outcome(event.outcome))
        except ValueError:
            record = replace(record, outcome=Outcome.INTERRUPTED, reason=f'ended as {event.outcome!r}')
        try:
            record = record.with_metadata(event.metadata)
        except ValueError as error:
            self.get_logger().error(f'episode {record.id}: {error}; recorded without it')
        self._finish(record)

    def _check(self):
        """Recording that cannot go on ends here."""
        if self._recording is not None and self._recording.problem:
            self._finish(self._record)

    def _finish(self, record):
        recording, self._recording = self._recording, None
        try:
            folder = recording.finish(record, self._now())
        except RecordingError as error:
            self.get_logger().error(str(error))
            self._announce(record.id, 'error', message=str(error))
            return
        record = recording.record
        for line in (*recording.warnings.values(), *complaints(record.topics)):
            self.get_logger().warning(f'episode {record.id}: {line}')
        self.get_logger().info(f'episode {record.id}: {record.outcome.value} {record.reason}'.rstrip() + f', {folder}')
        if recording.problem:
            self._announce(record.id, 'error', bag=str(folder), outcome=record.outcome.value, message=recording.problem)
        elif rclpy.ok(context=self.context):
            self._reporter.submit(self._write_report, record, folder)

    def _write_report(self, record, folder):
        """In another process, whose plotting and encoding would otherwise hold up the next episode's messages."""
        command = [sys.executable, '-m', 'cosmos_policy_ros.rollouts', str(folder)]
        if self._p.report or self._p.video:
            command += ['--no-video'] if not self._p.video else ['--no-report'] if not self._p.report else []
            self._report = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                            start_new_session=True, preexec_fn=partial(follow_parent, os.getpid()))
            output, _ = self._report.communicate()
            if self._report.returncode == -signal.SIGTERM:
                return
            if self._report.returncode:
                self.get_logger().error(f'episode {record.id}: no report: {output.strip()}')
        written = {name: str(folder / file) if (folder / file).exists() else ''
                   for name, file in (('report', REPORT_FILE), ('video', VIDEO_FILE))}
        self._announce(record.id, 'finished', bag=str(folder), outcome=record.outcome.value, **written)

    def _recover(self):
        try:
            for folder in recover(self._output):
                self.get_logger().warning(f'recovered an episode whose recorder was killed: {folder}')
        except (OSError, RecordingError) as error:
            self.get_logger().error(f'cannot recover abandoned recordings in {self._output}: {error}')

    def _announce(self, episode, state, **entries):
        content = {'episode': episode, 'state': state, 'bag': '', 'outcome': '', 'report': '', 'video': '',
                   'message': '', **entries}
        if rclpy.ok(context=self.context):
            self._announcements.publish(String(data=json.dumps(content)))


def _message_class(name):
    package, _, message = name.split('/')
    return getattr(import_module(f'{package}.msg'), message)


def main():
    """Entry point of the executable ``recorder_node``."""
    run(RecorderNode, (ParameterError,), StreamExecutor, pictures=True)


if __name__ == '__main__':
    main()
