"""The policy's node: pairs observations, infers chunks in a worker, plays one setpoint every 40 ms."""
import array
import json
import math
from dataclasses import dataclass, replace
from functools import partial

from rclpy.node import Node
from sensor_msgs.msg import Image, JointState

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.chunk import ActionChunk as Chunk
from cosmos_policy_ros.control.pairing import NoObservation, Pairing
from cosmos_policy_ros.control.playback import slowed
from cosmos_policy_ros.control.smoothing import Smoothing
from cosmos_policy_ros.control.timeline import ChunkTimeline
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, JOINT_NAMES, SIDES
from cosmos_policy_ros.embodiment.limits import both_arms
from cosmos_policy_ros.embodiment.pictures import PictureError
from cosmos_policy_ros.msg import ActionChunk, PlanReport, SafetyStatus
from cosmos_policy_ros.policy.errors import PolicyError
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.statistics import START_TOLERANCE
from cosmos_policy_ros.srv import SetTask

from .clock import NodeClock
from .convert import chunk_message, driver_positions, plan_message
from .inference import InferenceParameters, make_backend
from .parameters import ParameterError, declare, parameter
from .pictures import reader, subscribe
from .qos import EVENT, LATCHED, SENSOR
from .row_source import STATUS_SILENCE, RowPublisher
from .running import StartupError, run
from .surprise_watch import SurpriseParameters, SurpriseWatch
from .tasks import load_tasks
from .worker import Worker

AUTHORITY = 'policy'

CLOCK_ROUNDING = 1e-3
"""s; a tenth of the simulated clock's steps."""


@dataclass(frozen=True)
class PolicyParameters(InferenceParameters, SurpriseParameters):
    """Parameters of the policy node beside those of robot, inference and surprise monitor."""

    task: str = parameter('plate', 'task at start: a name of the tasks file')
    tasks: str = parameter('tasks.yaml', 'instruction of every known task: a file in config/, or a full path')
    executed_rows: int = parameter(25, 'rows executed before the next chunk takes over', 1, 50)
    blend_rows: int = parameter(5, 'rows over which two chunks are cross-faded', 0, 25)
    smoothing_window: int = parameter(11, 'rows of the Savitzky-Golay filter over a chunk; 0 is off', 0, 25)
    smoothing_order: int = parameter(2, 'order of that filter', 1, 5)
    playback_speed: float = parameter(1.0, 'share of the trained speed at which chunks are played; may be set while the node runs, '
                                           'for the next chunk', 0.1, 1.0, changeable=True)
    speed_limit: float = parameter(2.5, 'rad/s at which a seam or a ramp may move an arm joint', 0.1, 3.1)
    gripper_speed_limit: float = parameter(2.3, 'openings/s at which a seam or a ramp may move a gripper', 0.1, 5.0)
    expected_latency: float = parameter(0.4, 's, latency of a chunk assumed before the first is measured', 0.0, 10.0)
    latency_mode: str = parameter('async', 'async: infer while the rows before are played; sync: stop, look, '
                                  'and stand while the next chunk is inferred, as published',
                                  choices=('async', 'sync'))
    simulated_latency: float = parameter(0.0, 's of simulated time an inference takes in lock-step, however long it '
                                         'really does; 0 is off', 0.0, 1.0)
    seed: int = parameter(0, 'noise seed of the first chunk; rises by one a chunk', 0, 2 ** 31 - 1)
    max_image_age: float = parameter(0.15, 's, oldest image that may start an inference', 0.02, 1.0)
    max_image_skew: float = parameter(0.04, 's, largest difference between the cameras', 0.001, 0.5)
    publish_imagined: bool = parameter(True, 'publish the imagined future images beside each chunk')


class PolicyNode(Node):
    """Wires cameras, joint states and the supervisor's status to policy and chunk timeline."""

    def __init__(self):
        super().__init__('policy')
        self._p = p = declare(self, PolicyParameters)
        self._time = NodeClock(self)
        self._tasks = load_tasks(config_file(p.tasks))
        if p.task not in self._tasks:
            raise StartupError(f'unknown task {p.task!r}; {p.tasks} knows {", ".join(sorted(self._tasks))}')
        self._instruction = self._tasks[p.task]
        self._backend, self._provenance = make_backend(p)
        self._provenance['policy'] |= {'executed_rows': p.executed_rows, 'smoothing_window': p.smoothing_window,
                                       'seed': p.seed}
        speed = both_arms(p.speed_limit, p.gripper_speed_limit)
        self._timeline = ChunkTimeline(period=CONTROL_PERIOD, executed_rows=p.executed_rows, blend_rows=p.blend_rows,
                                       speed=speed, expected_latency=p.expected_latency, latency_mode=p.latency_mode)
        self._smoothing = Smoothing(p.smoothing_window, p.smoothing_order)
        self._pairing = Pairing(CAMERAS, p.max_image_skew, p.max_image_age)
        self._epoch = self._ended = None
        self._moved = False  # whether a row of this epoch was sent
        self._chunks = 0
        self._inferring, self._requested_at, self._result = None, math.inf, None
        self._status_at, self._stands_from = float('-inf'), math.inf
        self._worker = Worker(self._hand_over, 'inference')
        self._watch = SurpriseWatch(self, p, self._time, self._pairing, self._timeline) if p.surprise != 'off' else None

        self._read_picture = reader(p)
        self._grippers = {side: p.observed_gripper(side) for side in SIDES}
        for side in SIDES:
            self.create_subscription(JointState, f'{p.arm(side)}/joint_states', partial(self._on_joints, side), SENSOR)
        for camera in CAMERAS:
            subscribe(self, p, camera, partial(self._on_image, camera), SENSOR)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.create_service(SetTask, '/cosmos_policy/set_task', self._on_set_task)
        self._chunk_publisher = self.create_publisher(ActionChunk, '/cosmos_policy/chunk', EVENT)
        self._plan_publisher = self.create_publisher(PlanReport, '/cosmos_policy/plan_report', EVENT)
        self._rows = RowPublisher(self, self._time)
        self._imagined = {camera: self.create_publisher(Image, f'/cosmos_policy/imagined/{camera}', EVENT)
                          for camera in CAMERAS} if p.publish_imagined else {}
        self._time.timer(CONTROL_PERIOD / 4, self._play)
        self.get_logger().info(f'ready: {p.server or p.checkpoint}, task {p.task!r}: {self._instruction!r}')

    def close(self):
        """End the threads and what they used."""
        self._worker.close()
        if self._watch:
            self._watch.close()
        self._backend.close()

    def _on_joints(self, side, message):
        positions = driver_positions(message, self._grippers[side])
        self._pairing.add_joints(side, self._time.from_stamp(message.header.stamp), positions)

    def _on_image(self, camera, message):
        try:
            image = self._read_picture(message)
        except PictureError as error:
            self.get_logger().error(f'{self._p.picture_topic(camera)}: {error}', throttle_duration_sec=5.0)
            return
        self._pairing.add_image(camera, self._time.from_stamp(message.header.stamp), image)

    def _on_set_task(self, request, response):
        instruction = request.instruction or self._tasks.get(request.task, '')
        response.accepted = bool(instruction)
        if response.accepted:
            self._instruction = response.instruction = instruction
            response.policy = json.dumps(self._provenance)
        else:
            response.message = f'unknown task {request.task!r}; known: {", ".join(sorted(self._tasks))}'
        return response

    def _on_status(self, status):
        now = self._time.now()
        self._status_at = now
        mine = status.armed and status.authority == AUTHORITY
        if not mine:
            self._end_epoch()
        elif status.epoch not in (self._epoch, self._ended) and status.state == SafetyStatus.HELD:
            # Only what is seen from here on shows the arms where this epoch begins.
            self._epoch, self._chunks, self._stands_from = status.epoch, 0, self._time.from_stamp(status.header.stamp)
            self._moved = False
            self._timeline.start(status.epoch, now, status.command)
            if self._watch:
                self._watch.forget()

    def _end_epoch(self):
        if self._epoch is not None:
            self._ended, self._epoch = self._epoch, None
            self._requested_at, self._result = math.inf, None
            self._timeline.stop()

    def _play(self):
        now = self._time.now()
        if self._epoch is None:
            return
        if now - self._status_at > STATUS_SILENCE:
            if self._moved:  # before the first row nothing is under way: as discovery ends, statuses may still come with gaps
                self.get_logger().error('no safety status: holding')
                self._end_epoch()
            return
        if not self._take_result(now):
            return  # in lock-step simulated time waits for the next row
        setpoint = self._timeline.setpoint(now)
        if setpoint is not None:
            self._moved = True
            self._rows.publish(replace(setpoint, source=AUTHORITY))
            if self._watch:
                self._watch.ask(setpoint.target_time, setpoint.positions)
        if self._timeline.wants_chunk(now):
            self._request_chunk(now)

    def _request_chunk(self, now):
        if self._inferring is not None:
            return  # still for an epoch that has ended
        try:
            paired = self._pairing.observe(now)
            if paired.stamp < max(self._stands_from, self._timeline.looks_from):
                return
            observation = Observation(paired.stamp, paired.images, paired.positions)
        except (NoObservation, PolicyError) as error:
            self.get_logger().warning(f'no chunk: {error}', throttle_duration_sec=1.0)
            return
        if not self._chunks:
            self._look_at_start(paired.positions)
        sequence, instruction = self._chunks, self._instruction
        seed = self._p.seed + sequence
        self._chunks += 1
        self._inferring, self._requested_at = self._epoch, now
        self._timeline.requested(now)
        self._worker.submit(lambda: (sequence, seed, instruction, *self._infer(observation, instruction, seed)))

    def _look_at_start(self, positions):
        """To begin where the policy was never trained from is no reason to stop, but one to know."""
        beyond = self._backend.statistics.beyond(positions) if self._backend.statistics else ()
        strange = [f'{name} by {value:.2f}' for name, value in zip(JOINT_NAMES, beyond) if value > START_TOLERANCE]
        if strange:
            self.get_logger().warning(f'the start pose lies outside the training data: {", ".join(strange)}; go to the '
                                      'start pose first, for instance with "cosmos-policy-ros arms prepare"')

    def _infer(self, observation, instruction, seed):
        """In the worker's thread: an ``Inference`` and, where somebody looks whether it comes true, what it imagined."""
        imagine = self._p.publish_imagined or self._watch is not None
        inference = self._backend.infer(observation, instruction, seed, imagine, self._p.budget or None)
        return observation, inference, self._watch and self._watch.imagination(observation, inference)

    def _hand_over(self, result):
        """From the worker's thread into the node's own."""
        self.executor.create_task(self._on_result, result)

    def _on_result(self, result):
        epoch, self._inferring = self._inferring, None
        if isinstance(result, Exception) and not isinstance(result, PolicyError):
            raise result
        if epoch == self._epoch:
            self._result = result
            self._play()

    def _take_result(self, now):
        """Play what the inference under way has yielded; False while its simulated latency is over but nothing came."""
        if now - self._requested_at < self._p.simulated_latency - CLOCK_ROUNDING:
            return True
        if self._result is None:
            return not self._p.simulated_latency
        result, self._result, self._requested_at = self._result, None, math.inf
        if self._p.simulated_latency:
            # Nobody waits for the first chunk, while the arms stand; how long it took must not time the others.
            self._timeline.requested(now - self._p.simulated_latency)
        if isinstance(result, PolicyError):
            self.get_logger().error(f'inference failed: {result}')
            self._timeline.failed(str(result), now)
            return True
        sequence, seed, instruction, observation, inference, imagination = result
        share = self.get_parameter('playback_speed').value
        self._accept(Chunk(
            epoch=self._epoch, sequence=sequence, observed_at=observation.stamp, period=CONTROL_PERIOD,
            rows=slowed(self._smoothing(inference.actions), share), source=AUTHORITY, instruction=instruction, seed=seed,
            value=inference.value, latencies=inference.latencies, planner=inference.planner), inference,
            imagination and imagination.slowed(share), now)
        return sequence > 0  # the first row of an epoch follows in the next cycle: the supervisor wants a chunk before

    def _accept(self, chunk, inference, imagination, now):
        splice = self._timeline.accept(chunk, now)
        if splice.refused:
            self.get_logger().warning(f'chunk {chunk.sequence} of epoch {chunk.epoch} refused: {splice.refused.value}')
            return
        self._chunk_publisher.publish(chunk_message(chunk, self._time))
        if inference.plan is not None:
            self._plan_publisher.publish(plan_message(inference.plan, chunk, self._time))
        if inference.future_images is not None:
            self._publish_imagined(chunk, inference.future_images)
        if imagination is not None:
            self._watch.imagine(imagination)

    def _publish_imagined(self, chunk, images):
        for camera, publisher in self._imagined.items():
            image = images[camera]
            data = array.array('B')
            data.frombytes(image.tobytes())
            message = Image(height=image.shape[0], width=image.shape[1], encoding='rgb8', step=3 * image.shape[1], data=data)
            message.header.stamp = self._time.to_stamp(chunk.observed_at)
            message.header.frame_id = camera
            publisher.publish(message)


def main():
    """Entry point of the executable ``policy_node``."""
    run(PolicyNode, (ParameterError, PolicyError), pictures=True)


if __name__ == '__main__':
    main()
