"""The policy node is killed in the middle of a chunk: the supervisor brakes the arms and holds them with power."""
import os
import signal

import numpy as np
import pytest
from arm_commands import ArmWatch, assert_braked
from command_process import SEED
from graph_probe import wait

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.safety.config import load_config

CONFIG = load_config(config_file('safety.yaml'))


@pytest.fixture(scope='module')
def killed(probe, running):
    """The arms as watched from before the kill until a second after the brake, and the simulated time of the kill."""
    with running('sim_node', 'supervisor_node', 'policy_node', options=GraphOptions(seed=SEED),
                 sim_node={'patience': 2.0}) as processes, Station('operator') as station:
        watch = ArmWatch(probe)
        wait(lambda: watch.status and watch.status.state == SafetyStatus.READY, lambda: watch.status)
        wait(lambda: probe.node.count_publishers('/cosmos_policy/chunk'), 'policy node')
        assert station.arm('policy').accepted

        def moving():
            if watch.status.state == SafetyStatus.HELD and watch.causes():  # a loaded machine was late
                station.arm('policy')
            return watch.status.state == SafetyStatus.RUNNING and watch.speed() > 0.8
        wait(moving, lambda: watch.status)
        os.kill(processes.pid('policy_node'), signal.SIGKILL)
        at = watch.now
        wait(lambda: watch.status.state == SafetyStatus.HELD, lambda: watch.status)
        held = watch.now
        wait(lambda: watch.now > held + 1.0, 'a second of holding')
        wait(watch.at_rest, 'arms at rest')
        watch.killed_at, watch.held_at = at, held
        yield watch


def test_the_status_names_the_cause_and_holds(killed):
    assert killed.status.state_name == 'HELD' and killed.causes() == {'policy_starved'}
    cause, = killed.status.causes
    assert 'policy' in cause.text and cause.hint


def test_the_arms_are_braked_within_their_limits(killed):
    speeds = [assert_braked(*killed.commands(side, since=killed.killed_at - 0.2), CONFIG) for side in SIDES]
    assert max(speeds) > 0.4, 'an arm must have been moving for this to mean anything'


def test_the_arms_hold_soon_after_the_last_row(killed):
    """Two slots without a row, the brake from any speed, and a few cycles of the loop."""
    braking = max(CONFIG.arm_speed) / min(CONFIG.arm_acceleration)
    assert killed.held_at - killed.killed_at < CONFIG.starvation + braking + 0.08


def test_afterwards_the_same_command_is_repeated_without_a_gap(killed):
    for side in SIDES:
        times, rows = killed.commands(side, since=killed.held_at + 0.01)
        assert len(times) > 10 and np.diff(times).max() <= 0.05
        assert (rows == rows[0]).all()


def test_the_arms_come_to_rest_where_they_are_commanded(killed):
    for side in SIDES:
        position, speed = killed.measured(side)
        assert np.abs(speed).max() < 0.03
        assert np.abs(position - killed.commands(side)[1][-1]).max() < 0.06
