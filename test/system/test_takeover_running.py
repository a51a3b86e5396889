"""An operator takes the arms in the middle of a rollout and gives them back: no jump, and the recording shows the span."""
import numpy as np
import pytest
from command_process import SEED
from graph_probe import wait
from supervisor_rig import Rig

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.operation import Control
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.msg import EpisodeEvent, SafetyStatus
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.nodes.operator import Operator
from cosmos_policy_ros.rollouts.bag import BagReader
from cosmos_policy_ros.rollouts.topics import EPISODE_EVENT, SETPOINT
from cosmos_policy_ros.safety.config import load_config

NODES = ('sim_node', 'supervisor_node', 'policy_node', 'rollout_node', 'recorder_node')


@pytest.fixture(scope='module')
def session(probe, domain, running):
    """The rig after the session, with ``result`` and the simulated times of both changes as the operator saw them."""
    with running(*NODES, options=GraphOptions(seed=SEED), sim_node={'patience': 6.0},
                 recorder_node={'report': False, 'video': False}) as processes:
        rig = Rig(probe, domain, processes)
        operator = Operator(rig.station, 'plate', SEED, 2000)
        try:
            rig.until(SafetyStatus.READY)
            rig.begun = rig.watch.now
            run = rig.station.rollout(RunRollout.Goal(task='plate', seed=SEED, step_limit=2000, mode='direct'))
            drive(rig, run)
            take(rig, run, operator)
            rig.teleop.swing()
            start = rig.watch.now
            wait(lambda: run.advance() or rig.watch.now > start + 1.5, lambda: rig.watch.status)
            hand_back(rig, run, operator)
            drive(rig, run)
            assert rig.station.label('success', 1.0).accepted
            rig.result = wait(run.advance, lambda: rig.station.feedback)
            yield rig
        finally:
            operator.close()
            rig.station.close()


def drive(rig, run):
    """The policy moves the arms, armed anew by nobody."""
    def moves(status):
        return (status.authority, status.state) == ('policy', SafetyStatus.RUNNING) and rig.watch.speed() > 0.1
    wait(lambda: run.advance() or moves(rig.watch.status), lambda: rig.watch.status)


def take(rig, run, operator):
    wait(lambda: run.advance() or not operator.do(Control.TAKE), lambda: operator.said[-1])
    wait(lambda: run.advance() or rig.watch.status.authority == 'teleop', lambda: rig.watch.status)
    rig.taken = next(seconds(s.header.stamp) for s in rig.watch.statuses if s.authority == 'teleop')
    wait(lambda: run.advance() or rig.watch.status.state == SafetyStatus.HELD, lambda: rig.watch.status)


def hand_back(rig, run, operator):
    rig.teleop.rest()
    wait(lambda: run.advance() or not operator.do(Control.HAND_BACK), lambda: operator.said[-1])
    wait(lambda: run.advance() or rig.watch.status.authority == 'policy', lambda: rig.watch.status)
    rig.returned = next(seconds(s.header.stamp) for s in rig.watch.statuses
                        if s.authority == 'policy' and seconds(s.header.stamp) > rig.taken)


def test_the_rollout_goes_on_after_the_takeover(session):
    assert session.result.outcome == 'success', session.result.message


def test_no_command_jumps(session):
    longest = np.array(load_config(config_file('safety.yaml')).arm_speed) * 0.05 * 1.01
    for side in SIDES:
        times, rows = session.watch.commands(side, session.begun)
        near = (times[1:] > session.taken - 1) & (np.diff(times) < 0.06)  # a later one is the measured pose of a new arming
        assert near.sum() > 30 and (np.abs(np.diff(rows, axis=0))[near] <= longest).all()


def test_the_recording_has_the_span_to_a_row(session):
    with BagReader(session.result.bag) as bag:
        assert bag.record.takeovers == 1
        events = [(message.kind, seconds(message.header.stamp), message.note)
                  for _, _, message in bag.messages([EPISODE_EVENT])]
        rows = [(message.source, message.epoch, seconds(message.header.stamp)) for _, _, message in bag.messages([SETPOINT])]
    spans = [(kind, at) for kind, at, _ in events if kind in (EpisodeEvent.INTERVENTION_BEGIN, EpisodeEvent.INTERVENTION_END)]
    assert [kind for kind, _ in spans] == [EpisodeEvent.INTERVENTION_BEGIN, EpisodeEvent.INTERVENTION_END]
    begin, end = (at for _, at in spans)
    assert (begin, end) == pytest.approx((session.taken, session.returned), abs=0.04)
    by_hand = [at for source, _, at in rows if source == 'teleop']
    policy_epochs = sorted({epoch for source, epoch, _ in rows if source == 'policy'})
    assert len(by_hand) > 20 and begin - 0.04 <= min(by_hand) and max(by_hand) <= end + 0.04
    assert len(policy_epochs) == 2
    first = min(at for source, epoch, at in rows if source == 'policy' and epoch == policy_epochs[1])
    assert first > end, 'the policy begins anew with what it saw after the return'
