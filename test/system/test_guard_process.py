"""The second channel as a process: a supervisor killed in the middle of a motion, and what survives it."""
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from graph_probe import wait
from supervisor_rig import Rig

from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import GuardState, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds

STOPPED_WITHIN = 0.2
"""s of simulated time from the last sign of life of the supervisor to arms at rest."""


@pytest.fixture(scope='module')
def latch(tmp_path_factory):
    return tmp_path_factory.mktemp('state') / 'latch.json'


@pytest.fixture
def rig(probe, domain, running, latch):
    """Simulator, supervisor and guard; the latch is kept over the tests of this module."""
    with running('sim_node', 'supervisor_node', 'guard_node', sim_node={'patience': 3.0},
                 supervisor_node={'latch_file': str(latch)}) as processes:
        rig = Rig(probe, domain, processes)
        rig.guard = probe.record(GuardState, '/cosmos_policy/guard_state')
        for old in (rig.watch.statuses, rig.guard, *rig.watch.states.values()):
            old.clear()  # of the processes of the test before
        try:
            rig.calm()
            yield rig
        finally:
            rig.station.close()


STANDING = 0.05
"""rad/s; the servos report speeds in steps of 0.024."""


def simulated(rig):
    """s, the simulator's time."""
    return seconds(rig.watch.states[SIDES[0]][-1].header.stamp)


def killed(rig):
    """Kill the supervisor; returns the simulated time of its last tick."""
    os.kill(rig.processes.pid('supervisor_node'), signal.SIGKILL)
    wait(lambda: rig.guard and rig.guard[-1].state == GuardState.HOLDING, lambda: rig.guard[-1:])
    return rig.watch.now


def test_arms_stand_200_ms_after_kill_9_and_the_stop_outlives_the_supervisor(rig, running, latch):
    """S6, in simulated time; then a new supervisor comes up stopped, and says that the one before died armed."""
    rig.moving(followed=0.4)
    died = killed(rig)
    begun = min(seconds(m.header.stamp) for m in rig.guard if m.state == GuardState.BRAKING)
    assert begun - died <= 0.11 + 1e-3
    wait(lambda: simulated(rig) > died + 0.5, 'time going on')
    for side in SIDES:
        speeds = [(round(seconds(m.header.stamp) - died, 3), np.abs(m.velocity[:6]).max()) for m in rig.watch.states[side]]
        assert max(speed for after, speed in speeds if after >= STOPPED_WITHIN) < STANDING, speeds
    assert rig.guard[-1].state == GuardState.HOLDING, 'and then the guard is silent'
    assert 'teleop' in latch.read_text()

    rig.teleop.rest()
    known = len(rig.watch.statuses)
    with running('supervisor_node', supervisor_node={'latch_file': str(latch)}):
        wait(lambda: len(rig.watch.statuses) > known + 3, 'a new supervisor')
        wait(lambda: rig.guard[-1].state == GuardState.WATCHING, lambda: rig.guard[-1])
        assert rig.watch.causes() == {'unclean_end'} and 'teleop was armed' in rig.watch.status.causes[0].text
        assert rig.watch.status.state == SafetyStatus.PROTECTIVE_STOP
        wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
        assert rig.station.reset().accepted
        rig.moving()


def test_supervisor_and_guard_share_no_memory_with_anybody(rig):
    """So a process that is killed cannot make them wait, nor leave one that is started again unheard; pictures may."""
    def shared(name):
        return '/dev/shm/fast' in Path(f'/proc/{rig.processes.pid(name)}/maps').read_text()
    assert shared('sim_node') and not shared('supervisor_node') and not shared('guard_node')


def test_a_supervisor_that_is_asked_to_end_brakes_first_and_comes_back_without_a_stop(rig, running, latch):
    """The guard, asked at the same time, leaves it to the supervisor."""
    rig.moving(followed=0.4)
    moved = rig.watch.now
    for name in ('supervisor_node', 'guard_node'):
        os.kill(rig.processes.pid(name), signal.SIGINT)
    rig.until(SafetyStatus.DISARMED)
    assert not np.any(rig.watch.status.velocity), 'the command came to rest'

    def speeds(side):
        times, rows = rig.watch.commands(side, moved - 0.2)
        return np.abs(np.diff(rows, axis=0)).max(axis=1) / np.diff(times)
    for side in SIDES:
        wait(lambda: speeds(side)[-1] < 0.5 * speeds(side).max() > 0.1, lambda: speeds(side))  # noqa: B023
    assert not any(state.state in (GuardState.BRAKING, GuardState.HOLDING) for state in rig.guard)
    known = len(rig.watch.statuses)
    rig.teleop.rest()
    with running('supervisor_node', supervisor_node={'latch_file': str(latch)}):
        wait(lambda: len(rig.watch.statuses) > known + 3, 'a new supervisor')
        rig.until(SafetyStatus.READY)


def test_a_latched_stop_survives_kill_9(rig, running, latch):
    """While nobody has the arms the guard has nothing to do, and the same event waits for its reset."""
    rig.armed()
    rig.station.press()
    rig.until(SafetyStatus.ESTOPPED)
    event = rig.watch.status.last_event_id
    wait(lambda: 'stop_pressed' in latch.read_text(), 'the latch on the disk')
    rig.station.release()
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
    os.kill(rig.processes.pid('supervisor_node'), signal.SIGKILL)
    known = len(rig.watch.statuses)
    with running('supervisor_node', supervisor_node={'latch_file': str(latch)}):
        wait(lambda: len(rig.watch.statuses) > known + 3, 'a new supervisor')
        assert rig.watch.status.state == SafetyStatus.ESTOPPED and rig.watch.causes() == {'stop_pressed'}
        assert rig.watch.status.last_event_id == event
        assert not any(state.state in (GuardState.BRAKING, GuardState.HOLDING) for state in rig.guard)
        wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
        assert rig.station.reset().accepted
        rig.until(SafetyStatus.READY)


def test_a_robot_is_not_armed_without_its_companions(probe, domain, running):
    """The guard that would stop it, and the fingerprints that show frozen pictures."""
    with running('sim_node', 'supervisor_node', supervisor_node={'companions_required': True}) as processes:
        rig = Rig(probe, domain, processes)
        try:
            rig.watch.statuses.clear()
            wait(lambda: rig.watch.causes() == {'companion_missing'}, lambda: rig.watch.status)
            reply = rig.station.arm('teleop')
            assert not reply.accepted
            missing = next(blocker for blocker in reply.blockers if 'relies on' in blocker)
            assert 'safety_guard' in missing and 'fingerprints of cam_high' in missing
        finally:
            rig.station.close()
