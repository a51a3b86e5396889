"""The published way to run the policy: the arms stand while the next chunk is inferred, and nobody stops them for it."""
import numpy as np
import pytest
from arm_commands import ArmWatch
from command_process import SEED
from graph_probe import wait

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import ActionChunk, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.nodes.qos import EVENT
from cosmos_policy_ros.nodes.station import Station


@pytest.fixture(scope='module')
def driven(probe, running):
    """Four chunks, the statuses from the first to the last, and the arms' commands."""
    chunks = probe.record(ActionChunk, '/cosmos_policy/chunk', EVENT)
    with running('sim_node', 'supervisor_node', 'policy_node', options=GraphOptions(seed=SEED),
                 policy_node={'latency_mode': 'sync'}) as processes, Station('operator') as station:
        watch = ArmWatch(probe)
        wait(lambda: watch.status and watch.status.state == SafetyStatus.READY, lambda: watch.status)
        wait(lambda: probe.node.count_publishers('/cosmos_policy/chunk'), 'policy node')
        assert station.arm('policy').accepted
        wait(lambda: len(chunks) >= 4, lambda: f'{len(chunks)} chunks, {watch.status}')
        assert not processes.first_death(), processes.first_death()
        known = len(watch.statuses)
        watch.chunks = chunks[:4]
        begun = next(i for i in range(known) if watch.statuses[i].state == SafetyStatus.RUNNING)
        watch.while_driven = watch.statuses[begun:known]
        yield watch


def test_the_arms_are_not_held_between_the_chunks(driven):
    assert {status.state_name for status in driven.while_driven} == {'RUNNING'}
    assert not any(status.causes for status in driven.while_driven)
    assert driven.while_driven[-1].rows_refused == driven.while_driven[0].rows_refused


def test_they_stand_when_the_policy_looks(driven):
    """Each view is of arms that have been commanded to the same pose for two rows at least."""
    for chunk in driven.chunks[1:]:
        looked = seconds(chunk.header.stamp)
        for side in SIDES:
            times, rows = driven.commands(side)
            before = rows[(times > looked - 0.06) & (times <= looked + 0.005)]
            assert len(before) and np.ptp(before, axis=0).max() < 0.02, before
