"""One test per cause that comes from how the arms follow and what their motors draw."""
import numpy as np
import pytest

from cosmos_policy_ros.safety.records import Outcome
from safety_rig import ROW, brakes_and_holds, brakes_and_latches, moving


def keep(rig, rows):
    """Stay, for so many rows."""
    return rig.play([rig.core.command] * rows)


def recovers(rig):
    """Mended and at rest, the stop can be reset, and the arms work again."""
    rig.follows, rig.obeyed = True, lambda command: command
    rig.efforts[:] = 300.0
    if rig.core.command is not None:
        rig.measured = rig.core.command.copy()
    rig.step(100)
    assert [active.cause.severity for active in rig.status.causes if active.cause.severity < 3] == []
    reply = rig.core.request_reset(rig.status.last_event_id, rig.now)
    assert reply.accepted, reply.blockers
    assert rig.core.request_arm('policy', rig.now).accepted
    rig.step(4)
    assert {verdict.kind for verdict in rig.play(moving(rig.core.command, 0.3, 15))} == {Outcome.ACCEPTED}
    assert rig.causes == []


def test_tracking_lag(rig):
    """An arm that falls behind halves the speed limit until it has caught up."""
    rig.running(speed=0.2, rows=2)
    rig.follows = False
    rig.measured[8] += 0.15
    keep(rig, 7)
    assert rig.causes == ['tracking_lag']
    assert rig.status.speed_scale == 0.5
    assert rig.state == 'RUNNING'
    row = rig.core.command
    row[13] += 0.6 * rig.config.gripper_speed * ROW
    assert rig.offer(row).kind is Outcome.CLAMPED
    rig.step(4)
    rig.measured[8] -= 0.15
    keep(rig, 1)
    assert rig.causes == []
    assert rig.status.speed_scale == 1.0


def test_tracking_error(rig):
    """A joint off the servo model for 200 ms; the lag of normal motion is not an error."""
    rig.running(speed=2.2, rows=12)
    assert rig.causes == []
    rig.follows = False
    rig.measured[4] += 0.8
    keep(rig, 4)
    assert rig.causes == ['tracking_lag']
    keep(rig, 2)
    brakes_and_latches(rig, 'tracking_error')
    assert [active.source for active in rig.status.causes] == ['left']
    assert 'left_wrist_angle 0.8' in rig.status.causes[0].text
    recovers(rig)


def test_tracking_error_needs_its_time_without_a_break(rig):
    rig.running(speed=0.0)
    rig.follows = False
    for _ in range(4):
        rig.measured[11] += 0.25
        keep(rig, 4)
        rig.measured[11] -= 0.25
        keep(rig, 1)
    assert rig.causes == []


def test_motor_off(rig):
    """A joint off the model whose motor draws nothing has switched itself off; one that pulls is only lagging."""
    rig.efforts[:] = 400.0
    rig.running(speed=0.0)
    rig.follows = False
    rig.measured[8] += 0.15
    keep(rig, 7)
    assert rig.causes == ['tracking_lag']
    rig.efforts[8] = -20.0
    keep(rig, 4)
    assert rig.causes == ['tracking_lag']
    keep(rig, 3)
    brakes_and_latches(rig, 'motor_off')
    assert 'right_shoulder' in rig.status.causes[0].text and rig.status.causes[0].source == 'right'
    recovers(rig)


def test_a_motor_without_a_load_is_not_off(rig):
    rig.efforts[:] = 0.0
    rig.running(speed=0.5, rows=20)
    assert rig.causes == []


@pytest.mark.parametrize('efforts', [np.nan, 300.0])
@pytest.mark.parametrize('joints', [[1], [7, 8, 9, 10, 11, 12]])
def test_command_ignored(rig, joints, efforts):
    """A goal that is dropped in silence: the joint stands still, without load, while its command moves on."""
    rig.efforts[:] = efforts
    rig.armed()
    held = rig.measured[joints].copy()

    def obeyed(command):
        kept = command.copy()
        kept[joints] = held
        return kept
    rig.obeyed = obeyed
    path = moving(rig.core.command, 0.35, 20, joint=joints[0])
    played = []
    while rig.state != 'PROTECTIVE_STOP' and len(played) < len(path):
        played += rig.play([path[len(played)]])
        rig.measured[joints] = held
    brakes_and_latches(rig, 'command_ignored')
    assert len(played) < 14, 'before the tracking error'
    named = rig.status.causes[0].text
    assert ('left_shoulder' if joints == [1] else 'right_waist') in named
    recovers(rig)


def test_a_blocked_joint_is_not_deaf(rig):
    """Under load it is for the tracking error to tell."""
    rig.efforts[:] = 1500.0
    rig.efforts[[6, 13, 0, 5, 7, 12]] = 100.0
    rig.armed()
    rig.efforts[0] = 1100.0
    held = rig.measured[0]
    rig.obeyed = lambda command: np.concatenate([[held], command[1:]])
    for row in moving(rig.core.command, 0.35, 17):
        rig.play([row])
        rig.measured[0] = held
    assert 'command_ignored' not in rig.causes and 'tracking_lag' in rig.causes


def test_arms_swapped(rig):
    """Each arm does what the other is told: found within a few centimetres of motion."""
    rig.armed()
    rig.obeyed = lambda command: np.roll(command, 7)
    path = moving(rig.core.command, 0.4, 20)
    played = 0
    while rig.state != 'PROTECTIVE_STOP' and played < len(path):
        rig.play([path[played]])
        played += 1
    brakes_and_latches(rig, 'arms_swapped')
    assert np.abs(rig.core.command - path[0]).max() < 0.25
    assert [active.source for active in rig.status.causes if active.cause.id == 'arms_swapped'] == ['both']
    recovers(rig)


def test_arms_that_mirror_each_other_are_not_swapped(rig):
    rig.armed()
    path = moving(rig.core.command, 0.4, 20)
    path[:, 7] = path[:, 0]
    rig.play(path)
    assert rig.causes == []


@pytest.mark.parametrize('efforts', [np.nan, 0.0])
def test_gripper_dead(rig, efforts):
    """It does not open as told, whatever its motor says; or it does not close and draws nothing."""
    rig.efforts[:6] = rig.efforts[7:] = 300.0
    rig.efforts[6] = efforts
    rig.armed()
    opened = rig.core.command
    opened[6] = 0.8
    stuck = rig.measured[6]
    rig.obeyed = lambda command: np.concatenate([command[:6], [stuck], command[7:]])
    rig.play(np.linspace(rig.core.command, opened, 10))
    assert rig.causes == []
    rig.play([opened] * 12)
    brakes_and_latches(rig, 'gripper_dead')
    assert rig.status.causes[0].source == 'left'
    recovers(rig)


@pytest.mark.parametrize('current, held', [(np.nan, True), (500.0, True), (10.0, False)])
def test_a_gripper_that_holds_something_is_not_dead(rig, current, held):
    """It cannot close, and squeezes; without current it has switched itself off."""
    rig.efforts[:] = 300.0
    rig.efforts[13] = current
    rig.measured[[6, 13]] = 0.8
    rig.armed()
    closed = rig.core.command
    closed[13] = 0.1
    rig.obeyed = lambda command: np.concatenate([command[:13], [max(command[13], 0.5)]])
    rig.play(np.linspace(rig.core.command, closed, 10))
    rig.play([closed] * 20)
    assert rig.causes == ([] if held else ['gripper_dead'])


def test_gripper_strain(make_rig):
    """Long squeezing holds the arms; whoever is armed next has time to open the gripper."""
    rig = make_rig(gripper_current_time=2.0)
    rig.efforts[:] = 100.0
    rig.efforts[6] = -520.0
    rig.running(speed=0.0)
    keep(rig, 40)
    assert rig.causes == []
    keep(rig, 5)
    brakes_and_holds(rig, 'gripper_strain')
    keep(rig, 40)
    assert rig.causes == []


def test_motor_current(rig):
    """A motor that works hard for a second slows the arms; a peak does not."""
    rig.efforts[:] = 0.0
    rig.running(speed=0.0)
    rig.efforts[12] = -1500.0
    keep(rig, 20)
    assert rig.causes == []
    rig.efforts[12] = 0.0
    keep(rig, 1)
    rig.efforts[12] = 1500.0
    keep(rig, 20)
    assert rig.causes == []
    keep(rig, 8)
    assert rig.causes == ['motor_current'] and rig.status.speed_scale == 0.5
    assert 'right_wrist_rotate 1500 mA' in rig.status.causes[0].text
    rig.efforts[12] = 1300.0
    keep(rig, 1)
    assert rig.causes == []


def test_motor_overload(rig):
    rig.efforts[:] = 0.0
    rig.running(speed=0.0)
    rig.efforts[2] = 3700.0
    keep(rig, 24)
    assert rig.causes == []
    keep(rig, 3)
    brakes_and_latches(rig, 'motor_overload')
    assert 'left_elbow 3700 mA' in rig.status.causes[0].text
    recovers(rig)


def test_currents_are_optional(rig):
    """No effort field, a short one, or NaN: no rule on currents, and everything else as before."""
    rig.running(speed=0.0)
    for efforts in (None, [], [5000.0] * 6, [np.nan] * 7):
        rig.core.observe_joints('left', rig.measured[:7], rig.now + 1e-3, rig.now, efforts)
        keep(rig, 2)
    assert rig.causes == []
