"""One test per cause of the table: what raises it, what the arms do, and what clears it."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.records import Outcome
from safety_rig import moving


def brakes_and_latches(rig, cause, state='PROTECTIVE_STOP'):
    assert cause in rig.causes
    assert rig.state in ('STOPPING', state)
    assert not rig.status.armed
    rig.step(10)
    assert rig.state == state
    assert cause in rig.causes
    sent = len(rig.sent)
    rig.step(20)
    assert len(rig.sent) == sent, 'a stopped supervisor publishes nothing more'


def brakes_and_holds(rig, cause):
    assert rig.causes == [cause]
    assert rig.offer(rig.core.command).kind is Outcome.REFUSED
    rig.step(10)
    assert rig.state == 'HELD'
    assert rig.offer(rig.core.command).kind is Outcome.REFUSED, 'new rows of the same epoch must not restart it'
    assert rig.core.request_arm('policy', rig.now).accepted
    assert rig.causes == []
    assert rig.offer(rig.core.command).kind is Outcome.ACCEPTED


def only_refuses(rig, verdict, reason):
    assert (verdict.kind, verdict.reason) == (Outcome.REFUSED, reason)
    assert rig.state == 'RUNNING'
    assert rig.status.rows_refused == 1
    assert rig.causes == []


def test_setpoint_epoch(rig):
    """A late row of the epoch before is refused and stops nothing."""
    rig.running()
    only_refuses(rig, rig.offer(rig.core.command, epoch=rig.core.epoch - 1), 'setpoint_epoch')


def test_setpoint_source(rig):
    rig.running()
    only_refuses(rig, rig.offer(rig.core.command, source='teleop'), 'setpoint_source')


@pytest.mark.parametrize('shift', [-0.09, 0.09, float('nan'), float('inf')])
def test_setpoint_stale(rig, shift):
    rig.running()
    only_refuses(rig, rig.offer(rig.core.command, target_time=rig.now + shift), 'setpoint_stale')


@pytest.mark.parametrize('case', ['repeated', 'half a period apart'])
def test_setpoint_sequence(rig, case):
    """Rows that come faster than 25 Hz would double the speed limit (a non-positive time step must not disable it)."""
    rig.running()
    row = rig.core.command
    if case == 'repeated':
        verdict = rig.offer(row, sequence=rig.sequence)
    else:
        assert rig.offer(row).kind is Outcome.ACCEPTED
        rig.step(2)
        verdict = rig.offer(row)
    only_refuses(rig, verdict, 'setpoint_sequence')


def test_tracking_lag(rig):
    """An arm that falls behind halves the speed limit until it has caught up."""
    rig.running(speed=0.2, rows=2)
    rig.follows = False
    rig.measured[8] += 0.3
    rig.play(moving(rig.core.command, 0.0, 2))
    assert rig.causes == ['tracking_lag']
    assert rig.status.speed_scale == 0.5
    assert rig.state == 'RUNNING'
    rig.measured[8] -= 0.3
    rig.play(moving(rig.core.command, 0.0, 1))
    assert rig.causes == []
    assert rig.status.speed_scale == 1.0


def test_policy_starved(rig):
    """80 ms without a row while running: brake, HELD, and a new epoch is needed."""
    rig.running(speed=2.0)
    rig.step(3)
    assert rig.state == 'RUNNING', 'rows were 70 ms ago'
    rig.step()
    assert rig.state in ('STOPPING', 'HELD')
    brakes_and_holds(rig, 'policy_starved')


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_setpoint_nonfinite(rig, value):
    rig.running()
    row = rig.core.command
    row[9] = value
    assert rig.offer(row).reason == 'setpoint_nonfinite'
    brakes_and_holds(rig, 'setpoint_nonfinite')
    assert np.isfinite([command for _, command in rig.sent]).all()


@pytest.mark.parametrize('row', [np.zeros(13), np.zeros((2, 14)), [], None, 'error', [[1], [2, 3]], [None] * 14, {}])
def test_setpoint_shape(rig, row):
    rig.running()
    reason = rig.offer(row).reason
    assert reason in ('setpoint_shape', 'setpoint_nonfinite')
    brakes_and_holds(rig, reason)


@pytest.mark.parametrize('joint, jump', [(0, 0.2), (0, -0.2), (6, 0.3), (12, 6.0), (13, -0.3), (3, 1e300)])
def test_far_outside_limits(rig, joint, jump):
    """Both directions, all joints, grippers too."""
    rig.running(speed=0.0)
    row = rig.core.command
    row[joint] += jump
    assert rig.offer(row).reason == 'far_outside_limits'
    brakes_and_holds(rig, 'far_outside_limits')


def test_too_many_clamped(rig):
    """The tenth clamped row in succession is refused."""
    rig.armed()
    open_fully = rig.core.command
    open_fully[6] = 1.1
    rig.play(np.linspace(rig.core.command, open_fully, 40))
    beyond = open_fully.copy()
    beyond[6] = 1.12
    kinds = [verdict.kind for verdict in rig.play([open_fully] * 4 + [beyond] * 9 + [open_fully] + [beyond] * 10)][-10:]
    assert kinds == [Outcome.CLAMPED] * 9 + [Outcome.REFUSED]
    brakes_and_holds(rig, 'too_many_clamped')


def test_workspace(rig):
    """The left wrist is driven towards the table: refused before a brake could end below it."""
    rig.armed()
    verdicts = rig.play(moving(rig.core.command, 1.2, 40, joint=1))
    assert [verdict for verdict in verdicts if verdict.reason][0].reason == 'workspace'
    brakes_and_holds(rig, 'workspace')


def test_arm_clearance(rig):
    """Both arms reach for the middle of the table: they stop with the margin between them."""
    rig.armed()
    path = np.tile(START, (120, 1))
    weight = np.linspace(0, 1, 120)[:, None] ** 2
    path[:, 0:6] = (1 - weight) * START[0:6]  # towards the zero pose, in which the arms overlap
    path[:, 7:13] = (1 - weight) * START[7:13]
    rig.play([rig.core.command])
    reasons = []
    for row in path:
        reasons += [verdict.reason for verdict in rig.play([row]) if verdict.reason]
        if reasons:
            break
    assert reasons == ['arm_clearance']
    brakes_and_holds(rig, 'arm_clearance')
    assert rig.status.min_clearance >= 0.005


@pytest.mark.parametrize('side', ['left', 'right'])
def test_joint_states_stale(rig, side):
    """100 ms without joint states of either arm while armed."""
    rig.running(speed=2.0)
    rig.feeds.discard(side)
    rig.play(moving(rig.core.command, 2.0, 2))
    assert 'joint_states_stale' not in rig.causes
    rig.play(moving(rig.core.command, 2.0, 1))
    brakes_and_latches(rig, 'joint_states_stale')
    assert side in rig.status.causes[0].text


@pytest.mark.parametrize('positions', [[-3.1416] * 6 + [0.1], [np.nan] * 7, [0.0] * 6])
def test_joint_states_invalid(rig, positions):
    """A dead bus reports raw zeros with fresh stamps."""
    rig.running()
    rig.observe(Side.RIGHT, positions)
    brakes_and_latches(rig, 'joint_states_invalid')


def test_camera_stale(rig):
    """Half a second without images while the policy commands."""
    rig.running(speed=0.0)
    rig.feeds.discard('cam_high')
    rig.play([rig.core.command] * 11)
    assert rig.causes == []
    rig.play([rig.core.command] * 3)
    brakes_and_latches(rig, 'camera_stale')


@pytest.mark.parametrize('cause, state', [('camera_frozen', 'PROTECTIVE_STOP'), ('duplicate_publisher', 'ESTOPPED')])
def test_reported(rig, cause, state):
    rig.running()
    rig.core.report(cause, rig.now, 'seen by the node')
    assert 'seen by the node' in rig.status.causes[0].text
    brakes_and_latches(rig, cause, state)


def test_camera_frozen(rig):
    test_reported(rig, 'camera_frozen', 'PROTECTIVE_STOP')


def test_duplicate_publisher(rig):
    test_reported(rig, 'duplicate_publisher', 'ESTOPPED')


def test_tracking_error(rig):
    """A joint off the servo model for 200 ms; the lag of normal motion is not an error."""
    rig.running(speed=2.2, rows=12)
    assert rig.causes == []
    rig.follows = False
    rig.measured[4] += 0.8
    rig.play([rig.core.command] * 4)
    assert rig.causes == ['tracking_lag']
    rig.play([rig.core.command] * 2)
    brakes_and_latches(rig, 'tracking_error')
    assert 'left arm' in rig.status.causes[0].text


@pytest.mark.parametrize('kind', ['stamp', 'loop', 'loop while held', 'loop while stopping'])
def test_clock_step(rig, kind):
    """A stamp from the future, or the supervisor's own clock going back: running, standing or braking."""
    rig.running(speed=2.0)
    if kind == 'loop while held':
        rig.step(20)
    if kind == 'loop while stopping':
        rig.core.request_arm('teleop', rig.now)
        assert rig.state == 'STOPPING'
    if kind == 'stamp':
        rig.observe(Side.LEFT, stamp=rig.now + 0.06)
    else:
        rig.ticks -= 300
        rig.step()
    brakes_and_latches(rig, 'clock_step')
    rig.step(100)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted, 'no permanent stall'


def test_loop_overrun(rig):
    """Three cycles in succession that take more than 15 ms; two do not."""
    rig.running(speed=0.0)
    for count in (2, 3):
        rig.offer(rig.core.command)
        rig.step()
        assert rig.causes == []
        for _ in range(count):
            rig.ticks += 1
            rig.step()
            if count == 2:
                rig.offer(rig.core.command)
    brakes_and_latches(rig, 'loop_overrun')


@pytest.mark.parametrize('source', ['operator', 'someone else'])
def test_stop_pressed(rig, source):
    """The first braking command leaves within one tick; any id may press."""
    rig.running(speed=2.0)
    rig.core.observe_stop_source(source, True, 999, rig.counter, rig.now)
    sent = len(rig.sent)
    rig.step()
    assert len(rig.sent) == sent + 1
    brakes_and_latches(rig, 'stop_pressed', 'ESTOPPED')


@pytest.mark.parametrize('how', ['silent', 'frozen', 'not answering'])
def test_stop_source_lost(rig, how):
    """150 ms without a good heartbeat counts as pressed."""
    rig.running(speed=0.0)
    if how == 'silent':
        rig.feeds.discard('operator')
    elif how == 'frozen':
        rig.heartbeat = lambda: rig.core.observe_stop_source('operator', False, rig.stop_sequence, rig.counter, rig.now)
    else:
        rig.echo = rig.counter
    rig.play([rig.core.command] * 2)
    assert rig.causes == []
    rig.play([rig.core.command] * (3 if how != 'not answering' else 15))
    brakes_and_latches(rig, 'stop_source_lost', 'ESTOPPED')


def test_internal_error(rig):
    """A fault cannot be reset."""
    rig.running(speed=2.0)
    rig.core.report('internal_error', rig.now, 'assertion')
    brakes_and_latches(rig, 'internal_error', 'FAULT')
    rig.step(200)
    reply = rig.core.request_reset(rig.status.last_event_id, rig.now)
    assert not reply.accepted
    assert any('restart' in blocker for blocker in reply.blockers)
    assert rig.state == 'FAULT'
