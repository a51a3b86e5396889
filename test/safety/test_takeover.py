"""Taking the arms from the policy and handing them back: bumpless both ways, and only by an operator's source."""
import numpy as np
import pytest

from cosmos_policy_ros.safety.records import Outcome
from safety_rig import ROW, moving


def take(rig, source='teleop'):
    return rig.core.request_takeover(True, source, rig.now)


def give_back(rig, source=''):
    return rig.core.request_takeover(False, source, rig.now)


def test_there_and_back(rig):
    """Each change brakes from the last command, opens an epoch, and waits for a row of the new source."""
    rig.running(speed=2.0)
    epoch, command = rig.core.epoch, rig.core.command
    late = rig.row(command)
    assert take(rig).epoch == epoch + 1
    assert (rig.core.authority, rig.status.origin, rig.state) == ('teleop', 'policy', 'STOPPING')
    assert rig.core.offer(late, rig.now).reason == 'setpoint_source'
    rig.step(10)
    assert rig.state == 'HELD'
    assert 0 < np.abs(rig.core.command - command).max() < 2.0 * 0.06, 'the brake, and nothing else'
    assert {v.kind for v in rig.play(moving(rig.core.command, 0.3, 3))} == {Outcome.ACCEPTED}
    assert give_back(rig).epoch == epoch + 2
    assert (rig.core.authority, rig.status.origin) == ('policy', '')
    rig.step(10)
    held = rig.core.command
    rig.step(50)
    assert rig.state == 'HELD' and rig.core.command.tobytes() == held.tobytes()
    assert rig.core.offer(late, rig.now).reason == 'setpoint_epoch', 'queued before the takeover'
    assert {v.kind for v in rig.play(moving(rig.core.command, 1.0, 3))} == {Outcome.ACCEPTED}


def test_every_sample_of_a_takeover_is_within_speed_and_acceleration(rig):
    """No jump when the operator takes over, none when the policy has the arms again."""
    rig.running(speed=2.5)
    for request, speed in ((take, 0.3), (give_back, 1.0)):
        request(rig)
        rig.step(4)
        rig.play(moving(rig.core.command, speed, 6))
    when, sent = zip(*rig.sent)
    steps = np.abs(np.diff(np.stack(sent), axis=0)) / np.maximum(np.diff(when)[:, None], 0.01)
    assert steps.max() <= 3.0 + 1e-9


@pytest.mark.parametrize('when', ['held', 'hold cause', 'stopping for a hold', 'running'])
def test_an_operator_may_always_take_over(rig, when):
    """While the policy stands, has been held for a cause, or is still braking; without any camera."""
    rig.running(speed=0.0 if when == 'running' else 2.0)
    if when == 'hold cause':
        rig.step(20)
        assert rig.causes == ['policy_starved']
    if when == 'stopping for a hold':
        row = rig.core.command
        row[0] = np.nan
        rig.offer(row)
        assert rig.state == 'STOPPING'
    if when == 'held':
        rig.core.request_arm('policy', rig.now)
        rig.step(20)
    rig.feeds -= set(rig.config.cameras)
    assert take(rig).accepted
    assert rig.causes == []
    rig.step(10)
    assert (rig.state, rig.status.origin) == ('HELD', 'policy')


def test_handing_back_needs_what_the_policy_needs(rig):
    rig.running(speed=0.0)
    rig.feeds -= set(rig.config.cameras)
    assert take(rig).accepted
    rig.step(60)
    reply = give_back(rig)
    assert not reply.accepted and any('camera' in blocker for blocker in reply.blockers)
    assert rig.core.authority == 'teleop' and rig.status.origin == 'policy'


def test_handing_on_to_another_source(rig):
    rig.running(speed=0.0)
    assert take(rig).accepted
    assert give_back(rig, 'park').accepted
    assert (rig.core.authority, rig.status.origin) == ('park', '')


@pytest.mark.parametrize('holder, request_, blocker', [
    ('', (True, 'teleop'), 'no source has the arms'), ('', (False, ''), 'no source has the arms'),
    ('policy', (True, 'park'), 'no source of an operator'), ('policy', (True, 'ghost'), "'ghost' is no source of an operator; these are: teleop"),
    ('policy', (True, ''), 'no source of an operator'), ('policy', (False, 'park'), 'policy has the arms, which is no source of an operator; these are: teleop'),
    ('teleop', (True, 'teleop'), 'has the arms already'), ('teleop', (False, ''), 'took the arms from nobody'),
    ('teleop', (False, 'ghost'), 'unknown authority')])
def test_refusals(rig, holder, request_, blocker):
    rig.armed(holder) if holder else rig.ready()
    epoch = rig.core.epoch
    reply = rig.core.request_takeover(*request_, rig.now)
    assert not reply.accepted and blocker in reply.blockers[0]
    assert (rig.core.authority, rig.core.epoch) == (holder, epoch)


def test_a_stop_ends_the_takeover_too(rig):
    """Afterwards nobody has anything to hand back."""
    rig.running(speed=0.0)
    take(rig)
    rig.core.report('camera_frozen', rig.now)
    assert (rig.core.authority, rig.status.origin) == ('', '')
    assert not take(rig).accepted and not give_back(rig).accepted
    rig.core.request_disarm(rig.now)
    assert not give_back(rig).accepted


def test_disarming_ends_the_takeover(rig):
    rig.running(speed=0.0)
    take(rig)
    rig.core.request_disarm(rig.now)
    rig.step(60)
    assert rig.core.request_arm('teleop', rig.now).accepted
    assert rig.status.origin == ''


def test_the_reduced_speed_belongs_to_the_source(rig):
    """Teleop moves its hands at 250 mm/s at the most, the policy as the limits say; the status tells."""
    rig.running(speed=1.0)
    assert rig.status.hand_speed == np.inf
    take(rig)
    rig.step(10)
    assert rig.status.hand_speed == 0.25
    base = rig.core.command
    verdict = rig.play(moving(base, 1.0, 3))[0]
    assert verdict.kind is Outcome.CLAMPED and verdict.detail == 'left_hand'
    assert 0 < rig.core.command[0] - base[0] < 3 * ROW * 1.0
    give_back(rig)
    assert rig.status.hand_speed == np.inf


def test_a_reduced_speed_that_was_asked_for_outlasts_a_takeover(rig):
    """It ends when the source is disarmed."""
    rig.ready()
    assert rig.core.request_arm('policy', rig.now, reduced=True).accepted
    assert rig.status.hand_speed == rig.config.reduced_speed
    assert take(rig).accepted and give_back(rig).accepted
    assert (rig.core.authority, rig.status.hand_speed) == ('policy', rig.config.reduced_speed)
    rig.core.request_disarm(rig.now)
    rig.step(60)
    assert rig.core.request_arm('policy', rig.now).accepted and rig.status.hand_speed == np.inf
