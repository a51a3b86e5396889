"""The faults, each with what the supervisor has to do about it in every mode."""
import math
import signal
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from fault_cell import STATUS_PERIOD, Expected, Mode, Reaction
from fault_streams import LAG, STEP, STEPS_PER_ROW
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.qos import QoSProfile, ReliabilityPolicy

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.msg import JointSetpoint
from cosmos_policy_ros.nodes.background import BackgroundNode
from cosmos_policy_ros.nodes.clock import seconds, time_message

SIDES = ('left', 'right')
ROW = STEPS_PER_ROW * STEP
HOUR = 3600.0
AT_ONCE = STEP
"""s; S1: one period, and one on the way."""
LOOKS = 0.5
"""s between two looks at other publishers; the first may come before the publisher's name has."""
SHOWN = STATUS_PERIOD + ROW
"""s until a refused row is in the status."""


@dataclass(frozen=True)
class Fault:
    """``begin(rig)`` starts it and may return the reply to a request; ``rig.mend()`` ends it.

    ``expected``: ``Expected`` by ``Mode``. ``takes``: s that rows may take until the first one is bad; the deadline then
    counts from that row. ``loses_time``: while the arms stand, for the supervisor does not run or its clock goes wrong.
    ``guarded``: the real guard has to run beside the supervisor.
    """

    id: str
    group: str
    text: str
    begin: callable
    expected: dict
    takes: float = 0.0
    loses_time: bool = False
    guarded: bool = False


def _modes(ready, held, running, stopping, stopped):
    return dict(zip(Mode, (ready, held, running, stopping, stopped)))


NOTHING = Expected(Reaction.NONE)


def always(cause, deadline):
    """A stop in every mode."""
    return dict.fromkeys(Mode, Expected(Reaction.STOP, cause, deadline))


def while_armed(cause, deadline, bar='', bar_deadline=0.0):
    """A stop while a source has the arms; else it stands against arming and reset, or nothing happens."""
    stop = Expected(Reaction.STOP, cause, deadline)
    barred = Expected(Reaction.BAR, bar, (bar_deadline or deadline) + STATUS_PERIOD) if bar else NOTHING
    return _modes(barred, stop, stop, stop, barred)


def bad_rows(cause):
    """A hold where rows may move the arms; refused elsewhere. While braking they are ignored, and judged after it."""
    refused = Expected(Reaction.REFUSE, '', SHOWN)
    hold = Expected(Reaction.HOLD, cause, ROW + AT_ONCE)
    return _modes(refused, hold, hold, Expected(Reaction.HOLD, cause, 3 * ROW + AT_ONCE), refused)


def refused():
    """Rows that are refused and counted while good ones go on, in every mode."""
    return dict.fromkeys(Mode, Expected(Reaction.REFUSE, '', SHOWN))


def only_running(cause, deadline, reaction=Reaction.HOLD):
    """It matters only while rows move the arms."""
    return _modes(NOTHING, NOTHING, Expected(reaction, cause, deadline), NOTHING, NOTHING)


def missing(companion):
    """A process around the supervisor is missed: no arming, but motion that is under way goes on."""
    shown = Expected(Reaction.SHOW, 'companion_missing', 1.0 + 2 * LOOKS)
    return _modes(Expected(Reaction.BAR, companion, 1.0 + 2 * LOOKS + STATUS_PERIOD), shown, shown, shown, shown)


def _twist(*streams, by, play=False):
    def begin(rig):
        for stream in streams:
            rig.streams.twists[stream] = by
        if play:
            rig.streams.play()
    return begin


def _drop(message):
    return None


def _fingerprints_lost(rig):
    if rig.state != 'RUNNING':  # what is left of a motion may or may not be enough to miss pictures in
        rig.until(lambda: rig.state != 'STOPPING', 0.5, 'the end of the brake')
        rig.step(round(5 * LAG / STEP))
    _twist('picture', by=_drop)(rig)


def _changed(**fields):
    def change(message):
        for name, value in fields.items():
            setattr(message, name, value(message) if callable(value) else value)
        return message
    return change


def _stamped(shift):
    """Stamps are off by ``shift`` s."""
    def change(message):
        message.header.stamp = time_message(seconds(message.header.stamp) + shift)
        return message
    return change


def _zero_stamp(message):
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    return message


class Repeated:
    """The first message again and again."""

    def __init__(self):
        self._first = None

    def __call__(self, message):
        self._first = self._first or message
        return self._first


class OneIn:
    """Lets one message in ``count`` pass."""

    def __init__(self, count):
        self._count, self._seen = count, 0

    def __call__(self, message):
        self._seen += 1
        return message if self._seen % self._count == 0 else None


def _fresh(*streams, by):
    """As ``_twist`` with a function that has a memory."""
    return lambda rig: _twist(*streams, by=by())(rig)


def _row_fault(id, text, cause, change):
    return Fault(id, 'rows', text, _twist('row', by=_changed(positions=change), play=True), bad_rows(cause))


def _drive(*joints):
    """Both arms move the joints (index, rad/s) steadily."""
    def path(start, elapsed):
        row = start.copy()
        for index, speed in joints:
            row[[index, 7 + index]] += speed * elapsed
        return row
    return lambda rig: rig.streams.play(path)


def _beside(**changes):
    """Another sender of rows beside the good one; a change may be a function of the current value."""
    def begin(rig):
        def extra(stamp):
            message = rig.streams.row(rig.arms.goal + 0.01, stamp)
            return [_changed(**changes)(message)]
        rig.streams.extra = extra
    return begin


def _twice(rig):
    def double(message):
        again = rig.streams.row(np.array(message.positions) + 0.02, message.header.stamp)
        return [message, again]
    rig.streams.twists['row'] = double


def _unreliable_rows(rig):
    streams = rig.streams
    good = streams.publishers['row']
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    streams.publishers['row'] = rig.node.create_publisher(JointSetpoint, good.topic_name, qos)

    def mend():
        rig.node.destroy_publisher(streams.publishers['row'])
        streams.publishers['row'] = good
    rig.at_mend(mend)


def _press(rig, id='operator', times=1, stuck=True):
    if stuck:
        rig.streams.twists['stop'] = _changed(level=1)
    for _ in range(times):
        rig.streams.heartbeat(rig.stamp, id=id, level=1)


def _many_names(rig):
    for number in range(8):
        rig.streams.heartbeat(rig.stamp, id=f'stranger {number}', level=1)


def _flap(rig):
    begun = rig.now
    rig.streams.twists['stop'] = lambda message: message if rig.now > begun + 0.2 else None


def _other_context(rig, name):
    other = BackgroundNode(name, rig.domain)
    rig.at_mend(other.close)
    return other.node


DISCOVERY = 4.0
"""s of wall time in which the supervisor finds what another process has found; simulated time stands still meanwhile.
Fast DDS sends an announcement that was lost again after 3 s."""


def _second_publisher(rig):
    topic = '/follower_left/commands/joint_group'
    _other_context(rig, 'intruder').create_publisher(JointGroupCommand, topic, 10)
    wait(lambda: 'intruder' in [info.node_name for info in rig.node.get_publishers_info_by_topic(topic)], 'discovery')
    time.sleep(DISCOVERY)


def _namesake(rig):
    _other_context(rig, 'safety_supervisor')
    time.sleep(DISCOVERY)


def _jump(by):
    return lambda rig: rig.jump(by)


def _pause(rig):
    time.sleep(0.5)


def _stand_still(rig):
    """The process does nothing for 0.3 s while time goes on, and then sees what the time is, but not each tick in between: no
    robot's clock waits in a queue.
    """
    rig.kill(signal.SIGSTOP)
    rig.streams.twists['clock'] = _drop
    rig.step(30, answered=False)
    del rig.streams.twists['clock']
    rig.kill(signal.SIGCONT)


def _everything_lost(rig):
    for stream in (*SIDES, *CAMERAS, 'stop', 'row'):
        rig.streams.twists[stream] = _drop


LOOK = 1.2
"""s of wall time in which the supervisor looks at its configuration file again."""


def _config_changed(rig):
    text = rig.config_file.read_text()

    def write(text):
        rig.config_file.write_text(text)
        time.sleep(LOOK)
    write(text.replace('slow_scale: 0.5', 'slow_scale: 0.6'))
    rig.at_mend(lambda: write(text))


def _arms(**changes):
    """``Arms`` attributes, each a function of the rig."""
    def begin(rig):
        for name, value in changes.items():
            setattr(rig.arms, name, value(rig))
    return begin


def _stuck(*joints):
    """Joints that stay where they are."""
    def obeyed(rig):
        pose = rig.arms.measured.copy()

        def obey(goal):
            goal[list(joints)] = pose[list(joints)]
            return goal
        return obey
    return obeyed


def _swapped(rig):
    pose = rig.arms.goal.copy()

    def obey(goal):
        moved = goal - pose
        return pose + np.concatenate([moved[7:], moved[:7]])
    return obey


def _moved(joint, speed):
    """A joint is measured to move by itself, at ``speed`` rad/s; at an infinite one it jumps by 0.6 rad."""
    def shown(rig):
        begun = rig.now

        def show(joints):
            joints[joint] += min(0.6, speed * (rig.now - begun))
            return joints
        return show
    return shown


def _currents(*joints, at):
    def efforts(rig):
        currents = rig.arms.efforts.copy()
        currents[list(joints)] = at
        return currents
    return efforts




def _gripper_off(rig):
    _arms(obeyed=_stuck(6), efforts=_currents(6, at=0.0))(rig)

    def opening(start, elapsed):
        row = start.copy()
        row[6] += math.copysign(min(0.4, elapsed), 0.5 - start[6])
        return row
    rig.streams.play(opening)


JOINTS, STALE = 'joint states of the left arm', 0.1
REFUSED_REQUEST = dict.fromkeys(Mode, Expected(Reaction.REFUSE))

FAULTS = (
    Fault('source_silent', 'rows', 'the source is killed, or hangs', lambda rig: rig.streams.rest(),
          only_running('policy_starved', 0.08)),
    Fault('source_slow', 'rows', 'rows come at 5 Hz', _fresh('row', by=partial(OneIn, 5)),
          only_running('policy_starved', 0.08)),
    _row_fault('row_nan', 'a row with NaN', 'setpoint_nonfinite', lambda row: [math.nan, *row.positions[1:]]),
    _row_fault('row_infinite', 'a row with infinity', 'setpoint_nonfinite', lambda row: [*row.positions[:13], -math.inf]),
    _row_fault('row_short', 'a row of 13 numbers', 'setpoint_shape', lambda row: row.positions[:13]),
    _row_fault('row_empty', 'an empty row', 'setpoint_shape', []),
    _row_fault('row_huge', 'a row of 10,000 numbers', 'setpoint_shape', [0.0] * 10_000),
    _row_fault('row_jump', 'a row half a radian away', 'far_outside_limits', lambda row: [x + 0.5 for x in row.positions]),
    _row_fault('row_order', 'a row with left and right swapped and one column moved', 'far_outside_limits',
               lambda row: [*row.positions[8:], *row.positions[:8]]),
    _row_fault('row_degrees', 'a row in degrees', 'far_outside_limits', lambda row: [57.3 * x for x in row.positions]),
    Fault('row_fast', 'rows', 'a joint is led two per cent too fast all the time', _drive((5, 3.06)),
          bad_rows('too_many_clamped'), 0.8),
    Fault('row_table', 'rows', 'rows lead into the table', _drive((1, 1.0)), bad_rows('workspace'), 4.0),
    Fault('row_arms', 'rows', 'rows lead the arms into each other', _drive((1, 1.0), (2, -1.0)),
          bad_rows('arm_clearance'), 4.0),
    Fault('row_late', 'rows', 'rows half a second late', _twist('row', by=_stamped(-0.5)),
          only_running('policy_starved', 0.08)),
    Fault('row_early', 'rows', 'rows for half a second ahead', _twist('row', by=_stamped(0.5)),
          only_running('policy_starved', 0.08)),
    Fault('row_other_epoch', 'rows', 'another process sends rows of an older epoch', _beside(
        epoch=lambda row: row.epoch - 1), refused()),
    Fault('row_other_source', 'rows', 'another source sends rows', _beside(source='teleop'), refused()),
    Fault('row_replayed', 'rows', 'each row comes twice', _twist('row', by=lambda row: [row, row]),
          only_running('', SHOWN, Reaction.REFUSE)),
    Fault('row_doubled', 'rows', 'two processes send rows as the same source', _twice,
          only_running('', SHOWN, Reaction.REFUSE)),
    Fault('row_unreliable', 'rows', 'the source publishes with another quality of service', _unreliable_rows,
          only_running('policy_starved', 0.08)),

    Fault('joints_lost_left', 'sensing', 'joint states of one arm stop', _twist('left', by=_drop),
          while_armed('joint_states_stale', STALE, JOINTS)),
    Fault('joints_lost', 'sensing', 'joint states of both arms stop', _twist(*SIDES, by=_drop),
          while_armed('joint_states_stale', STALE, JOINTS)),
    Fault('joints_slow', 'sensing', 'joint states come at 5 Hz', _fresh('left', by=partial(OneIn, 20)),
          while_armed('joint_states_stale', STALE)),
    Fault('joints_repeated', 'sensing', 'the same joint states again and again', _fresh('left', by=Repeated),
          while_armed('joint_states_stale', STALE + STEP, JOINTS)),
    Fault('joints_nan', 'sensing', 'joint states with NaN', _twist('left', by=_changed(position=[math.nan] * 9)),
          while_armed('joint_states_invalid', AT_ONCE, JOINTS)),
    Fault('joints_missing', 'sensing', 'joint states without the elbow', _twist('left', by=_changed(
        name=lambda state: [*state.name[:2], 'knee', *state.name[3:]])),
        while_armed('joint_states_invalid', AT_ONCE, JOINTS)),
    Fault('joints_empty', 'sensing', 'empty joint states', _twist('left', by=_changed(name=[], position=[])),
          while_armed('joint_states_invalid', AT_ONCE, JOINTS)),
    Fault('bus_dead', 'sensing', 'a dead motor bus: all joints at -pi', _twist('left', by=_changed(
        position=[-math.pi] * 7 + [0.0] * 2)), while_armed('joint_states_invalid', AT_ONCE, JOINTS)),
    Fault('joints_future', 'sensing', 'joint states stamped an hour ahead', _twist('left', by=_stamped(HOUR)),
          while_armed('clock_step', AT_ONCE, JOINTS, STALE)),
    Fault('joints_past', 'sensing', 'joint states stamped an hour ago', _twist('left', by=_stamped(-HOUR)),
          while_armed('clock_step', AT_ONCE, JOINTS, STALE)),
    Fault('joints_unstamped', 'sensing', 'joint states without a stamp', _twist('left', by=_zero_stamp),
          while_armed('clock_step', AT_ONCE, JOINTS, STALE)),
    Fault('joints_jump', 'sensing', 'a joint is measured 0.6 rad away from one moment to the next', _arms(
        shown=_moved(9, math.inf)), while_armed('tracking_error', 0.2 + AT_ONCE)),
    Fault('camera_lost', 'sensing', 'a camera stops', _twist('cam_high', by=_drop),
          while_armed('camera_stale', 0.5, 'camera cam_high')),
    Fault('cameras_lost', 'sensing', 'all cameras stop', _twist(*CAMERAS, by=_drop),
          while_armed('camera_stale', 0.5, 'camera cam_high')),
    Fault('camera_repeated', 'sensing', 'the same image with the same stamp', _fresh('cam_high', by=Repeated),
          while_armed('camera_stale', 0.5 + 3 * STEP, 'camera cam_high')),
    Fault('camera_frozen', 'sensing', 'the same pixels with fresh stamps', lambda rig: rig.streams.frozen.add('cam_high'),
          only_running('camera_frozen', 0.5 + 3 * ROW, Reaction.STOP)),
    Fault('camera_future', 'sensing', 'images stamped an hour ahead', _twist('cam_high', by=_stamped(HOUR)),
          while_armed('clock_step', 5 * STEP, 'camera cam_high', 0.5)),
    Fault('camera_unstamped', 'sensing', 'images without a stamp', _twist('cam_high', by=_zero_stamp),
          while_armed('clock_step', 5 * STEP, 'camera cam_high', 0.5)),

    Fault('stop_pressed', 'stops', 'stop pressed and held', _press, always('stop_pressed', AT_ONCE)),
    Fault('stop_edge', 'stops', 'stop pressed for a single message', partial(_press, stuck=False),
          always('stop_pressed', AT_ONCE)),
    Fault('stop_double', 'stops', 'stop pressed twice', partial(_press, times=2, stuck=False),
          always('stop_pressed', AT_ONCE)),
    Fault('stop_stranger', 'stops', 'somebody who is not configured presses once', partial(
        _press, id='pedal', stuck=False), always('stop_pressed', AT_ONCE)),
    Fault('stop_flood', 'stops', 'eight unknown names press at once', _many_names, always('stop_pressed', AT_ONCE)),
    Fault('stop_lost', 'stops', 'a stop button goes silent', _twist('stop', by=_drop), always('stop_source_lost', 0.15)),
    Fault('stop_resumes', 'stops', 'a stop button is silent for 0.2 s and then comes back', _flap,
          always('stop_source_lost', 0.15)),
    Fault('stop_frozen', 'stops', 'a stop button repeats its last message', _fresh('stop', by=Repeated),
          always('stop_source_lost', 0.15 + 5 * STEP)),
    Fault('stop_deaf', 'stops', 'a stop button does not answer the status any more', lambda rig: _twist('stop', by=_changed(
        supervisor_counter=rig.streams.counter))(rig), always('stop_source_lost', 0.5 + STATUS_PERIOD + 5 * STEP)),
    Fault('stop_guesses', 'stops', 'a stop button answers statuses that were never published', _twist('stop', by=_changed(
        supervisor_counter=2 ** 63)), always('stop_source_lost', 6 * STEP)),

    Fault('second_publisher', 'system', 'something else publishes arm commands', _second_publisher,
          always('duplicate_publisher', 2 * LOOKS)),
    Fault('namesake', 'system', 'a second node with the supervisor\'s name', _namesake, dict.fromkeys(Mode, NOTHING)),
    Fault('clock_ahead', 'system', 'the clock goes an hour ahead', _jump(HOUR), while_armed('clock_step', AT_ONCE), loses_time=True),
    Fault('clock_back', 'system', 'the clock goes an hour back', _jump(-HOUR), while_armed('clock_step', AT_ONCE), loses_time=True),
    Fault('clock_pauses', 'system', 'time stands still for everybody, then goes on', _pause, dict.fromkeys(Mode, NOTHING)),
    Fault('loop_slow', 'system', 'the supervisor runs at half its rate', _fresh('clock', by=partial(OneIn, 2)),
          while_armed('loop_overrun', 0.08)),
    Fault('loop_stalls', 'system', 'the supervisor\'s process stands still for 0.3 s', _stand_still,
          while_armed('clock_step', AT_ONCE), loses_time=True),
    Fault('supervisor_killed', 'system', 'the supervisor is killed (kill -9), and started again', lambda rig: rig.kill(
        signal.SIGKILL), dict.fromkeys(Mode, Expected(Reaction.GUARD, 'unclean_end', 0.2)), guarded=True),
    Fault('network_lost', 'system', 'everything falls silent at once', _everything_lost,
          {**always('stop_source_lost', 0.15)}),
    Fault('guard_lost', 'system', 'the guard is gone', _twist('guard', by=_drop), missing('safety_guard')),
    Fault('monitor_lost', 'system', 'the process that fingerprints the pictures is gone; after a brake, once the arms stand',
          _fingerprints_lost, {**missing('fingerprints'),
                               Mode.RUNNING: Expected(Reaction.STOP, 'camera_frozen', 0.5 + 3 * ROW)}),
    Fault('config_changed', 'system', 'the configuration file is edited while in force', _config_changed, _modes(
        Expected(Reaction.BAR, 'configuration file', 2.0), *[Expected(Reaction.SHOW, 'config_changed', 2.0)] * 3,
        Expected(Reaction.SHOW, 'config_changed', 2.0))),

    Fault('arm_blocked', 'robot', 'a joint is blocked: it pulls and does not move', _arms(
        obeyed=_stuck(0), efforts=_currents(0, at=2000.0)), only_running('tracking_error', 0.6, Reaction.STOP)),
    Fault('motor_off', 'robot', 'a motor has switched itself off, and its joint sinks', _arms(
        shown=_moved(8, 0.6), efforts=_currents(8, at=0.0)), while_armed('motor_off', 0.45, 'at rest', 0.3)),
    Fault('goals_dropped', 'robot', 'a servo drops its goals in silence', _arms(obeyed=_stuck(0)), {
        **only_running('command_ignored', 0.5, Reaction.STOP),
        Mode.STOPPING: Expected(Reaction.STOP, 'command_ignored', 0.5)}),
    Fault('arms_swapped', 'robot', 'each arm does what the other one is told', _arms(obeyed=_swapped),
          only_running('arms_swapped', 0.5, Reaction.STOP)),
    Fault('gripper_off', 'robot', 'a gripper has switched itself off, and is told to move', _gripper_off,
          _modes(NOTHING, *[Expected(Reaction.STOP, 'gripper_dead', 1.0)] * 3, NOTHING)),
    Fault('motor_overload', 'robot', 'a motor draws more than it can for long', _arms(efforts=_currents(0, at=3000.0)),
          while_armed('motor_overload', 1.0 + AT_ONCE)),
    Fault('arm_pushed', 'robot', 'somebody moves an arm', _arms(shown=_moved(9, 0.3)),
          while_armed('tracking_error', 1.0, 'at rest', 0.3)),

    Fault('reset_outdated', 'operator', 'a reset that names an older event', lambda rig: rig.reset(
        rig.status.last_event_id - 1), REFUSED_REQUEST),
    Fault('arm_unknown', 'operator', 'arming a source that does not exist', lambda rig: rig.arm('nobody'),
          REFUSED_REQUEST),
)
