"""The supervisor as a whole: arming, rows, takeover, reset, and what part F of the traps warns of."""
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.records import Outcome
from safety_rig import ROW, TICK, Rig, brakes_and_latches, moving


def test_boot_publishes_nothing_until_both_arms_are_seen(rig):
    rig.feeds = {'left'}
    assert rig.step(20).command is None
    assert (rig.state, rig.status.authority, rig.status.origin, rig.status.epoch) == ('BOOT', '', '', 0)
    assert not rig.core.request_arm('policy', rig.now).accepted
    rig.feeds.add('right')
    rig.step()
    assert rig.state == 'DISARMED'
    assert rig.sent == []


def test_arming_lists_every_blocker(rig):
    rig.feeds = {'left'}
    rig.step(10)
    reply = rig.core.request_arm('ghost', rig.now)
    assert not reply.accepted
    text = '\n'.join(reply.blockers)
    for part in ('unknown authority', 'right arm: never seen', 'operator: never heard'):
        assert part in text
    assert 'cam_high: never seen' in '\n'.join(rig.core.request_arm('policy', rig.now).blockers)
    assert 'left arm' not in text


def test_a_camera_nobody_watches_is_ignored(rig):
    rig.running()
    rig.core.observe_camera('cam_low', rig.now + 3600, rig.now)
    rig.core.observe_picture('cam_low', 'still')
    assert rig.causes == [] and 'camera/cam_low' not in rig.status.watched


def test_a_source_without_cameras_can_be_armed_without_them(rig):
    rig.feeds -= set(rig.config.cameras)
    rig.ready()
    assert rig.state == 'DISARMED'
    assert rig.core.request_arm('park', rig.now).accepted


def test_first_command_is_the_measured_pose(rig):
    """And the grippers' opening is turned into the command that holds it."""
    rig.measured = START + 0.03
    rig.ready()
    assert rig.sent == []
    assert rig.core.request_arm('policy', rig.now).epoch == 1
    assert rig.state == 'HELD'
    output = rig.step()
    assert output.command[:6].tobytes() == rig.measured[:6].tobytes()
    assert output.command == pytest.approx(rig.measured)


def test_the_stream_has_no_gap_while_armed_and_standing(rig):
    rig.armed()
    rig.step(100)
    assert np.diff([when for when, _ in rig.sent]) == pytest.approx(ROW)
    assert {command.tobytes() for _, command in rig.sent} == {rig.core.command.tobytes()}


def test_the_stream_has_no_gap_and_no_haste_after_a_brake(rig):
    """The last sample of the brake is the first of the stream that holds."""
    rig.running(speed=2.5)
    rig.core.request_arm('teleop', rig.now)
    rig.sent.clear()
    rig.step(40)
    when = np.array([when for when, _ in rig.sent])
    braking = np.array([rig.states[time] == 'STOPPING' for time in when])
    assert np.diff(when[braking]) == pytest.approx(TICK)
    assert np.diff(when)[braking.sum():] == pytest.approx(ROW) and len(when) > braking.sum() + 5


def test_rows_come_out_bit_for_bit_and_at_the_next_tick(rig):
    rig.armed()
    rows = moving(rig.core.command, 1.1, 8)
    rig.step(4)
    rig.sent.clear()
    assert {verdict.kind for verdict in rig.play(rows)} == {Outcome.ACCEPTED}
    assert [command.tobytes() for _, command in rig.sent] == [row.tobytes() for row in rows]
    status = rig.status
    assert (status.rows_accepted, status.rows_clamped, status.rows_refused) == (8, 0, 0)


def test_a_verdict_tells_what_is_really_sent(rig):
    rig.armed()
    rig.play(moving(rig.core.command, 1.5, 3))
    row = rig.core.command
    row[0] += 3.3 * ROW
    verdict = rig.offer(row)
    assert (verdict.kind, verdict.detail) == (Outcome.CLAMPED, 'left_waist')
    assert rig.step().command.tobytes() == verdict.positions.tobytes()


def test_a_newer_row_replaces_one_not_yet_sent(rig):
    """It is judged against what was commanded, so a burst cannot add up to a jump."""
    rig.armed()
    base = rig.core.command
    rows = moving(base, 1.0, 2)
    assert rig.offer(rows[0], target_time=rig.now - ROW).kind is Outcome.ACCEPTED
    verdict = rig.offer(rows[1])
    assert verdict.kind is Outcome.CLAMPED
    rig.sent.clear()
    rig.step()
    assert [command.tobytes() for _, command in rig.sent] == [verdict.positions.tobytes()]


def test_rows_that_arrive_together_are_sent_apart(rig):
    """A late row followed by one in time: both pass bit for bit, at least 30 ms apart."""
    rig.armed()
    rows = moving(rig.core.command, 1.0, 3)
    rig.sent.clear()
    start = rig.now + ROW
    for row, target, arrival in zip(rows, (0, ROW, 2 * ROW), (0, 0.07, 0.08)):
        while rig.now < start + arrival - 1e-9:
            rig.step()
        assert rig.offer(row, target_time=start + target).kind is Outcome.ACCEPTED
    rig.step(4)
    sent = [(when, command.tobytes()) for when, command in rig.sent if command.tobytes() != START.tobytes()]
    assert [command for _, command in sent][-3:] == [row.tobytes() for row in rows]
    assert (np.diff([when for when, _ in sent])[-2:] >= 0.03 - 1e-9).all()


def test_early_rows_do_not_accumulate(rig):
    """A sender whose grid is 5 % too fast is refused once it is a slack ahead."""
    rig.armed()
    reasons, start = [], rig.now
    for k in range(7):
        while rig.now < start + 0.95 * k * ROW:
            rig.step()
        reasons.append(rig.offer(rig.core.command, target_time=start + 0.95 * k * ROW).reason)
    assert reasons == [''] * 6 + ['setpoint_sequence']


def test_rows_while_stopping_are_ignored_and_counted(rig):
    rig.running(speed=2.5, rows=4)
    rig.core.request_arm('teleop', rig.now)
    assert rig.state == 'STOPPING'
    verdict = rig.offer(rig.core.command)
    assert (verdict.kind, verdict.reason) == (Outcome.REFUSED, 'stopping')
    assert rig.status.rows_refused == 1


def test_disarming_brakes_and_then_publishes_nothing(rig):
    rig.running(speed=2.5, rows=4)
    assert rig.core.request_disarm(rig.now).accepted
    assert rig.state == 'STOPPING'
    assert any('braking' in blocker for blocker in rig.core.request_arm('policy', rig.now).blockers)
    rig.step(10)
    assert rig.state == 'DISARMED'
    sent = len(rig.sent)
    rig.step(60)
    assert len(rig.sent) == sent
    assert rig.state == 'READY'
    assert rig.offer(rig.core.command, source='policy').reason == 'setpoint_source'


def test_takeover_is_bumpless(rig):
    """It brakes, opens a new epoch at the last command, and refuses the old source; so does handing back."""
    rig.running(speed=2.5, rows=4)
    for source, before in (('teleop', 'policy'), ('policy', 'teleop')):
        epoch = rig.core.epoch
        reply = rig.core.request_arm(source, rig.now)
        assert reply.accepted and reply.epoch == epoch + 1
        assert rig.offer(rig.core.command, source=before, epoch=epoch).kind is Outcome.REFUSED
        rig.step(10)
        assert rig.state == 'HELD', 'nothing moves before a row of the new source'
        rows = moving(rig.core.command, 0.3, 3)
        assert {verdict.kind for verdict in rig.play(rows)} == {Outcome.ACCEPTED}


def test_arming_again_keeps_the_last_command_of_an_arm_that_still_holds_it(rig):
    """Commanding the sagging measurement each time would walk the arm downwards; an arm moved by hand starts anew."""
    rig.armed()
    held = rig.core.command
    rig.core.request_disarm(rig.now)
    rig.follows = False
    rig.measured[1] += 0.04
    rig.measured[7:9] += 0.3
    rig.measured[13] = 0.5
    rig.step(60)
    assert rig.core.request_arm('policy', rig.now).accepted
    assert rig.core.command[:7].tobytes() == held[:7].tobytes()
    assert rig.core.command[7:] == pytest.approx(rig.measured[7:])


def test_a_moving_arm_cannot_be_armed(rig):
    """Its measured pose lags; commanded as the first one it would be a jump back. Found by the property test below."""
    rig.running(speed=2.5, rows=4)
    rig.core.request_disarm(rig.now)
    rig.step(8)
    assert rig.state == 'DISARMED'
    assert 'the arms are not measured to be at rest' in rig.core.request_arm('policy', rig.now).blockers
    rig.step(100)
    assert rig.core.request_arm('policy', rig.now).accepted


def stopped(rig):
    rig.running(speed=1.0)
    rig.core.observe_stop_source('pedal', True, 1, rig.counter, rig.now)
    rig.core.observe_stop_source('pedal', False, 2, rig.counter, rig.now)
    rig.step(100)
    assert rig.state == 'ESTOPPED'
    return rig


def reset(rig, event_id=None):
    return rig.core.request_reset(rig.status.last_event_id if event_id is None else event_id, rig.now)


def test_reset_moves_nothing_and_leads_to_disarmed(rig):
    stopped(rig)
    epoch, sent = rig.core.epoch, len(rig.sent)
    assert reset(rig).accepted
    assert rig.state == 'DISARMED'
    assert rig.core.epoch == epoch + 1
    rig.step(50)
    assert (rig.state, len(rig.sent), rig.status.armed) == ('READY', sent, False)
    assert rig.core.request_arm('policy', rig.now).accepted
    rig.step(50)
    assert rig.state == 'HELD'


def test_reset_needs_a_latched_stop(rig):
    rig.ready()
    assert reset(rig).blockers == ('no stop is latched',)


def test_reset_names_the_latest_event(rig):
    """A second stop while a dialog is open makes the old event id invalid."""
    stopped(rig)
    seen = rig.status.last_event_id
    rig.core.observe_stop_source('pedal', True, 3, rig.counter, rig.now)
    rig.core.observe_stop_source('pedal', False, 4, rig.counter, rig.now)
    rig.step(100)
    assert 'look again' in reset(rig, seen).blockers[0]
    assert reset(rig).accepted


@pytest.mark.parametrize('fault, blocker', [
    ('pressed', 'stop source operator is pressed'), ('silent', 'stop source operator: silent'),
    ('just back', 'released for'), ('left', 'joint states of the left arm'), ('cam_high', 'camera cam_high'),
    ('moving', 'not measured to be at rest'), ('pedal', 'stop source pedal is pressed')])
def test_reset_lists_what_stands_against_it(rig, fault, blocker):
    stopped(rig)
    if fault == 'pressed':
        rig.pressed = True
    elif fault == 'silent':
        rig.feeds.discard('operator')
    elif fault == 'just back':
        rig.feeds.discard('operator')
        rig.step(30)
        rig.feeds.add('operator')
    elif fault == 'moving':
        rig.follows = False
        rig.measured[2] += 0.1
    elif fault == 'pedal':
        rig.core.observe_stop_source('pedal', True, 9, rig.counter, rig.now)
    else:
        rig.feeds.discard(fault)
    rig.step(20 if fault != 'cam_high' else 60)
    reply = reset(rig)
    assert not reply.accepted
    assert any(blocker in entry for entry in reply.blockers), reply.blockers
    assert rig.state == 'ESTOPPED'
    assert set(reply.blockers) == set(rig.status.blockers)


def test_reset_is_refused_while_the_arms_brake_and_while_the_cause_lasts(rig):
    rig.running(speed=2.5)
    rig.core.report('clock_step', rig.now, 'seen by the node', 'ntp')
    assert 'the arms are still braking' in reset(rig).blockers
    rig.step(45)
    assert reset(rig).blockers == (
        'the arms are not measured to be at rest', 'still holds: a clock stepped (ntp): seen by the node')
    rig.step(100)
    assert reset(rig).accepted


def test_a_fault_that_the_caller_reports_cannot_be_reset(rig):
    rig.running(speed=2.0)
    rig.core.report('internal_error', rig.now, 'assertion')
    brakes_and_latches(rig, 'internal_error', 'FAULT')
    rig.step(200)
    assert reset(rig).blockers == ('a fault needs a restart of the supervisor',)
    assert rig.state == 'FAULT'


def test_a_recovered_dead_bus_can_be_reset(rig):
    """A latch that can never be cleared is a trap too."""
    rig.running()
    rig.observe(Side.LEFT, [-np.pi] * 6 + [0.1])
    rig.step(100)
    assert rig.state == 'PROTECTIVE_STOP'
    assert reset(rig).accepted


@pytest.mark.parametrize('cause', ['joint_states', 'camera', 'report'])
def test_a_cause_that_is_gone_stays_latched(rig, cause):
    rig.running(speed=0.0)
    if cause == 'report':
        rig.core.report('camera_frozen', rig.now)
    else:
        rig.feeds -= {'left', 'cam_high'}
        rig.play([rig.core.command] * 15)
        rig.feeds |= {'left', 'cam_high'}
    rig.step(200)
    assert rig.state == 'PROTECTIVE_STOP'
    assert not rig.core.request_arm('policy', rig.now).accepted


@pytest.mark.parametrize('when', ['boot', 'disarmed', 'held', 'stopping', 'stopped'])
def test_a_stop_latches_in_every_state(make_rig, when):
    rig = make_rig()
    if when != 'boot':
        rig.ready()
    if when in ('held', 'stopping', 'stopped'):
        rig.armed()
    if when in ('stopping', 'stopped'):
        rig.play(moving(rig.core.command, 2.0, 4))
        rig.core.report('camera_frozen', rig.now)
    if when == 'stopped':
        rig.step(10)
    rig.core.observe_stop_source('operator', True, 10 ** 6, rig.counter, rig.now)
    rig.step(10)
    assert rig.state == 'ESTOPPED'


def test_a_second_source_more_severe_wins_while_braking(rig):
    rig.running(speed=2.5, rows=4)
    rig.core.report('camera_frozen', rig.now)
    rig.step()
    rig.core.report('internal_error', rig.now)
    rig.step(10)
    assert rig.state == 'FAULT'
    assert [active.cause.severity for active in rig.status.causes] == [5, 3]


def test_stop_to_first_braking_command_is_one_tick(rig):
    """S1, in the core: whatever the stop, the next tick already slows every joint."""
    rig.running(speed=2.0)
    before = rig.core.command
    rig.step(2)
    rig.core.observe_stop_source('operator', True, 10 ** 6, rig.counter, rig.now)
    command = rig.step().command
    assert before[0] < command[0] < before[0] + 2.0 * ROW


def test_a_stop_between_offer_and_tick_discards_the_row(rig):
    """A stop request must not fall through to the withheld action."""
    rig.armed()
    held = rig.core.command
    rig.step(4)
    assert rig.offer(held + 0.01).kind is Outcome.ACCEPTED
    rig.core.observe_stop_source('operator', True, 10 ** 6, rig.counter, rig.now)
    rig.step(20)
    assert rig.core.command.tobytes() == held.tobytes()


def chunk_of(rig, rows, observed_at):
    return rig.core.offer_chunk(SimpleNamespace(source='policy', epoch=rig.core.epoch, observed_at=observed_at, rows=rows),
                                rig.now)


@pytest.mark.parametrize('change, cause', [
    (lambda rows: rows.__setitem__((30, 3), np.nan), 'setpoint_nonfinite'),
    (lambda rows: rows.__setitem__((30, 3), 1.0), 'far_outside_limits'),
    (lambda rows: rows.__setitem__(slice(None), rows[:, ::-1]), 'arm_clearance'),
    (lambda rows: rows[10:].__setitem__((slice(None), 1), np.linspace(-0.9, 1.2, 40)), 'workspace')])
def test_a_bad_chunk_is_refused_before_its_first_row(rig, change, cause):
    """The arms hold, and its rows are refused, though the first ones are good."""
    rig.armed()
    rows = np.tile(rig.core.command, (50, 1))
    assert chunk_of(rig, rows, rig.now).kind is Outcome.ACCEPTED
    rig.play(rows[:3])
    change(rows)
    verdict = chunk_of(rig, rows[:, :14], rig.now - ROW)
    assert (verdict.kind, verdict.reason) == (Outcome.REFUSED, cause)
    assert rig.causes == [cause] and rig.status.causes[0].source == 'policy'
    rig.step()
    assert rig.state == 'HELD' and rig.offer(rows[0]).kind is Outcome.REFUSED


def test_rows_of_a_chunk_that_are_late_do_not_count(rig):
    """They will not be played."""
    rig.armed()
    rig.step(100)
    assert chunk_of(rig, np.tile(rig.core.command, (50, 1)), rig.now - 8 * ROW).kind is Outcome.ACCEPTED
    rig.play(moving(rig.core.command, 0.1, 60))
    rows = np.tile(rig.core.command, (50, 1))
    rows[:7, 0] = 2.0
    assert chunk_of(rig, rows, rig.now - 49 * ROW).kind is Outcome.ACCEPTED
    assert chunk_of(rig, rows, rig.now - 50 * ROW).reason == 'setpoint_stale'
    assert chunk_of(rig, rows, rig.now - 5 * ROW).reason == 'workspace'
    assert chunk_of(rig, rows, rig.now).reason == 'stopping'


def test_no_row_is_late_while_the_arms_stand(rig):
    """Nobody moved since the policy looked: a search of seven seconds may play its chunk from the first row on."""
    rig.armed()
    rig.step(100)
    seen = rig.now
    assert chunk_of(rig, np.tile(rig.core.command, (50, 1)), seen - 1.1).reason == 'setpoint_unplanned', 'before this epoch'
    for _ in range(175):
        rig.play(rig.core.command[None])
    rows = np.tile(rig.core.command, (50, 1))
    assert chunk_of(rig, rows, seen).kind is Outcome.ACCEPTED
    rows[:7, 0] = 2.0
    assert chunk_of(rig, rows, seen).reason == 'workspace', 'the first row counts'


def test_a_view_is_not_kept_for_ever(rig):
    """Somebody may have put something there since."""
    rig.armed()
    seen, rows = rig.now, np.tile(rig.core.command, (50, 1))
    rig.step(round(rig.config.standing_chunk_age / TICK) + 2)
    assert chunk_of(rig, rows, seen).reason == 'setpoint_stale'


def test_status_counts_and_names_everything(rig):
    rig.running()
    first, second = rig.status, rig.status
    assert second.counter == first.counter + 1
    assert first.state_name == 'RUNNING' and first.authority == 'policy' and first.armed
    assert first.watched == ('joint_states/left', 'joint_states/right', 'camera/cam_high', 'camera/cam_left_wrist',
                             'camera/cam_right_wrist', 'stop/operator')
    assert all(0 <= age < 0.1 for age in first.ages.values())
    assert 0.3 < first.min_clearance < 0.7
    assert np.isnan(Rig().status.min_clearance)
    rig.ticks += 2
    rig.step()
    assert rig.status.loop_period_max == pytest.approx(3 * TICK)
    assert rig.status.loop_period_max == 0.0


def test_output_tells_when_a_status_is_due(rig):
    rig.ready()
    assert not rig.step().changed
    rig.core.request_arm('policy', rig.now)
    assert rig.step().changed
    assert not rig.step().changed
    rig.core.report('camera_frozen', rig.now)
    assert rig.step().changed


def test_gripper_observation_is_turned_into_a_command():
    """Observations are linear in the finger distance, commands in the motor angle."""
    rig = Rig()
    gripper = GRIPPER_MAPS['ros1']
    rig.measured[6] = rig.measured[13] = 0.5
    rig.armed()
    reported = gripper.observation_from_finger(gripper.finger_from_joint(gripper.joint_from_action(0.5)))
    assert abs(reported - 0.5) > 0.02
    assert rig.core.command[[6, 13]] == pytest.approx(0.5)


numbers = st.one_of(st.floats(-0.2, 0.2), st.floats(-0.02, 0.02), st.floats(allow_nan=True, allow_infinity=True))
rows_of_numbers = st.lists(numbers, min_size=14, max_size=14)
events = st.lists(st.tuples(rows_of_numbers, st.sampled_from(['none', 'none', 'none', 'stop', 'arm', 'disarm', 'skip']),
                            st.floats(-0.05, 0.05)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(events)
def test_no_emitted_sample_violates_a_limit(sequence):
    """Every sample, by an oracle that sees only what was sent, when and in which state.

    Rows hold NaN, infinity, huge values and wrong target times, with stops and takeovers in between.
    """
    rig = Rig()
    armed_at = rig.armed().core.command
    for values, event, shift in sequence:
        rig.offer(rig.core.command + values, target_time=rig.now + shift)
        rig.step(2)
        if event == 'stop':
            rig.core.report('camera_frozen', rig.now)
        elif event == 'arm':
            rig.core.request_arm('teleop', rig.now)
        elif event == 'disarm':
            rig.core.request_disarm(rig.now)
        rig.step(2 if event != 'skip' else 7)
    rig.step(20)
    assert rig.state not in ('RUNNING', 'STOPPING')
    config = rig.config
    speed_limit = np.tile([*config.arm_speed, config.gripper_speed], 2)
    acceleration_limit = np.tile([*config.arm_acceleration, config.gripper_acceleration], 2)
    lower, upper = (np.tile([*arm, hand], 2) for arm, hand in ((config.arm_lower, config.gripper_lower),
                                                              (config.arm_upper, config.gripper_upper)))
    before, speed, when = armed_at, np.zeros(14), None
    for now, command in rig.sent:
        assert np.isfinite(command).all()
        assert ((command >= lower - 1e-9) & (command <= upper + 1e-9)).all()
        passed = ROW if when is None else now - when
        if ROW - config.row_slack - 1e-9 <= passed < ROW:
            passed = ROW  # a row that catches up with its grid
        new_speed = (command - before) / passed
        assert (np.abs(new_speed) <= speed_limit + 1e-6).all()
        assert (np.abs(new_speed - speed) <= acceleration_limit * max(passed, ROW) + 1e-6).all()
        before, speed, when = command, new_speed, now
        if rig.states[now] not in ('RUNNING', 'STOPPING'):
            speed, when = np.zeros(14), None  # at rest; what comes next is a row, which has 40 ms


def test_the_status_tells_how_far_the_speed_limits_have_shrunk_near_the_other_arm():
    rig = Rig(slow_zone=0.5).armed()
    rig.step(1)
    near = Envelope(rig.config).speed_scale(rig.core.command)
    assert rig.config.slow_zone_scale < near < 1.0
    assert rig.status.speed_scale == near
