"""Looks at a running graph for the doctor: it listens, and asks what a driver and a node know. It publishes nothing, and
writes no register and no parameter.
"""
import time
import zlib
from functools import partial

import numpy as np
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from cosmos_policy_ros.arms.arm import Arm as MotorReader
from cosmos_policy_ros.arms.checks import judge, read_arm
from cosmos_policy_ros.arms.driver import ArmError, DriverAbsent, Target
from cosmos_policy_ros.arms.stream import ArmState
from cosmos_policy_ros.bringup.diagnosis.findings import Arm, Camera, Endpoint, Graph, Safety
from cosmos_policy_ros.bringup.diagnosis.graph import OWN_NODES, SOURCES
from cosmos_policy_ros.embodiment.camera_checks import (
    Glance, UNDECIDED, brightness, median_rate, still_time, thumbnail, wrist_cameras)
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, SIDES
from cosmos_policy_ros.embodiment.pictures import PIXEL_BYTES, PictureError
from cosmos_policy_ros.msg import SafetyStatus

from .arm_client import XsSdkClient, answered
from .background import BackgroundNode
from .clock import seconds
from .pictures import PictureReader, subscribe
from .qos import LATCHED, SENSOR
from .running import StreamExecutor

NAME = 'doctor'
DISCOVERY, SETTLING, DISCOVERY_LIMIT = 1.5, 0.7, 20.0
"""s of wall time: first look at what was discovered, between two looks, and the last one."""

SAME = 3
"""Looks one after the other that have to be the same."""

ANSWER = 5.0
"""s of wall time that a node has to tell its parameters."""

SLOWEST = 0.1
"""Simulated seconds a second below which a simulator counts as standing still."""

PICTURES = QoSProfile(depth=2, reliability=ReliabilityPolicy.BEST_EFFORT)
SERIALS = ('serial_no', 'video_device')
"""Parameters by which RealSense and USB drivers name the camera that they opened."""


def _endpoint(info):
    """``Endpoint`` of a ``TopicEndpointInfo``; bytes 2 and 3 of the identifier are Fast DDS's number of the computer."""
    reliable = info.qos_profile.reliability != ReliabilityPolicy.BEST_EFFORT
    kept = info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return Endpoint(_full(info.node_namespace, info.node_name), info.topic_type, 'reliable' if reliable else 'best_effort',
                    'transient_local' if kept else 'volatile', bytes(info.endpoint_gid[2:4]).hex())


def _full(namespace, name):
    return f'{namespace.rstrip("/")}/{name}'


class ArmEar:
    """Joint states of one arm as they come."""

    def __init__(self):
        self.stamps, self.joints, self.arrived, self.last = [], [], [], None

    def take(self, now, message):
        """Take note of a ``JointState``; ``now`` is a function."""
        self.stamps.append(seconds(message.header.stamp))
        self.arrived.append(now())
        self.joints.append(_joints(message))
        self.last = message


class CameraEar:
    """Pictures of one camera as they come, shrunk at once."""

    def __init__(self):
        self.stamps, self.arrived, self.glances = [], [], []
        self.size, self.encoding, self.refused = (0, 0), '', ''
        self._read = PictureReader(encodings=tuple(PIXEL_BYTES))

    def take(self, now, message):
        """Take note of a picture; ``now`` is a function."""
        stamp = seconds(message.header.stamp)
        self.stamps.append(stamp)
        self.arrived.append(now())
        self.encoding = getattr(message, 'encoding', '')
        if self.encoding and self.encoding not in PIXEL_BYTES:
            self.size = message.width, message.height
            return
        try:
            picture = self._read(message)
        except PictureError as error:
            self.refused = str(error)
            return
        self.size = picture.shape[1], picture.shape[0]
        self.glances.append(Glance(stamp, zlib.crc32(memoryview(message.data)), thumbnail(picture)))


def _joints(message):
    index = {name: i for i, name in enumerate(message.name)}
    return [message.position[index[name]] if index.get(name, 99) < len(message.position) else np.nan for name in ARM_JOINTS]


class GraphLook(BackgroundNode):
    """A node in the ROS domain of the environment."""

    def __init__(self):
        super().__init__(NAME, executor=StreamExecutor, enable_rosout=False, start_parameter_services=False)
        self._clock, self._status = None, None
        self.node.create_subscription(Clock, '/clock', self._on_clock, SENSOR)
        self.node.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)

    def _on_clock(self, message):
        self._clock = seconds(message.clock)

    def _on_status(self, message):
        self._status = message

    def now(self):
        """s: simulated time where there is some, else this machine's date."""
        return time.time() if self._clock is None else self._clock

    def _until(self, condition, limit):
        """Whether ``condition()`` held within ``limit`` s of simulated time where there is some, else of wall time."""
        begun, wall = self.now(), time.monotonic()
        while not condition():
            waited = time.monotonic() - wall
            if (waited if self._clock is None else self.now() - begun) > limit or waited > limit / SLOWEST:
                return False
            time.sleep(0.005)
        return True

    def settled_graph(self):
        """The ``Graph`` once discovery brings nothing new."""
        begun, looks = time.monotonic(), []
        time.sleep(DISCOVERY)
        while time.monotonic() < begun + DISCOVERY_LIMIT:
            looks = [*looks, self.graph()][-SAME:]
            if len(looks) == SAME and all(look == looks[0] for look in looks):
                break
            time.sleep(SETTLING)
        return looks[-1]

    def graph(self):
        """The ``Graph`` as discovery shows it now, without this node and without anybody's parameters."""
        node = self.node
        names = [_full(namespace, name) for name, namespace in node.get_node_names_and_namespaces()]
        topics = [topic for topic, _ in node.get_topic_names_and_types()]
        own = f'/{NAME}'
        published = {topic: tuple(map(_endpoint, node.get_publishers_info_by_topic(topic))) for topic in topics}
        read = {topic: tuple(map(_endpoint, node.get_subscriptions_info_by_topic(topic))) for topic in topics}
        host = next((end.host for ends in read.values() for end in ends if end.node == own), '')
        return Graph(tuple(name for name in names if name != own), published,
                     {topic: tuple(end for end in ends if end.node != own) for topic, ends in read.items()},
                     frozenset(name for name, _ in node.get_service_names_and_types()), {}, host)

    def parameters(self, graph):
        """{node: {parameter: value}} of this package's nodes and the cameras' drivers, of those that answer."""
        cameras = {end.node for ends in graph.publishers.values() for end in ends if end.type.endswith('Image')}
        asked = [name for name in dict.fromkeys(graph.nodes) if name in {*OWN_NODES, *SOURCES, '/sim'} | cameras
                 and f'{name}/get_parameters' in graph.services]
        found = {}
        for name in asked:
            try:
                found[name] = self._ask_parameters(name)
            except ArmError:
                pass
        return found

    def _ask_parameters(self, node):
        listing = self.node.create_client(ListParameters, f'{node}/list_parameters')
        getting = self.node.create_client(GetParameters, f'{node}/get_parameters')
        names = answered(listing, ListParameters.Request(depth=1), ANSWER, self._until).result.names
        values = answered(getting, GetParameters.Request(names=names), ANSWER, self._until).values
        return dict(zip(names, map(parameter_value_to_python, values)))

    def listen(self, robot, window, patience):
        """({side: ``ArmEar``}, {camera: ``CameraEar``}) of what comes within ``window`` s, and longer, up to ``patience`` s
        of wall time, while a stream that has a publisher has given too little."""
        arms, cameras = {side: ArmEar() for side in SIDES}, {camera: CameraEar() for camera in CAMERAS}
        made = [self.node.create_subscription(JointState, f'{robot.arm(side)}/joint_states',
                                              partial(ear.take, self.now), SENSOR) for side, ear in arms.items()]
        made += [subscribe(self.node, robot, camera, partial(ear.take, self.now), PICTURES)
                 for camera, ear in cameras.items()]
        begun = time.monotonic()
        wanted = [(f'{robot.arm(side)}/joint_states', ear, 20) for side, ear in arms.items()]
        wanted += [(robot.picture_topic(camera), ear, 8) for camera, ear in cameras.items()]
        while (passed := time.monotonic() - begun) < patience:
            time.sleep(0.05)
            short = [topic for topic, ear, enough in wanted if len(ear.stamps) < enough]
            if passed > window and not any(map(self.node.count_publishers, short)):
                break
        for subscription in made:
            self.node.destroy_subscription(subscription)
        return arms, cameras

    def safety(self):
        """The newest ``Safety``, None when no supervisor was heard."""
        status = self._status
        if status is None:
            return None
        return Safety(status.state_name, status.armed, tuple((cause.id, cause.hint) for cause in status.causes),
                      status.last_event_id, status.config_digest)

    def motors(self, name, motors, ear, expected):
        """(limits, judged, hung) of the driver in the namespace ``name``. ``motors``: ``MotorParameters``."""
        client = XsSdkClient(self.node, name, self._until)
        try:
            info = client.robot_info(Target('group', motors.arm_group), motors.call_limit)
            state = arm_state(ear.last) if ear.last else None
            reader = MotorReader(client, motors.arm_names, motors.call_limits, time.sleep)
            judged = judge(read_arm(reader, state, median_rate(ear.stamps)), expected)
        except DriverAbsent:
            return None, None, ''
        except ArmError as error:
            return None, None, str(error)
        return info, tuple((finding.check, f'{name}: {finding.found}', finding.fix) for finding in judged
                           if finding.found and finding.fails), ''


def arm_state(message):
    """``ArmState`` of a ``JointState``."""
    index = {name: i for i, name in enumerate(message.name)}
    motor, finger = (message.position[index[name]] if index.get(name, 99) < len(message.position) else np.nan
                     for name in ('gripper', 'left_finger'))
    return ArmState(seconds(message.header.stamp), np.array(_joints(message)), motor, finger)


def _age(ear):
    return float(np.median(np.subtract(ear.arrived, ear.stamps))) if ear.stamps else 0.0


def arm_findings(side, namespace, ear, info=None, judged=None, hung=''):
    """``Arm`` of what was heard and asked."""
    last = ear.last or JointState()
    joints = np.array(ear.joints)
    moved = float(np.nanmax(np.ptp(joints, axis=0))) if len(joints) > 1 and np.isfinite(joints).any() else 0.0
    return Arm(side.value, namespace, len(ear.stamps), median_rate(ear.stamps), _age(ear), tuple(last.name),
               tuple(last.position), tuple(len(values) for values in (last.name, last.position, last.velocity, last.effort)),
               moved, tuple(info.lower) if info else None, tuple(info.upper) if info else None, judged, hung)


def camera_findings(name, topic, ear, serial=''):
    """``Camera`` of what was heard."""
    return Camera(name, topic, len(ear.stamps), *ear.size, ear.encoding, median_rate(ear.stamps), _age(ear),
                  ear.stamps[-1] if ear.stamps else 0.0, ear.refused,
                  brightness(ear.glances[-1]) if ear.glances else 128.0, still_time(ear.glances), serial)


def serial_of(graph, topic):
    """Serial number or device that the publisher of a topic says it has opened, '' when it tells none."""
    for endpoint in graph.at(topic):
        parameters = graph.parameters.get(endpoint.node, {})
        for name in SERIALS:
            if parameters.get(name):
                return str(parameters[name])
    return ''


def pairing(arms, cameras):
    """Whether the wrist cameras are swapped, by what moved while it was listened to."""
    left, right = (cameras[camera].glances for camera in ('cam_left_wrist', 'cam_right_wrist'))
    motion = [(ear.stamps, ear.joints) for ear in (arms[side] for side in SIDES)]
    return wrist_cameras(left, right, motion) if all(stamps for stamps, _ in motion) else UNDECIDED
