"""What the supervisor's process serves beside rows: chunks, takeover, reduced speed, its guard, its monitor."""
import math

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand
from sensor_msgs.msg import Image
from supervisor_rig import Rig
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import MarkerArray

from cosmos_policy_ros.embodiment.joints import JOINT_NAMES
from cosmos_policy_ros.msg import ActionChunk, GuardState, PictureFingerprint, SafetyStatus
from cosmos_policy_ros.nodes.clock import NANOSECONDS, time_message
from cosmos_policy_ros.nodes.safety_monitor_node import picture_stamp
from cosmos_policy_ros.srv import Arm, Takeover

PREFIX = 'cosmos_policy safety: '


@pytest.fixture(scope='module')
def rig_process(probe, domain, running):
    with running('sim_node', 'supervisor_node', 'guard_node', 'safety_monitor_node', sim_node={'patience': 2.0}) as processes, \
            Rig(probe, domain, processes) as rig:
        rig.chunks = probe.publisher(ActionChunk, '/cosmos_policy/chunk')
        yield rig


@pytest.fixture
def rig(rig_process):
    rig_process.calm()
    yield rig_process
    rig_process.calm()


def send_chunk(rig, source, rows, names=JOINT_NAMES, observed_at=None):
    """A chunk of the current epoch, seen now."""
    message = ActionChunk(source=source, epoch=rig.watch.status.epoch, planner='direct')
    message.header.stamp = time_message(rig.watch.now if observed_at is None else observed_at)
    message.trajectory = JointTrajectory(joint_names=list(names), points=[JointTrajectoryPoint(
        positions=list(map(float, row)), time_from_start=Duration(nanosec=i * NANOSECONDS // 25 % NANOSECONDS, sec=i // 25))
        for i, row in enumerate(rows)])
    wait(lambda: rig.chunks.get_subscription_count(), 'the supervisor as a reader of chunks')
    rig.chunks.publish(message)


def refused(rig, before):
    wait(lambda: rig.watch.status.rows_refused > before, lambda: rig.watch.status)


@pytest.mark.parametrize('fault, spoil, cause', [
    ('a jump in its last rows', lambda rows: rows + np.where(np.arange(50)[:, None] > 45, 0.5, 0.0), 'far_outside_limits'),
    ('not a number', lambda rows: np.where(np.arange(50)[:, None] == 30, math.nan, rows), 'setpoint_nonfinite'),
    ('13 joints', lambda rows: rows[:, :13], 'setpoint_shape')])
def test_a_bad_chunk_is_refused_before_its_first_row(rig, fault, spoil, cause):
    """The arms are held, and nothing of it is played."""
    rig.armed()
    before, pose = rig.watch.status.rows_refused, rig.teleop.pose()
    send_chunk(rig, 'teleop', spoil(np.tile(pose, (50, 1))))
    refused(rig, before)
    assert rig.watch.causes() == {cause} and rig.watch.status.state == SafetyStatus.HELD
    rig.teleop.send(pose)
    refused(rig, before + 1)


def test_joints_in_another_order_are_refused(rig):
    rig.armed()
    before = rig.watch.status.rows_refused
    send_chunk(rig, 'teleop', np.tile(rig.teleop.pose(), (50, 1)), names=JOINT_NAMES[7:] + JOINT_NAMES[:7])
    refused(rig, before)
    assert rig.watch.causes() == {'setpoint_shape'}


def test_the_operator_takes_over_and_the_policy_comes_back_only_with_what_it_sees_then(rig):
    reply = rig.station.arm('policy')
    assert reply.accepted, reply.blockers
    wait(lambda: rig.watch.status.epoch == reply.epoch, lambda: rig.watch.status)
    pose = np.array(wait(lambda: list(rig.watch.status.command), 'a command'))
    before = rig.watch.status.rows_refused
    rig.teleop.send(pose, source='policy')
    refused(rig, before)  # no chunk yet
    send_chunk(rig, 'policy', np.tile(pose, (50, 1)))
    accepted = rig.watch.status.rows_accepted
    wait(lambda: rig.teleop.send(pose, source='policy') or rig.watch.status.rows_accepted > accepted, 'a row')

    assert not rig.probe.call(Takeover, '/cosmos_policy/takeover', take=True, authority='park').accepted
    taken = rig.probe.call(Takeover, '/cosmos_policy/takeover', take=True, authority='teleop')
    assert taken.accepted and taken.epoch == reply.epoch + 1, taken.blockers
    wait(lambda: rig.watch.status.authority == 'teleop' and rig.watch.status.origin == 'policy', lambda: rig.watch.status)
    assert rig.watch.status.hand_speed == pytest.approx(0.25)
    seen_before = rig.watch.now
    again = rig.probe.call(Takeover, '/cosmos_policy/takeover', take=False, authority='')
    assert again.accepted and again.epoch == reply.epoch + 2, again.blockers
    wait(lambda: rig.watch.status.epoch == again.epoch and rig.watch.status.authority == 'policy', lambda: rig.watch.status)
    before = rig.watch.status.rows_refused
    send_chunk(rig, 'policy', np.tile(pose, (50, 1)), observed_at=seen_before - 0.1)
    refused(rig, before)
    rig.teleop.send(pose, source='policy')
    refused(rig, before + 1)


def test_a_source_can_be_armed_at_the_reduced_speed(rig):
    reply = rig.probe.call(Arm, '/cosmos_policy/arm', arm=True, authority='policy', reduced=True)
    assert reply.accepted, reply.blockers
    wait(lambda: rig.watch.status.epoch == reply.epoch, lambda: rig.watch.status)
    assert rig.watch.status.hand_speed == pytest.approx(0.25)


def test_a_guard_that_takes_the_arms_of_a_living_supervisor_stops_them(rig):
    """They hear each other no more: both must not command."""
    rig.moving()
    state = rig.probe.publisher(GuardState, '/cosmos_policy/guard_state')
    try:
        wait(state.get_subscription_count, 'the supervisor as a reader')
        state.publish(GuardState(state=GuardState.BRAKING))
        rig.until(SafetyStatus.ESTOPPED)
        assert rig.watch.causes() == {'duplicate_publisher'} and 'safety_guard' in rig.watch.status.causes[0].text
    finally:
        rig.probe.forget(state)


def test_the_guard_is_no_intruder_and_another_publisher_is_named(rig):
    rig.moving()
    since = rig.watch.now
    wait(lambda: rig.watch.now > since + 1.0, 'two looks at the publishers')
    assert not rig.watch.causes(), 'the guard publishes on the same topics'
    intruder = rig.probe.publisher(JointGroupCommand, '/follower_right/commands/joint_group')
    try:
        rig.until(SafetyStatus.ESTOPPED)
        assert 'probe on /follower_right/commands/joint_group' in rig.watch.status.causes[0].text
    finally:
        rig.probe.forget(intruder)
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)


def test_pictures_have_fingerprints_that_change_with_them(rig):
    prints = rig.probe.record(PictureFingerprint, '/cosmos_policy/picture_fingerprint')
    still = len(prints)
    wait(lambda: {m.camera for m in prints[still:]} == {'cam_high', 'cam_left_wrist', 'cam_right_wrist'}, 'all cameras')
    rig.moving()
    moving = len(prints)
    wait(lambda: len({m.fingerprint for m in prints[moving:] if m.camera == 'cam_high'}) > 3, 'pictures that change')
    wait(lambda: not rig.watch.status.warnings, lambda: rig.watch.status.warnings)


def test_a_fingerprint_is_of_the_pixels_not_of_the_header():
    from rclpy.serialization import serialize_message
    image = Image(height=2, width=2, encoding='rgb8', step=6, data=bytes(range(12)))
    image.header.frame_id = 'cam_high_color_optical_frame'
    image.header.stamp.sec, image.header.stamp.nanosec = 12, 34
    raw = serialize_message(image)
    stamp, begin = picture_stamp(raw)
    assert (stamp.sec, stamp.nanosec) == (12, 34)
    image.header.stamp.nanosec = 35
    assert serialize_message(image)[begin:] == raw[begin:]
    image.data[5] += 1
    assert serialize_message(image)[begin:] != raw[begin:]
    with pytest.raises(ValueError, match='little-endian'):
        picture_stamp(b'\x00\x00' + raw[2:])


def test_diagnostics_have_one_entry_for_each_watchdog(rig):
    arrays = rig.probe.record(DiagnosticArray, '/diagnostics')
    wait(lambda: arrays and rig.watch.status, 'diagnostics')
    rig.until(SafetyStatus.READY)

    def levels():
        return {entry.name.removeprefix(PREFIX): entry.level for entry in arrays[-1].status}
    names = {'supervisor', 'loop', 'second channel', *rig.watch.status.watched}
    wait(lambda: set(levels()) == names and levels()['second channel'] == DiagnosticStatus.OK, levels)
    rig.station.press()
    wait(lambda: levels()['supervisor'] == DiagnosticStatus.ERROR, levels)
    text = next(entry.message for entry in arrays[-1].status if entry.name == f'{PREFIX}supervisor')
    assert 'stop pressed (operator)' in text and 'event' in text
    rig.station.release()
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)


def test_markers_come_only_to_those_who_look(rig):
    rig.moving()
    arrays = rig.probe.record(MarkerArray, '/cosmos_policy/safety_markers')
    wait(lambda: arrays, 'markers')
    names = {marker.ns for marker in arrays[-1].markers}
    assert {'workspace', 'walls', 'keep-out left_post', 'left upper_arm', 'right gripper', 'left braking path'} <= names
    assert {marker.header.frame_id for marker in arrays[-1].markers} == {'world'}
