"""One test per cause of the table: what raises it, what the arms do, and what clears it."""
from types import SimpleNamespace

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.safety.supervisor import Supervisor

from safety_rig import brakes_and_holds, brakes_and_latches, can_be_reset, moving


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
    can_be_reset(rig)


@pytest.mark.parametrize('positions', [[-3.1416] * 6 + [0.1], [np.nan] * 7, [0.0] * 6])
def test_joint_states_invalid(rig, positions):
    """A dead bus reports raw zeros with fresh stamps."""
    rig.running()
    rig.observe(Side.RIGHT, positions)
    brakes_and_latches(rig, 'joint_states_invalid')
    can_be_reset(rig)


def test_camera_stale(rig):
    """Half a second without images while the policy commands."""
    rig.running(speed=0.0)
    rig.feeds.discard('cam_high')
    rig.play([rig.core.command] * 11)
    assert rig.causes == []
    rig.play([rig.core.command] * 3)
    brakes_and_latches(rig, 'camera_stale')
    can_be_reset(rig)


def test_camera_frozen(rig):
    """A picture that does not change while the arms move, under fresh stamps. At rest a noiseless camera repeats it."""
    still = {name: 0 for name in rig.config.cameras}
    rig.fingerprint = lambda camera: still[camera] + (rig.ticks if camera != 'cam_left_wrist' else 0)
    rig.running(speed=0.0)
    rig.play([rig.core.command] * 25)
    assert rig.causes == [], 'nothing moves'
    rig.play(moving(rig.core.command, 0.5, 12, joint=7))
    assert rig.causes == [], 'the left wrist camera need not see the right arm move'
    rig.play(moving(rig.core.command, 0.5, 14))
    assert rig.causes == []
    rig.play(moving(rig.core.command, 0.5, 6))
    brakes_and_latches(rig, 'camera_frozen')
    assert [active.source for active in rig.status.causes] == ['cam_left_wrist']
    rig.step(100)
    assert any('do not change' in blocker for blocker in rig.status.blockers)
    assert not rig.core.request_reset(rig.status.last_event_id, rig.now).accepted, 'frozen until a picture differs'
    still['cam_left_wrist'] = 1
    rig.step(10)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted


def test_duplicate_publisher(rig):
    """Found by the node; present for as long as it goes on reporting."""
    rig.running()
    rig.core.report('duplicate_publisher', rig.now, '1 other', '/follower_left/commands')
    assert rig.status.causes[0].text == 'something else commands the arms too (/follower_left/commands): 1 other'
    brakes_and_latches(rig, 'duplicate_publisher', 'ESTOPPED')
    rig.step(100)
    rig.core.report('duplicate_publisher', rig.now)
    assert not rig.core.request_reset(rig.status.last_event_id, rig.now).accepted
    rig.step(51)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted


def test_config_changed(rig):
    """A file that is not the one in force stands against arming, and stops nothing."""
    rig.running()
    rig.core.observe_config('another digest', rig.now)
    rig.play(moving(rig.core.command, 0.0, 2))
    assert (rig.causes, rig.state, rig.status.speed_scale) == (['config_changed'], 'RUNNING', 1.0)
    rig.core.request_disarm(rig.now)
    rig.step(100)
    assert rig.state == 'DISARMED'
    assert any('configuration' in blocker for blocker in rig.core.request_arm('policy', rig.now).blockers)
    rig.core.observe_config(rig.config.digest, rig.now)
    assert rig.core.request_arm('policy', rig.now).accepted


def test_nothing_is_armed_before_companions_were_looked_for(rig):
    """In the first moments after a start nobody knows yet who is there."""
    rig.core = Supervisor(rig.config, now=rig.now, companions=True)
    rig.step(50)
    assert rig.state == 'DISARMED'
    assert any('looked for' in blocker for blocker in rig.core.request_arm('policy', rig.now).blockers)
    rig.core.observe_companions('', rig.now)
    rig.step(1)
    assert rig.state == 'READY' and rig.core.request_arm('policy', rig.now).accepted


def test_companion_missing(rig):
    """Without its companions nothing is armed, and nothing that runs is stopped."""
    rig.core.observe_companions('guard_node is not heard', rig.now)
    rig.step(50)
    assert rig.state == 'DISARMED'
    assert any('guard_node is not heard' in blocker for blocker in rig.core.request_arm('policy', rig.now).blockers)
    rig.core.observe_companions('', rig.now)
    rig.running()
    rig.core.observe_companions('guard_node is not heard', rig.now)
    rig.play(moving(rig.core.command, 0.0, 2))
    assert (rig.causes, rig.state, rig.status.speed_scale) == (['companion_missing'], 'RUNNING', 1.0)


def test_setpoint_unplanned(make_rig):
    """No row passes before a chunk that was inferred from where the arms stand, nor after a hand-back."""
    rig = make_rig(planned_authorities=('policy',)).armed()
    armed_at = rig.now

    def chunk(**changes):
        values = {'source': 'policy', 'epoch': rig.core.epoch, 'observed_at': rig.now,
                  'rows': np.tile(rig.core.command, (50, 1)), **changes}
        return rig.core.offer_chunk(SimpleNamespace(**values), rig.now)
    rig.step(5)
    assert rig.offer(rig.core.command).reason == 'setpoint_unplanned'
    for changes, reason in (({'observed_at': armed_at - 0.01}, 'setpoint_unplanned'), ({'source': 'park'}, 'setpoint_source'),
                            ({'observed_at': float('nan')}, 'setpoint_unplanned'),
                            ({'observed_at': rig.now + 0.06}, 'setpoint_unplanned'),
                            ({'rows': np.zeros((0, 14))}, 'setpoint_stale'), ({'epoch': 0}, 'setpoint_epoch')):
        assert chunk(**changes).reason == reason
        assert rig.offer(rig.core.command).reason == 'setpoint_unplanned'
    assert chunk(observed_at=armed_at).kind is Outcome.ACCEPTED
    rig.play(moving(rig.core.command, 2.0, 4))
    assert rig.state == 'RUNNING'
    assert rig.core.request_takeover(True, 'teleop', rig.now).accepted
    rig.step(10)
    assert rig.offer(rig.core.command).kind is Outcome.ACCEPTED, 'an operator plans by himself'
    rig.play(moving(rig.core.command, 0.2, 4))
    assert rig.core.request_takeover(False, '', rig.now).accepted
    assert rig.state == 'STOPPING'
    during = rig.now
    assert chunk(observed_at=during).reason == 'setpoint_unplanned', 'the arms still brake'
    rig.step(10)
    assert rig.state == 'HELD'
    assert chunk(observed_at=during).reason == 'setpoint_unplanned'
    assert rig.offer(rig.core.command).reason == 'setpoint_unplanned'
    assert chunk().kind is Outcome.ACCEPTED
    assert rig.offer(rig.core.command).kind is Outcome.ACCEPTED


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
    for _ in range(60):
        rig.ticks += 1
        rig.step()
    assert any('too slowly' in blocker for blocker in rig.status.blockers), 'still too slow'
    can_be_reset(rig)


@pytest.mark.parametrize('source', ['operator', 'someone else'])
def test_stop_pressed(rig, source):
    """The first braking command leaves within one tick; any id may press."""
    rig.running(speed=2.0)
    rig.core.observe_stop_source(source, True, 999, rig.counter, rig.now)
    sent = len(rig.sent)
    rig.step()
    assert len(rig.sent) == sent + 1
    brakes_and_latches(rig, 'stop_pressed', 'ESTOPPED')
    rig.core.observe_stop_source(source, False, 1000, rig.counter, rig.now)
    rig.stop_sequence = 1000
    can_be_reset(rig)


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
    rig.__dict__.pop('heartbeat', None)
    rig.echo = None
    can_be_reset(rig)


@pytest.mark.parametrize('part, call', [('_monitor', 'cycle'), ('_motion', 'next'), ('_events', 'worst')])
def test_internal_error(rig, part, call):
    """An exception in the tick, wherever: from then on nothing but a brake and a hold, until a restart."""
    rig.running(speed=2.0)
    before = rig.core.command

    def broken(*_):
        raise ZeroDivisionError('of a test')
    setattr(getattr(rig.core, part), call, broken)
    output = rig.step()
    assert output.changed and output.state.name == 'STOPPING'
    assert before[0] < output.command[0] < before[0] + 2.0 * 0.04
    assert [active.text for active in rig.status.causes] == [
        'the supervisor failed (supervisor): ZeroDivisionError: of a test']
    assert rig.status.causes[0].event_id == rig.status.last_event_id == 1
    assert (rig.status.speed_scale, rig.status.ages) == (0.0, {})
    path = [rig.step().command for _ in range(10)]
    moved = [command[0] for command in path if command is not None]
    assert moved and (np.diff(moved) >= 0).all() and path[-1] is None, 'a brake to rest, then silence'
    assert rig.state == 'FAULT' and not rig.status.armed
    assert rig.offer(rig.core.command, source='policy').reason == 'setpoint_source'
    rig.core.fail(RuntimeError('once more'), rig.now)
    assert rig.core.record.causes == rig.status.causes
    rig.step(200)
    assert not rig.core.request_arm('policy', rig.now).accepted
    assert not rig.core.request_reset(rig.status.last_event_id, rig.now).accepted
    assert rig.core.request_disarm(rig.now).accepted
    assert not rig.step().changed
    assert rig.state == 'FAULT' and rig.status.blockers == ('a fault needs a restart of the supervisor',)


def test_even_the_brake_may_fail(rig):
    """Then nothing is sent, and the servos hold the last goal; the fault is named all the same."""
    rig.running(speed=2.0)

    def broken(*_):
        raise ZeroDivisionError('of a test')
    rig.core._motion.next = rig.core._motion.last_resort = broken
    assert [rig.step().command for _ in range(3)] == [None] * 3
    assert rig.causes == ['internal_error'] and rig.state == 'STOPPING'
