"""Lock-step: the whole graph at a quarter of real time, without anything tripping."""
import numpy as np
import pytest
from command_process import SEED, SMALL_CAMERAS, Command

from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.topics import CHUNK, SAFETY_STATUS, SETPOINT


def test_an_episode_at_a_quarter_of_real_time_trips_nothing(domain, tmp_path):
    rows = 80
    with Command('demo', '--domain', domain, '--seed', SEED, '--output', tmp_path / 'out', '--step-limit', rows,
                 '--real-time-factor', 0.25, '--cameras', SMALL_CAMERAS, folder=tmp_path) as command:
        assert command.end(240) == 0, command.said()
        assert command.left() == []
    assert command.facts()['outcome'] == 'timeout' and command.facts()['interventions'] == '0', command.said()
    with BagReader(command.facts()['bag']) as bag:
        statuses = [status for _, _, status in bag.messages([SAFETY_STATUS])]
        targets, observed = ([seconds(message.header.stamp) for _, _, message in bag.messages([topic])]
                             for topic in (SETPOINT, CHUNK))
    assert not any(status.causes for status in statuses)
    assert not {SafetyStatus.PROTECTIVE_STOP, SafetyStatus.ESTOPPED, SafetyStatus.FAULT} & {s.state for s in statuses}
    assert np.diff(targets) == pytest.approx(0.04, abs=1e-3), 'no row was skipped'
    # Time does not wait for the first chunk, while the arms stand.
    assert np.diff(observed[1:]) == pytest.approx(1.0, abs=0.06), 'every 25 rows, however long inference takes'
