"""The supervisor as a process: stops from every side, guarded resets, and rows that it must refuse."""
import math
import os
import signal
import time

import numpy as np
import pytest
from command_process import Command
from graph_probe import free_domain, wait
from interbotix_xs_msgs.msg import JointGroupCommand
from supervisor_rig import Rig

from cosmos_policy_ros.embodiment.joints import ARM_SLICE, SIDES
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.srv import ResetSafety

RESET = '/cosmos_policy/reset_safety'


@pytest.fixture(scope='module')
def rig_process(probe, domain, running):
    with running('sim_node', 'supervisor_node', sim_node={'patience': 1.0}) as processes, \
            Rig(probe, domain, processes) as rig:
        yield rig


@pytest.fixture
def rig(rig_process):
    """READY before the test, and again after it: a stop that a test cannot clear fails that test."""
    rig_process.calm()
    yield rig_process
    rig_process.calm()


def cli_stop(rig, tmp_path, *options):
    with Command('stop', '--domain', rig.domain, *options, folder=tmp_path) as command:
        assert command.end(60) == 0, command.said()
        return command.last_line()


def test_stop_from_a_terminal_brakes_and_latches_until_released_and_reset(rig, tmp_path):
    rig.moving()
    event = int(cli_stop(rig, tmp_path).removeprefix('stopped: event '))
    assert rig.watch.status.state == SafetyStatus.ESTOPPED and rig.watch.causes() == {'stop_pressed'}
    assert rig.watch.status.last_event_id == event and not rig.watch.status.armed
    wait(rig.watch.at_rest, 'arms at rest')

    refused = rig.station.reset()
    assert not refused.accepted and any('cli is pressed' in blocker for blocker in refused.blockers)
    assert not rig.station.arm('teleop').accepted
    assert cli_stop(rig, tmp_path, '--release') == f'released: event {event}'
    assert rig.watch.status.state == SafetyStatus.ESTOPPED, 'letting go of the button is no reset'
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)

    stale = rig.probe.call(ResetSafety, RESET, event_id=event - 1)
    assert not stale.accepted and f'the latest is {event}' in stale.blockers[0]
    before = [rig.watch.commands(side)[1][-1] for side in SIDES]
    assert rig.probe.call(ResetSafety, RESET, event_id=event).accepted
    rig.until(SafetyStatus.READY)
    at = rig.watch.now
    wait(lambda: rig.watch.now > at + 0.5, 'half a second after the reset')
    for side, last in zip(SIDES, before):
        assert (rig.watch.commands(side)[1][-1] == last).all(), 'a reset moves nothing'


def test_a_stop_without_a_supervisor_is_not_confirmed(tmp_path):
    """It says so and points at the hardware stop; the exit code is not 0."""
    with free_domain() as empty, Command('stop', '--domain', empty, folder=tmp_path) as command:
        assert command.end(60) == 1
        assert 'not confirmed' in command.said() and 'hardware stop' in command.said()


def test_a_second_publisher_of_arm_commands_stops_the_arms_until_it_is_gone(rig):
    rig.moving()
    intruder = rig.probe.publisher(JointGroupCommand, '/follower_left/commands/joint_group')
    try:
        rig.until(SafetyStatus.ESTOPPED)
        assert rig.watch.causes() == {'duplicate_publisher'}
        wait(rig.watch.at_rest, 'arms at rest')
        refused = rig.station.reset()
        assert not refused.accepted
        assert any('/follower_left/commands/joint_group' in blocker for blocker in refused.blockers), refused.blockers
    finally:
        rig.probe.forget(intruder)
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
    assert rig.station.reset().accepted


def test_the_operators_station_disappears(rig):
    """A required stop source that goes silent counts as pressed."""
    rig.moving()
    rig.station.close()
    try:
        rig.until(SafetyStatus.ESTOPPED)
        assert rig.watch.causes() == {'stop_source_lost'}
        assert 'operator' in rig.watch.status.causes[0].text
    finally:
        rig.station = Station('operator')
    wait(lambda: rig.station.status and not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
    assert rig.station.reset().accepted


@pytest.mark.parametrize('fault, cause, change', [
    ('NaN', 'setpoint_nonfinite', lambda pose: {'positions': [math.nan, *pose[1:]]}),
    ('infinity', 'setpoint_nonfinite', lambda pose: {'positions': [*pose[:13], math.inf]}),
    ('13 numbers', 'setpoint_shape', lambda pose: {'positions': pose[:13]}),
    ('no numbers', 'setpoint_shape', lambda pose: {'positions': []}),
    ('a jump', 'far_outside_limits', lambda pose: {'positions': pose + 0.5}),
    ('another epoch', None, lambda pose: {'positions': pose + 0.01, 'epoch': 12345}),
    ('another source', None, lambda pose: {'positions': pose + 0.01, 'source': 'policy'}),
    ('an old target time', None, lambda pose: {'positions': pose + 0.01, 'delay': 0.5}),
    ('a far target time', None, lambda pose: {'positions': pose + 0.01, 'delay': -0.5}),
])
def test_a_bad_row_is_refused_counted_and_moves_nothing(rig, fault, cause, change):
    rig.armed()
    before = rig.watch.status.rows_refused
    pose, since = rig.teleop.pose(), rig.watch.now
    rig.teleop.send(**change(pose))
    wait(lambda: rig.watch.status.rows_refused > before, lambda: rig.watch.status)
    at = rig.watch.now
    wait(lambda: rig.watch.now > at + 0.3, 'time to move')
    assert rig.watch.status.rows_refused == before + 1
    assert rig.watch.status.state == SafetyStatus.HELD
    assert rig.watch.causes() == ({cause} if cause else set())
    for side in SIDES:
        assert (rig.watch.commands(side, since)[1] == pose[ARM_SLICE[side]].astype(np.float32)).all()


def test_a_computer_that_stands_still_for_a_while_trips_nothing(rig):
    """Lock-step: simulator and all clocks pause together, then everything goes on."""
    rig.moving()
    os.kill(rig.processes.pid('sim_node'), signal.SIGSTOP)
    try:
        paused = rig.watch.now
        time.sleep(1.5)
        assert rig.watch.now <= paused + 0.02
    finally:
        os.kill(rig.processes.pid('sim_node'), signal.SIGCONT)
    wait(lambda: rig.watch.now > paused + 1.0, 'time going on')
    assert rig.watch.status.state == SafetyStatus.RUNNING and not rig.watch.causes(), rig.watch.status.causes
