"""Nodes, topics, services and their quality of service."""
import math

from .check import Check, Fault
from .findings import BEST_EFFORT, RELIABLE, TRANSIENT_LOCAL, VOLATILE

JOINT_STATE = 'sensor_msgs/msg/JointState'
PICTURES = {'raw': 'sensor_msgs/msg/Image', 'compressed': 'sensor_msgs/msg/CompressedImage'}
SUPERVISOR = '/safety_supervisor'
OWN_NODES = (SUPERVISOR, '/safety_guard', '/safety_monitor', '/recorder', '/rollout')
SOURCES = ('/policy', '/teleop', '/replay')
"""Nodes of which one offers rows to the supervisor."""

SHARED_NAMES = ('arm_left', 'arm_right', 'gripper_map', 'cam_high_topic', 'cam_left_wrist_topic', 'cam_right_wrist_topic',
                'camera_transport')
"""Parameters that all nodes have to agree on."""

COMMANDERS = frozenset({SUPERVISOR, '/safety_guard'})


def short(namespace):
    """A namespace without its slashes, as parameters are written."""
    return namespace.strip('/')


def _drivers(graph):
    """Namespaces that publish joint states of an arm driver: those with the driver's command topic beside them."""
    return [topic.rpartition('/')[0] for topic, endpoints in graph.publishers.items()
            if topic.endswith('/joint_states') and any(end.type == JOINT_STATE for end in endpoints)
            and topic.replace('/joint_states', '/commands/joint_group') in graph.subscriptions]


def _absent_arms(findings):
    return [arm for arm in findings.arms if not findings.graph.at(f'{arm.namespace}/joint_states')]


def wrong_namespace(findings):
    if findings.graph is None:
        return None
    expected = {arm.namespace for arm in findings.arms}
    strangers = [name for name in _drivers(findings.graph) if name not in expected and 'leader' not in name
                 and 'master' not in name]
    absent = _absent_arms(findings)
    if not absent or not strangers:
        return []
    return [Fault(f'no joint states from {arm.namespace}, but an arm driver is at {", ".join(strangers)}',
                  {'side': arm.side, 'namespace': short(strangers[min(i, len(strangers) - 1)])})
            for i, arm in enumerate(absent)]


def driver_missing(findings):
    if findings.graph is None or not findings.expected.robot:
        return None
    if wrong_namespace(findings):
        return []
    return [Fault(f'nobody publishes {arm.namespace}/joint_states') for arm in _absent_arms(findings)]


def driver_deaf(findings):
    if findings.graph is None or not findings.expected.robot:
        return None
    faults = []
    for arm in findings.arms:
        talkers = {end.node for end in findings.graph.at(f'{arm.namespace}/joint_states')}
        for command in ('joint_group', 'joint_single'):
            topic = f'{arm.namespace}/commands/{command}'
            listeners = {end.node for end in findings.graph.subscriptions.get(topic, ())}
            if talkers and not talkers & listeners:
                names = ', '.join(sorted(talkers))
                faults.append(Fault(f'{names} publishes joint states but does not listen to {topic}', {'topic': topic}))
    return faults


def services_missing(findings):
    if findings.graph is None or not findings.expected.robot:
        return None
    faults = []
    for arm in findings.arms:
        missing = [name for name in findings.expected.arm_services
                   if f'{arm.namespace}/{name}' not in findings.graph.services]
        if missing and findings.graph.at(f'{arm.namespace}/joint_states'):
            faults.append(Fault(f'{arm.namespace} lacks the services {", ".join(missing)}', {'arm': arm.namespace}))
    return faults


def node_missing(findings):
    if findings.graph is None or not findings.expected.nodes:
        return None
    missing = [name for name in OWN_NODES if name not in findings.graph.nodes]
    if not set(SOURCES) & set(findings.graph.nodes):
        missing.append('/policy')
    return [Fault(f'{", ".join(missing)} not running')] if missing else []


def node_twice(findings):
    if findings.graph is None:
        return None
    counts = {name: findings.graph.nodes.count(name) for name in findings.graph.nodes if name in (*OWN_NODES, *SOURCES, '/sim')}
    return [Fault(f'{count} nodes are called {name}', {'node': name}) for name, count in counts.items() if count > 1]


def second_commander(findings):
    if findings.graph is None:
        return None
    faults = []
    for arm in findings.arms:
        strangers = {end.node for command in ('joint_group', 'joint_single', 'joint_trajectory')
                     for end in findings.graph.at(f'{arm.namespace}/commands/{command}')} - COMMANDERS
        faults += [Fault(f'{node} publishes commands of {arm.namespace} beside the supervisor', {'node': node})
                   for node in sorted(strangers)]
    return faults


def _compatible(publisher, subscription):
    return not (publisher.reliability == BEST_EFFORT and subscription.reliability == RELIABLE
                or publisher.durability == VOLATILE and subscription.durability == TRANSIENT_LOCAL)


def qos_mismatch(findings):
    if findings.graph is None:
        return None
    faults = []
    for topic, publishers in findings.graph.publishers.items():
        for publisher in publishers:
            for reader in findings.graph.subscriptions.get(topic, ()):
                if publisher.type == reader.type and not _compatible(publisher, reader):
                    faults.append(Fault(
                        f'{topic}: {publisher.node} offers {publisher.reliability} {publisher.durability}, {reader.node} '
                        f'demands {reader.reliability} {reader.durability}: nothing passes',
                        {'topic': topic, 'node': publisher.node}))
    return faults


def type_mismatch(findings):
    if findings.graph is None:
        return None
    expected = {f'{arm.namespace}/joint_states': JOINT_STATE for arm in findings.arms}
    expected |= {camera.topic: PICTURES[findings.expected.transport] for camera in findings.cameras}
    return [Fault(f'{topic}: {end.node} publishes {end.type}, expected {kind}', {'topic': topic})
            for topic, kind in expected.items() for end in findings.graph.at(topic) if end.type != kind]


def _alike(camera, topics):
    """Topics that may be meant for ``camera``: they carry the words of its name, least differing first."""
    words = camera.name.removeprefix('cam_').split('_')
    return sorted((topic for topic in topics if all(word in topic for word in words)),
                  key=lambda topic: abs(len(topic) - len(camera.topic)))


def camera_missing(findings):
    if findings.graph is None or not findings.expected.robot:
        return None
    kind, suffix = PICTURES[findings.expected.transport], '/compressed' * (findings.expected.transport == 'compressed')
    pictures = [topic for topic, ends in findings.graph.publishers.items() if any(end.type == kind for end in ends)
                and not topic.startswith('/cosmos_policy/') and 'depth' not in topic and 'infra' not in topic]
    faults = []
    for camera in findings.cameras:
        if findings.graph.at(camera.topic):
            continue
        others = _alike(camera, pictures)
        faults.append(Fault(f'nobody publishes {camera.topic}' + (f', but there is {", ".join(others)}' if others else ''),
                            {'camera': camera.name,
                             'topic': (others or ['TOPIC'])[0].removesuffix(suffix)}))
    return faults


def camera_twice(findings):
    if findings.graph is None:
        return None
    return [Fault(f'{camera.topic} has {len(ends)} publishers: {", ".join(end.node for end in ends)}',
                  {'node': ends[-1].node, 'topic': camera.topic})
            for camera in findings.cameras if len(ends := findings.graph.at(camera.topic)) > 1]


def _recorder_reads(findings, topic):
    return any(end.node == '/recorder' for end in findings.graph.subscriptions.get(topic, ()))


def recorder_encodes(findings):
    if findings.graph is None or not findings.cameras:
        return None
    raw = [camera.topic for camera in findings.cameras]
    if not all(_recorder_reads(findings, topic) and findings.graph.at(f'{topic}/compressed') for topic in raw):
        return []
    return [Fault('the recorder encodes raw pictures, and all cameras offer JPEG beside them')]


def recorder_starves(findings):
    if findings.graph is None:
        return None
    topics = [f'{camera.topic.removesuffix("/compressed")}/compressed' for camera in findings.cameras]
    return [Fault(f'the recorder waits for {topic}, which nobody publishes', {'topic': topic}) for topic in topics
            if _recorder_reads(findings, topic) and not findings.graph.at(topic)]


def names_differ(findings):
    if findings.graph is None or not findings.graph.parameters:
        return None
    faults = []
    for name in SHARED_NAMES:
        values = {}
        for node, parameters in findings.graph.parameters.items():
            if node in (*OWN_NODES, *SOURCES, '/sim') and name in parameters:
                values.setdefault(parameters[name], []).append(node)
        if len(values) > 1:
            faults.append(Fault(f'{name}: ' + '; '.join(f'{value!r} in {", ".join(nodes)}'
                                                        for value, nodes in values.items()), {'name': name}))
    return faults


def supervisor_latched(findings):
    if findings.safety is None:
        return None
    if findings.safety.state not in ('PROTECTIVE_STOP', 'ESTOPPED', 'FAULT'):
        return []
    causes = '; '.join(f'{cause} ({hint})' for cause, hint in findings.safety.causes) or 'no cause active any more'
    return [Fault(f'the supervisor is in {findings.safety.state}: {causes}', {'event': findings.safety.last_event})]


def limits_changed(findings):
    if findings.safety is None or not findings.safety.digest or not findings.expected.safety_digest:
        return None
    if findings.safety.digest == findings.expected.safety_digest:
        return []
    return [Fault('the supervisor runs with other limits than the safety configuration on the disk')]


def limits_beyond_driver(findings):
    known = [arm for arm in findings.arms if arm.lower]
    if not known:
        return None
    lower, upper = findings.expected.envelope
    faults = []
    for arm in known:
        joints = [i for i in range(len(arm.lower)) if lower[i] < arm.lower[i] or upper[i] > arm.upper[i]]
        faults += [Fault(f'{arm.namespace} joint {i}: commands may go from {lower[i]:.3f} to {upper[i]:.3f} rad, the driver '
                         f'takes {arm.lower[i]:.3f} to {arm.upper[i]:.3f} and drops the rest in silence',
                         {'lower': f'{arm.lower[i] + 0.01:.3f}', 'upper': f'{arm.upper[i] - 0.01:.3f}'})
                   for i in joints]
    return faults


def park_pose(findings):
    known = [arm for arm in findings.arms if arm.lower]
    lower, upper = findings.expected.envelope
    bounds = {'the safety configuration': (lower, upper), **{arm.namespace: (arm.lower, arm.upper) for arm in known}}
    return [Fault(f'the pose of rest {tuple(findings.expected.park)} lies outside the limits of {where}: joint {i} at '
                  f'{value:.3f} rad, limits {low[i]:.3f} to {high[i]:.3f}; the arm would stop short of it in silence')
            for where, (low, high) in bounds.items() for i, value in enumerate(findings.expected.park)
            if not math.isfinite(value) or not low[i] <= value <= high[i]]


CHECKS = (
    Check('arm_namespace', 'No joint states; "ros2 topic list" shows them under another name.', wrong_namespace,
          'set arm_{side}: {namespace} in config/robot_*.yaml, or start with another robot:=... (ros1_names: puppet_left)'),
    Check('arm_driver', 'No joint states at all.', driver_missing,
          'switch the arms on, support them, then: ros2 launch aloha aloha_bringup.launch.py'),
    Check('arm_deaf', 'Joint states come, but the arm takes no commands.', driver_deaf,
          'start the driver under the namespace of the robot file, so that it listens to {topic}'),
    Check('arm_services', 'Bring-up waits for services of an arm.', services_missing,
          'end what calls itself the driver of {arm} and start xs_sdk again, with the arm supported'),
    Check('own_nodes', 'Nothing arms; blockers name a companion that was never heard.', node_missing,
          'start the graph again: cosmos-policy-ros up direct; the log of the missing node says why it ended'),
    Check('node_twice', 'Services answer twice or not at all; two programs fight.', node_twice,
          'end one of them: cosmos-policy-ros doctor names the processes; or give each graph its own ROS_DOMAIN_ID'),
    Check('second_commander', 'The arm jerks between two targets.', second_commander,
          'end {node}: only the supervisor may command the arms'),
    Check('qos', 'A topic is there, yet nothing arrives.', qos_mismatch,
          'let {node} offer what the reader demands on {topic}; for cameras: --ros-args -p color_qos:=SYSTEM_DEFAULT'),
    Check('topic_type', 'A topic is there, yet nothing arrives.', type_mismatch,
          'let {topic} carry the expected type, or set camera_transport to what the camera sends'),
    Check('camera_topic', 'No pictures of one camera.', camera_missing,
          'start its driver; when it runs under another name (ros2 topic list): set {camera}_topic: {topic} in '
          'config/cameras_*.yaml, or start with another cameras:=...'),
    Check('camera_twice', 'Pictures jump between two views.', camera_twice, 'end {node}, which also publishes {topic}'),
    Check('recorder_encodes', 'Recording takes 30 % of a core.', recorder_encodes,
          'set recorded_transport: compressed in config/recorder.yaml: it costs a third'),
    Check('recorder_starves', 'Episodes are without pictures.', recorder_starves,
          'install image_transport_plugins and restart the camera, so that it offers {topic}; or set recorded_transport: '
          'same in config/recorder.yaml'),
    Check('names_differ', 'One node sees the robot, another does not.', names_differ,
          'start all nodes with the same robot:=... and cameras:=..., so that they agree on {name}'),
    Check('latched', 'The arms stand and do not arm.', supervisor_latched,
          'remove the cause, then: ros2 service call /cosmos_policy/reset_safety cosmos_policy_ros/srv/ResetSafety '
          '"{{event_id: {event}}}"'),
    Check('limits_changed', 'A changed limit has no effect.', limits_changed,
          'disarm, then restart the supervisor: cosmos-policy-ros up direct'),
    Check('limits_beyond_driver', 'A joint stops short of its target without a message.', limits_beyond_driver,
          'tighten arm_lower and arm_upper in config/safety.yaml to {lower} and {upper} for that joint'),
    Check('park_pose', 'The arm does not reach its pose of rest.', park_pose,
          'set the sleep pose of config/robot_*.yaml inside the limits, for example [0, -1.75, 1.58, 0, -1.6, 0]'),
)
