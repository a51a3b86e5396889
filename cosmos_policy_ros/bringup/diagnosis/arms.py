"""What the joint states of the arms tell, and what the start-up checks read from their motors."""
import math

from .check import Check, Fault

NAMES = ('waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper', 'left_finger',
         'right_finger')
DEAD_BUS = 0.01
"""rad around -pi within which all joints count as not read: a failed bus read gives raw zeros."""

FINGER_TOLERANCE = 0.0005
"""m between the finger that the driver reports and the one that the gripper map computes of the motor's angle."""

PARKED = 0.2
"""rad of the pose of rest within which an arm is parked: nobody begins there."""

READ_BY_ARMS = {
    'torque': ('An arm hangs, or sags when touched.', 'torque'),
    'motor_error': ('A joint is limp and its LED blinks.', 'error'),
    'motor_hot': ('A motor is hot, or has switched itself off before.', 'temperature'),
    'operating_mode': ('A gripper overloads, or an arm ignores limits.', 'mode'),
    'profile': ('An arm is sluggish, or jerks.', 'profile'),
    'gains': ('A joint is soft, oscillates or overloads.', 'gains'),
    'gripper_current': ('The gripper motor overloads.', 'current_limit'),
    'pose': ('A joint does not leave its place.', 'pose'),
    'gripper_maps': ('Grippers open too far or not enough.', 'gripper_map'),
}
"""Check here -> (symptom, check of the arms' own start-up checks that finds it and knows the fix)."""


def _heard(findings):
    return [arm for arm in findings.arms if arm.heard]


def silent(findings):
    if findings.graph is None:
        return None
    return [Fault(f'{arm.namespace}/joint_states has a publisher, but nothing comes', {'arm': arm.namespace})
            for arm in findings.arms if not arm.heard and findings.graph.at(f'{arm.namespace}/joint_states')]


def slow(findings):
    arms = [arm for arm in findings.arms if arm.heard > 2]
    if not arms:
        return None
    return [Fault(f'joint states of {arm.namespace} come at {arm.rate:.0f} Hz, expected {findings.expected.state_rate:g}',
                  {'arm': arm.namespace}) for arm in arms if arm.rate < findings.expected.state_rate]


def malformed(findings):
    if not _heard(findings):
        return None
    faults = []
    for arm in _heard(findings):
        missing = [name for name in NAMES if name not in arm.names]
        if missing:
            faults.append(Fault(f'joint states of {arm.namespace} lack {", ".join(missing)}', {'arm': arm.namespace}))
        elif len(set(arm.lengths)) > 1:
            faults.append(Fault(f'joint states of {arm.namespace} have lists of {", ".join(map(str, arm.lengths))} entries '
                                '(name, position, velocity, effort)', {'arm': arm.namespace}))
    return faults


def _dead(arm):
    joints = arm.positions[:7]
    return bool(joints) and all(abs(value + math.pi) < DEAD_BUS for value in joints)


def dead_bus(findings):
    if not _heard(findings):
        return None
    faults = []
    for arm in _heard(findings):
        if _dead(arm):
            faults.append(Fault(f'all joints of {arm.namespace} read -pi: the bus is dead, the arm may be limp',
                                {'arm': arm.namespace}))
        elif not all(map(math.isfinite, arm.positions[:7])):
            faults.append(Fault(f'joint states of {arm.namespace} are not finite: the bus is not read',
                                {'arm': arm.namespace}))
    return faults


def linkage(findings):
    arms = [arm for arm in _heard(findings) if len(arm.positions) >= 8 and all(map(math.isfinite, arm.positions[6:8]))
            and set(NAMES) <= set(arm.names) and not _dead(arm)]
    if not arms:
        return None
    horn, rod = findings.expected.linkage
    faults = []
    for arm in arms:
        angle, finger = (arm.positions[arm.names.index(name)] for name in ('gripper', 'left_finger'))
        expected = horn * math.sin(angle) + math.sqrt(max(0.0, rod ** 2 - (horn * math.cos(angle)) ** 2))
        if abs(expected - finger) > FINGER_TOLERANCE:
            faults.append(Fault(f'{arm.namespace}: at {angle:.3f} rad the driver reports a finger distance of '
                                f'{1000 * finger:.1f} mm, the gripper map {1000 * expected:.1f} mm'))
    return faults


def start_pose(findings):
    """Of arms that stand, and that a running policy may be given."""
    if (findings.graph is None or '/policy' not in findings.graph.nodes or findings.safety is None or findings.safety.armed
            or findings.model is None):
        return None
    faults = []
    for arm in _heard(findings):
        pose = dict(zip(arm.names, arm.positions))
        pose = [pose.get(name, math.nan) for name in NAMES[:6]]
        parked = all(abs(at - rest) < PARKED for at, rest in zip(pose, findings.expected.park))
        if arm.side not in findings.model.start_range or not all(map(math.isfinite, pose)) or parked or _dead(arm):
            continue
        strange = [f'{name} at {at:.2f} rad, not {low:.2f} to {high:.2f}' for name, at, low, high
                   in zip(NAMES, pose, *findings.model.start_range[arm.side]) if not low <= at <= high]
        if strange:
            faults.append(Fault(f'{arm.namespace} stands where the policy was never trained: {"; ".join(strange)}'))
    return faults


def hung(findings):
    if not any(arm.hung or arm.judged is not None for arm in findings.arms):
        return None
    return [Fault(arm.hung, {'arm': arm.namespace}) for arm in findings.arms if arm.hung]


def _read(name):
    def look(findings):
        arms = [arm for arm in findings.arms if arm.judged is not None]
        if not arms:
            return None
        return [Fault(found, {'fix': fix}) for arm in arms for check, found, fix in arm.judged if check == name]
    return look


CHECKS = (
    Check('states_silent', 'The driver runs, but no joint states come.', silent,
          'restart xs_sdk of {arm} with the arm supported; look at its terminal for bus errors'),
    Check('states_slow', 'Joint states come late; tracking looks bad.', slow,
          'set the latency timer of the USB adapter to 1 ms: echo 1 | sudo tee /sys/bus/usb-serial/devices/*/latency_timer; '
          'close whatever else uses the port of {arm}'),
    Check('states_form', 'Readers of joint states fail.', malformed,
          'start the real driver of {arm}: the stock xs_sdk_sim has names and positions only; its motor file needs the '
          'nine joints in joint_order'),
    Check('dead_bus', 'All joints read -3.14, the arm is limp.', dead_bus,
          'support {arm}; check its 12 V supply and USB cable, then restart xs_sdk'),
    Check('gripper_linkage', 'Gripper openings are shifted.', linkage,
          'set gripper_map in config/robot_*.yaml and config/safety.yaml to the linkage of the motor file that the driver '
          'was started with'),
    Check('service_hung', 'Bring-up ends with "has not answered".', hung,
          'support {arm}, end its xs_sdk and start it again; look for bus errors in its terminal'),
    Check('start_pose', 'The policy does something odd from its first rows on.', start_pose,
          'go to the start pose first: cosmos-policy-ros arms prepare'),
    *(Check(name, symptom, _read(read), '{fix}') for name, (symptom, read) in READ_BY_ARMS.items()),
)
