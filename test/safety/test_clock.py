"""R4: clocks that step, stand still or drift: no motion on stale data, no stop without a name, no stall for ever."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import Side
from safety_rig import TICK, brakes_and_latches, moving

HOUR = 3600.0


def jump(rig, seconds):
    """The supervisor's own clock steps before the next cycle."""
    rig.ticks += round(seconds / TICK)


@pytest.mark.parametrize('seconds', [-HOUR, -0.08, 0.11, HOUR])
@pytest.mark.parametrize('when', ['running', 'held', 'stopping'])
def test_the_supervisors_own_clock_steps(rig, seconds, when):
    """Braked, latched with a name, and back at work after a reset; nothing jumps."""
    rig.running(speed=2.0)
    if when == 'held':
        rig.step(20)
    if when == 'stopping':
        rig.core.request_arm('teleop', rig.now)
    command = rig.core.command
    late = rig.row(moving(command, 1.0, 1)[0], source='policy')
    jump(rig, seconds)
    rig.step()
    assert rig.causes[0] == 'clock_step'
    assert rig.core.offer(late, rig.now).reason == 'setpoint_source'
    brakes_and_latches(rig, 'clock_step')
    assert np.abs(rig.core.command - command).max() <= 2.0 ** 2 / 2 / 40 + 2.0 * TICK + 1e-9
    rig.step(100)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted, 'no permanent stall'
    assert rig.core.request_arm('policy', rig.now).accepted


@pytest.mark.parametrize('seconds', [-HOUR, HOUR])
def test_a_step_while_nobody_commands_stops_nothing(rig, seconds):
    rig.ready()
    jump(rig, seconds)
    rig.step()
    assert (rig.state, rig.causes) == ('DISARMED', [])
    assert any('never' in blocker for blocker in rig.status.blockers)
    rig.step(60)
    assert rig.state == 'READY'


@pytest.mark.parametrize('seconds', [-HOUR, HOUR])
def test_a_pressed_stop_stays_pressed_through_a_step(rig, seconds):
    """Even one that nobody has configured, and that sends nothing any more."""
    rig.running()
    rig.core.observe_stop_source('pedal', True, 1, rig.counter, rig.now)
    jump(rig, seconds)
    rig.step(150)
    assert 'stop source pedal is pressed' in rig.core.request_reset(rig.status.last_event_id, rig.now).blockers
    rig.core.observe_stop_source('pedal', False, 2, rig.counter, rig.now)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted


def test_a_heartbeat_from_before_the_step_is_heard_again(rig):
    """The source goes on counting where it was, on a clock of its own."""
    rig.ready()
    jump(rig, -HOUR)
    rig.step(100)
    assert rig.status.blockers == ()


@pytest.mark.parametrize('input_', ['joints', 'camera'])
@pytest.mark.parametrize('seconds', [-HOUR, -0.06, 0.06, HOUR])
def test_the_stamps_of_an_input_step(rig, input_, seconds):
    """The clock of another computer, or a step between stamping and receiving."""
    rig.running()
    if input_ == 'joints':
        rig.observe(Side.RIGHT, stamp=rig.now + seconds)
    else:
        rig.core.observe_camera('cam_high', rig.now + seconds - 0.03, rig.now)
    if input_ == 'camera' and seconds == 0.06:
        assert rig.causes == [], 'images are older than their arrival'
        return
    assert 'from now' in rig.status.causes[0].text
    assert rig.status.causes[0].source == ('right' if input_ == 'joints' else 'cam_high')
    brakes_and_latches(rig, 'clock_step')
    rig.step(100)
    assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted


def test_stamps_of_a_disarmed_arm_stop_nothing(rig):
    rig.ready()
    rig.observe(Side.RIGHT, stamp=rig.now + HOUR)
    rig.observe(Side.RIGHT, stamp=rig.now - HOUR)
    rig.step()
    assert (rig.state, rig.causes) == ('READY', [])


def test_a_clock_that_stands_still_moves_nothing(rig):
    """Simulated time is paused: messages and cycles go on, at the same moment."""
    rig.running(speed=2.0)
    sent = len(rig.sent)
    for _ in range(200):
        rig.offer(rig.core.command + 0.01)
        rig.cycle()
    assert (rig.state, rig.causes, len(rig.sent)) == ('RUNNING', [], sent + 1), 'the one row that was due'
    rig.play(moving(rig.core.command, 0.0, 3))
    assert rig.state == 'RUNNING'


def test_a_brake_on_a_paused_clock_waits(rig):
    rig.running(speed=2.5)
    rig.core.report('camera_frozen', rig.now)
    commands = [rig.cycle().command for _ in range(50)]
    assert all((command == commands[0]).all() for command in commands)
    rig.step(10)
    assert rig.state == 'PROTECTIVE_STOP'


@pytest.mark.parametrize('drift', [-0.001, 0.001])
def test_a_drifting_clock_is_named_before_its_data_are_stale(rig, drift):
    """One part in a thousand: 50 ms after 50 s. Ahead it is a step of the clock, behind it is old data."""
    rig.running(speed=0.0)
    elapsed = 0.0
    while rig.state == 'RUNNING' and elapsed < 120:
        elapsed += 1.0
        rig.feeds.discard('left')
        rig.observe(Side.LEFT, stamp=rig.now + drift * elapsed)
        rig.offer(rig.core.command)
        rig.step(2)
        rig.observe(Side.LEFT, stamp=rig.now + drift * elapsed)
        rig.step(2)
    assert rig.causes == (['clock_step'] if drift > 0 else ['joint_states_stale'])
    assert 45 < elapsed < 105
