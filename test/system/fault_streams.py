"""Everything that a supervisor listens to, played by the test: arms, cameras, a guard, a stop button, a source of rows."""
import math
from collections import deque

import numpy as np
from builtin_interfaces.msg import Duration, Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_INDICES, CHUNK_ROWS, DRIVER_JOINTS, JOINT_NAMES, SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.msg import ActionChunk, GuardState, JointSetpoint, PictureFingerprint, StopSource
from cosmos_policy_ros.nodes.clock import time_message
from cosmos_policy_ros.nodes.qos import DRIVER, EVENT, ROW
from cosmos_policy_ros.nodes.robot import RobotParameters

STEP = 0.01
STEPS_PER_ROW, STEPS_PER_FRAME, STEPS_PER_HEARTBEAT, STEPS_PER_LOOK = 4, 3, 5, 10
LAG = 0.1
"""s, of every simulated servo behind its goal."""

SWING, PULSE = 0.25, 6.0
"""rad and rad/s of ``swing``: at most 1.5 rad/s."""

IDLE = 300.0
"""mA that a motor draws while nothing is wrong."""

GRIPPERS = GRIPPER_MAPS['ros1']


def swing(start, elapsed):
    """Row (14,) after ``elapsed`` s: both waists, the left one further, and grippers go inwards and back."""
    row, there = start.copy(), 1 - math.cos(PULSE * elapsed)
    for index, share, middle in ((0, SWING, 0.0), (7, SWING / 2, 0.0), (6, SWING, 0.5), (13, SWING, 0.5)):
        row[index] += there * (-share if start[index] > middle else share)
    return row


class Arms:
    """Two arms whose servos follow their goals with a lag; all (14,) in the units of a row, ``speed`` per s.

    ``obeyed``: what the motors make of the goals. ``shown``: what the driver reports of the joints.
    """

    def __init__(self):
        self.measured, self.goal, self.speed = START.copy(), START.copy(), np.zeros(14)
        self.mend()

    def mend(self):
        """Everything works."""
        self.efforts = np.full(14, IDLE)
        self.obeyed = self.shown = lambda joints: joints

    def carry_home(self):
        """Somebody carries the arms to the start pose; grippers stay as they are."""
        for pose in (self.measured, self.goal):
            pose[list(ARM_INDICES)] = START[list(ARM_INDICES)]

    def advance(self, passed):
        """``passed`` s go by."""
        self.speed = (self.obeyed(self.goal.copy()) - self.measured) * (1 - math.exp(-passed / LAG)) / passed
        self.measured += self.speed * passed

    def state(self, side):
        """``JointState`` of one arm as its driver sends it."""
        first = 7 * SIDES.index(side)
        joints, efforts = self.shown(self.measured.copy())[first:first + 7], self.efforts[first:first + 7]
        motor = GRIPPERS.joint_from_action(joints[6])
        finger = GRIPPERS.finger_from_joint(motor)
        return JointState(name=list(DRIVER_JOINTS), position=[*map(float, joints[:6]), float(motor), finger, -finger],
                          velocity=[*map(float, self.speed[first:first + 6]), 0.0, 0.0, 0.0], effort=[*map(float, efforts), 0.0, 0.0])


class Streams:
    """Publishes one step of every stream at a time.

    ``twists`` {stream: function}: each message of that stream passes through it on its way; it returns what is sent
    instead: a message, a list of messages, or None. Streams are 'clock', 'left', 'right', the cameras, 'picture', 'guard', 'stop',
    'chunk', 'row'. ``last`` {stream: message}, as it was before.

    Args:
        node: publishes. arms: ``Arms``.
    """

    def __init__(self, node, arms):
        robot = RobotParameters()
        self._arms, self._step = arms, 0
        self.publishers = {
            'picture': node.create_publisher(PictureFingerprint, '/cosmos_policy/picture_fingerprint', DRIVER),
            'guard': node.create_publisher(GuardState, '/cosmos_policy/guard_state', DRIVER),
            'clock': node.create_publisher(Clock, '/clock', ROW),
            'stop': node.create_publisher(StopSource, '/cosmos_policy/stop', DRIVER),
            'chunk': node.create_publisher(ActionChunk, '/cosmos_policy/chunk', EVENT),
            'row': node.create_publisher(JointSetpoint, '/cosmos_policy/setpoint', ROW)}
        for side in SIDES:
            self.publishers[side.value] = node.create_publisher(JointState, f'{robot.arm(side)}/joint_states', DRIVER)
        for camera in CAMERAS:
            self.publishers[camera] = node.create_publisher(CameraInfo, robot.info_topic(camera), DRIVER)
        self.guards = True   # play the guard, too
        self.frozen = set()  # cameras whose pixels stand still
        self.twists, self.last = {}, {}
        self.source, self.epoch, self.counter, self.planned = 'policy', 0, 0, 0
        self._rows, self._beats, self._path, self._played = 0, 0, None, 0
        self._pressed, self._planned_at = set(), -math.inf
        self.extra = None  # (stamp) -> messages of another sender of rows, in each row's slot
        self.rows_at = deque(maxlen=100)  # s, when rows were sent

    def mend(self):
        """Every stream is as it should be, and no rows come."""
        self.twists.clear()
        self.frozen.clear()
        self._path = self.extra = None
        for name in self._pressed:
            self.heartbeat(id=name)
        self._pressed.clear()

    def play(self, path=swing):
        """Send rows of ``path(start, elapsed s)`` from now on, which starts at the last goal (14,)."""
        self._path, self._start, self._played = path, self._arms.goal.copy(), 0

    def rest(self):
        """Send no more rows."""
        self._path = None

    def send(self, stream, message):
        """Publish a message of a stream, twisted; returns what was sent."""
        self.last[stream] = message
        sent = self.twists.get(stream, lambda message: message)(message)
        sent = sent if isinstance(sent, list) else [] if sent is None else [sent]
        for one in sent:
            self.publishers[stream].publish(one)
        return sent

    def repeat(self, stream):
        """Publish the last message of a stream again, for a receiver that may have missed it."""
        self.publishers[stream].publish(self.last[stream])

    def clock(self, now):
        """It is ``now`` s; returns whether that was sent."""
        return bool(self.send('clock', Clock(clock=time_message(now))))

    def publish(self, now):
        """Send what is due in this step."""
        stamp = time_message(now)
        for side in SIDES:
            self.send(side.value, _stamped(self._arms.state(side), stamp))
        if self._step % STEPS_PER_FRAME == 0:
            for camera in CAMERAS:
                self._frame(camera, stamp)
        if self._step % STEPS_PER_HEARTBEAT == 0:
            self.heartbeat(stamp)
        if self.guards and self._step % STEPS_PER_LOOK == 0:
            self.send('guard', _stamped(GuardState(state=GuardState.WATCHING), stamp))
        if self._step % STEPS_PER_ROW == 0:
            self._send_rows(now, stamp)
        self._step += 1

    def _send_rows(self, now, stamp):
        sent = False
        self._played += 1
        if self._path and (self.planned != self.epoch or now <= self._planned_at):
            # These rows are refused, or may come before the chunk; the motion begins after them.
            self._start, self._played = self._arms.goal.copy(), 0
        if self._path:
            path = self._path(self._start, STEPS_PER_ROW * STEP * self._played)
            sent = self.send('row', self.row(path, stamp))
        for message in self.extra(stamp) if self.extra else ():
            self.publishers['row'].publish(message)
            sent = True
        if sent:
            self.rows_at.append(now)

    def plan(self, now):
        """Send a chunk that was inferred now and stays where the arms are: it opens the way for rows of this epoch."""
        points = [JointTrajectoryPoint(positions=[float(value) for value in self._arms.goal]) for _ in range(CHUNK_ROWS)]
        for number, point in enumerate(points):
            point.time_from_start = Duration(sec=number // 25, nanosec=number % 25 * 40_000_000)
        trajectory = JointTrajectory(joint_names=list(JOINT_NAMES), points=points)
        self.send('chunk', _stamped(ActionChunk(source=self.source, epoch=self.epoch, trajectory=trajectory),
                                    time_message(now)))
        self.planned, self._planned_at = self.epoch, now

    def row(self, positions, stamp=Time()):
        """The next row, as ``JointSetpoint``."""
        self._rows += 1
        return _stamped(JointSetpoint(source=self.source, epoch=self.epoch, sequence=self._rows,
                                      positions=[float(value) for value in positions]), stamp)

    def heartbeat(self, stamp=Time(), id='operator', level=StopSource.RELEASED):
        """One message of a stop source."""
        self._beats += 1
        if level:
            self._pressed.add(id)
        self.send('stop', _stamped(StopSource(id=id, level=level, sequence=self._beats,
                                              supervisor_counter=self.counter), stamp))

    def _frame(self, camera, stamp):
        for message in self.send(camera, _stamped(CameraInfo(), stamp)):
            fingerprint = 0 if camera in self.frozen else self._step
            self.send('picture', PictureFingerprint(header=message.header, camera=camera, fingerprint=fingerprint))


def _stamped(message, stamp):
    message.header.stamp = stamp
    return message


def arm_joints(command):
    """(12,) the arm joints of a row (14,)."""
    return command[list(ARM_INDICES)]
