"""A recorded episode goes through the supervisor once more: approach, every row, the last one held."""
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from command_process import Command
from graph_probe import wait
from supervisor_rig import Rig

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.msg import JointSetpoint
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.rollouts.bag import BagWriter
from cosmos_policy_ros.rollouts.commands import read_rows
from cosmos_policy_ros.rollouts.episode import EpisodeRecord
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.topics import SETPOINT

PERIOD_NS = 40_000_000
RECORD = EpisodeRecord('episode', 'plate', 'put the duck on the plate', 7, 1, '')
ROWS = START + np.sin(np.linspace(0, math.pi, 40))[:, None] * np.array([0.2, 0, 0, 0, 0, 0, 0.3] * 2) \
    + np.array([0.15, 0, 0, 0, 0, 0, 0] * 2)
"""Begins 0.15 rad from where the arms stand."""


def write_episode(folder):
    types = message_types()
    make = types.types
    bag = BagWriter(folder, RECORD, types)
    bag.add(SETPOINT, 'cosmos_policy_ros/msg/JointSetpoint')
    for i, row in enumerate(ROWS):
        stamp = 5_000_000_000 + i * PERIOD_NS
        header = make['std_msgs/msg/Header'](make['builtin_interfaces/msg/Time'](stamp // 10 ** 9, stamp % 10 ** 9), '')
        message = make['cosmos_policy_ros/msg/JointSetpoint'](header, 'policy', 4, i, row)
        bag.write(SETPOINT, stamp + 3_000_000, bytes(types.serialize_cdr(message, message.__msgtype__)))
    return bag.finish(replace(RECORD, steps=len(ROWS), ended=2))


@pytest.fixture(scope='module')
def episode(tmp_path_factory):
    return write_episode(tmp_path_factory.mktemp('recorded'))


@pytest.fixture(scope='module')
def rig(running, probe, domain, episode):
    with running('sim_node', 'supervisor_node', 'replay_node', options=GraphOptions(mode='replay', episode=str(episode))) as p:
        rig = Rig(probe, domain, p)
        yield rig
        rig.station.close()


def test_rows_are_read_with_their_target_times(episode):
    times, rows, record = read_rows(episode)
    assert np.array_equal(rows, ROWS) and record.task == 'plate'
    assert times == pytest.approx(np.arange(len(ROWS)) * 0.04)


def test_the_rows_are_played_at_their_own_speed_after_an_approach(rig):
    rows = rig.probe.record(JointSetpoint, '/cosmos_policy/setpoint')
    rig.calm()
    reply = rig.station.arm('replay')
    assert reply.accepted, reply.blockers
    held = lambda: len(rows) > len(ROWS) + 5 and all(np.array_equal(row.positions, ROWS[-1]) for row in rows[-5:])  # noqa: E731
    wait(held, lambda: rig.watch.status)
    played = np.array([row.positions for row in rows])
    begin = next(i for i in range(len(played)) if np.array_equal(played[i:i + len(ROWS)], ROWS))
    assert begin > 5 and (np.abs(np.diff(played[:begin + 1, [0, 7]], axis=0)) <= 0.2 * 3.0 * 0.04 + 1e-6).all()
    slots = np.diff([seconds(row.header.stamp) for row in rows]) / 0.04
    assert slots == pytest.approx(np.maximum(1, np.round(slots)), abs=0.05)  # a loaded machine may leave one out
    assert np.median(slots) == pytest.approx(1.0, abs=0.05)
    status = rig.watch.status
    assert {row.source for row in rows} == {'replay'} and (status.rows_clamped, status.rows_refused) == (0, 0)
    commanded = np.concatenate([rig.watch.commands(side)[1][:, :1] for side in rig.watch.states], axis=None)
    assert commanded.max() == pytest.approx(ROWS[:, 0].max(), abs=1e-6)
    assert rig.station.arm('').accepted


def test_the_command_refuses_a_folder_that_is_no_episode(domain, tmp_path):
    with Command('up', 'replay', '--domain', domain, '--episode', tmp_path, '--output', tmp_path / 'out', folder=tmp_path) as up:
        assert up.end(60) == 1
        assert 'is no recorded episode' in up.said() and 'give --episode' in up.said()


@pytest.mark.parametrize('given', ['', '/nowhere'])
def test_without_an_episode_it_says_what_is_missing(domain, given):
    result = subprocess.run([sys.executable, '-m', 'cosmos_policy_ros.nodes.replay_node', '--ros-args', '-p',
                             f"episode:='{given}'"], capture_output=True, text=True, timeout=120)
    assert result.returncode == 2 and 'is no folder of a recorded episode; set the parameter "episode"' in result.stderr
