"""The operator's board over DDS: a client speaks the protocol of RViz's interactive markers and clicks."""
import math
import time

import numpy as np
import pytest
from arm_commands import ArmWatch
from command_process import SEED
from graph_probe import wait
from rviz_client import RvizClient
from supervisor_rig import calmed
from visualization_msgs.msg import InteractiveMarkerFeedback

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.control.playback import slowed
from cosmos_policy_ros.msg import ActionChunk, SafetyStatus
from cosmos_policy_ros.nodes.station import Station

NAMESPACE = '/cosmos_policy/board'
AGAIN = 5.0
"""s of wall time after which an operator clicks once more."""


@pytest.fixture(scope='module')
def watch(probe):
    return ArmWatch(probe)


@pytest.fixture(scope='module')
def rviz(probe, watch, running):
    options = GraphOptions(seed=SEED, board=True)
    with running('sim_node', 'supervisor_node', 'policy_node', 'rollout_node', 'board_node', options=options,
                 rollout_node={'record': False}) as processes, Station('operator') as station:
        client = RvizClient(probe, NAMESPACE)
        client.station = station
        wait(lambda: processes.first_death() or calmed(watch, station), lambda: watch.status)
        assert not processes.first_death(), processes.first_death()
        yield client


def until(watch, *states):
    wait(lambda: watch.status.state in states, lambda: watch.status)


def reset(rviz, watch):
    """By clicks, as often as it takes: on a busy machine another stop may come in between."""
    clicked = -math.inf

    def ready():
        nonlocal clicked
        if watch.status.state != SafetyStatus.READY and time.monotonic() > clicked + AGAIN:
            clicked = time.monotonic()
            rviz.click('reset')
        return watch.status.state == SafetyStatus.READY
    wait(ready, lambda: watch.status)


def test_a_session_by_clicks(rviz, watch):
    """Start, watch it move, stop, read why the others cannot be used, reset; nothing is missing in between."""
    wait(lambda: calmed(watch, rviz.station), lambda: watch.status)
    rviz.usable('start')
    wait(lambda: watch.status.state == SafetyStatus.RUNNING and watch.speed() > 0.1, lambda: watch.status)
    assert watch.status.authority == 'policy'
    rviz.click('stop')
    until(watch, SafetyStatus.ESTOPPED)
    assert watch.status.causes[0].id == 'stop_pressed' and watch.status.causes[0].source == 'rviz'
    wait(watch.at_rest, 'arms at rest')
    wait(lambda: 'cancel' in rviz.markers and 'no rollout' in rviz.markers['cancel'].description,
         lambda: rviz.markers['cancel'].description)
    assert '\n' in rviz.markers['start'].description
    reset(rviz, watch)
    assert not rviz.gaps


def test_a_task_is_chosen_and_nonsense_is_not(rviz):
    rviz.choose('task', 'transfer')
    wait(lambda: rviz.markers['task'].description == 'task: transfer', lambda: rviz.markers['task'].description)
    menu = {'event_type': InteractiveMarkerFeedback.MENU_SELECT, 'control_name': 'menu'}
    for changes in ({'menu_entry_id': 99, **menu}, {'marker_name': 'of nobody'}, {'event_type': 77}):
        rviz.click('task', **changes)
    rviz.choose('task', 'plate')
    wait(lambda: rviz.markers['task'].description == 'task: plate', lambda: rviz.markers['task'].description)


def test_the_stop_can_be_clicked_again_and_again(rviz, watch):
    for _ in range(3):
        rviz.click('stop')
        until(watch, SafetyStatus.ESTOPPED)
        reset(rviz, watch)


def first_chunk(rviz, probe, watch):
    """(50, 14) rows of the first chunk of a rollout that is always the same."""
    wait(lambda: calmed(watch, rviz.station), lambda: watch.status)
    chunks = probe.record(ActionChunk, '/cosmos_policy/chunk')
    chunks.clear()
    run = rviz.station.rollout(RunRollout.Goal(task='plate', seed=SEED, step_limit=1000, mode='direct'))
    wait(lambda: run.advance() or chunks, lambda: watch.status)
    run.cancel()
    wait(run.advance, lambda: watch.status)
    return np.array([point.positions for point in chunks[0].trajectory.points])


def test_the_speed_is_chosen_and_the_policy_keeps_to_it(rviz, probe, watch):
    """The same scene and the same noise: the same way, at a quarter of the speed."""
    fast = first_chunk(rviz, probe, watch)
    rviz.choose('speed', '25%')
    wait(lambda: rviz.markers['speed'].description == 'speed: 25%', lambda: rviz.markers['speed'].description)
    slow = first_chunk(rviz, probe, watch)
    assert np.allclose(slow, slowed(fast, 0.25), atol=0.02)
    assert np.abs(np.diff(slow, axis=0)).max() < 0.3 * np.abs(np.diff(fast, axis=0)).max()
