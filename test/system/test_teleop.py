"""Teleoperation over DDS: leaders, clutch, supervisor, recorder; the episode, and its replay."""
import json
import math
from pathlib import Path

import numpy as np
import pytest
from command_process import SEED
from graph_probe import wait
from leader_rig import FakeLeaders
from std_msgs.msg import String
from std_srvs.srv import SetBool
from supervisor_rig import Rig

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.learning.collection import Imaging
from cosmos_policy_ros.learning.recorded import demonstration_of
from cosmos_policy_ros.msg import JointSetpoint, SafetyStatus
from cosmos_policy_ros.nodes.qos import LATCHED
from cosmos_policy_ros.rollouts.lag import joint_lags
from cosmos_policy_ros.rollouts.rows import read_episode_rows
from cosmos_policy_ros.rollouts.series import read_series
from cosmos_policy_ros.rollouts.table import OLDEST_IMAGE, OLDEST_STATE
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.srv import Arm, LabelEpisode

STEPS = 60


def swing(now):
    """Both waists and grippers."""
    pose = START.copy()
    pose[[0, 7]] += 0.25 * math.sin(2 * now)
    pose[[6, 13]] = 0.7 + 0.2 * math.sin(3 * now)  # further closed, it would ask for the arms
    return pose


class TeleopRig(Rig):
    """Simulator, supervisor, teleoperation, conductor, recorder; fake leaders."""

    def __init__(self, probe, domain, processes):
        super().__init__(probe, domain, processes)
        self.states = probe.record(String, '/cosmos_policy/teleop_state', LATCHED)
        self.rows = probe.record(JointSetpoint, '/cosmos_policy/setpoint')
        self.leaders = FakeLeaders(probe)

    def state(self):
        return json.loads(self.states[-1].data) if self.states else {}

    def clutch(self, close):
        return self.probe.call(SetBool, '/teleop/clutch', data=close)

    def calm(self):
        self.leaders.pose, self.leaders.mute = lambda now: START, False
        self.station.arm('')
        super().calm()

    def arm(self, authority='demonstration'):
        def asked():
            return self.probe.call(Arm, '/cosmos_policy/arm', arm=True, authority=authority)
        reply = wait(lambda: (answer := asked()).accepted and answer, lambda: self.watch.status)
        wait(lambda: self.state().get('epoch') == reply.epoch, self.state)


@pytest.fixture(scope='module')
def rig(running, probe, domain):
    options = GraphOptions(mode='teleop', seed=SEED)
    with running('sim_node', 'supervisor_node', 'teleop_node', 'rollout_node', 'recorder_node', options=options,
                 sim_node={'leaders': 'none', 'patience': 4.0, 'real_time_factor': 0.5},
                 teleop_node={'clutch_when_armed': False, 'leader_max_age': 0.5},
                 recorder_node={'report': False, 'video': False}) as processes:
        rig = TeleopRig(probe, domain, processes)
        yield rig
        rig.station.close()


@pytest.fixture
def calm(rig):
    rig.calm()
    return rig


def test_the_clutch_is_refused_without_the_arms(calm):
    reply = calm.clutch(True)
    assert not reply.success and 'arm it first' in reply.message
    assert calm.leaders.asked.count(('right', 'arm', False)) == 0, 'a leader arm was let go'


def test_too_far_apart_is_refused_over_the_service(calm):
    calm.leaders.pose = lambda now: START + np.eye(14)[2] * -1.0
    calm.arm()
    reply = calm.clutch(True)
    assert not reply.success and 'left_elbow' in reply.message and 'rad apart' in reply.message
    assert calm.watch.status.state == SafetyStatus.HELD


def test_leaders_are_let_go_the_followers_ramp_in_and_follow(calm):
    calm.leaders.pose = lambda now: START + np.eye(14)[7] * 0.4
    rows = []
    listener = calm.probe.listen(JointSetpoint, '/cosmos_policy/setpoint', lambda row: rows.append(row.positions[7]))
    calm.arm()
    assert calm.clutch(True).success
    assert {('left', 'gravity', True), ('right', 'arm', False), ('left', 'gripper', False)} <= set(calm.leaders.asked)
    wait(lambda: calm.state()['clutch'] == 'closed', calm.state)
    ramp = np.array(rows)
    calm.leaders.pose = lambda now: START + np.eye(14)[7] * (0.4 + 0.1 * math.sin(3 * now))
    begin = calm.watch.now
    wait(lambda: (calm.watch.commands(SIDES[1], begin)[1][:, 0] > 0.46).any(), 'the swing of the leader')
    calm.probe.forget(listener)
    # Of the rows: a machine under load may deliver two of them between two commands.
    assert len(ramp) > 10 and np.abs(np.diff(ramp)).max() <= 0.6 * 0.04 + 1e-6
    assert calm.watch.status.rows_clamped == 0


def test_an_open_clutch_holds_and_a_leader_that_falls_silent_leads_to_held(calm):
    calm.leaders.pose = swing
    calm.arm()
    assert calm.clutch(True).success
    wait(lambda: calm.state()['clutch'] == 'closed', calm.state)
    assert calm.clutch(False).success
    begin = calm.watch.now
    wait(lambda: calm.watch.now > begin + 1.0, 'a second')
    assert calm.watch.status.state == SafetyStatus.RUNNING and calm.watch.speed() == 0
    assert calm.clutch(True).success
    calm.leaders.mute = True
    wait(lambda: calm.state()['fault'] == 'leader_silent', calm.state)
    calm.until(SafetyStatus.HELD)
    assert calm.watch.causes() == {'policy_starved'}


def test_as_teleop_the_hands_are_slow_and_next_to_nothing_is_clamped(calm):
    """The source asks for no more than the reduced speed that its authority has; a late row meets a moving target."""
    calm.leaders.pose = lambda now: START + np.eye(14)[0] * 0.5
    calm.arm('teleop')
    before = calm.watch.status
    assert calm.watch.status.hand_speed == pytest.approx(0.25)
    assert calm.clutch(True).success
    wait(lambda: calm.state()['clutch'] == 'closed', calm.state)
    accepted, clamped = (getattr(calm.watch.status, name) - getattr(before, name) for name in ('rows_accepted', 'rows_clamped'))
    assert accepted > 20 and clamped <= 0.2 * accepted


@pytest.fixture(scope='module')
def episode(rig):
    """A teleoperated episode that the operator labelled."""
    rig.calm()
    rig.leaders.pose = swing
    rows = len(rig.rows)
    run = rig.station.rollout(RunRollout.Goal(task='plate', seed=SEED, step_limit=500, mode='teleop'))
    wait(lambda: run.advance() or rig.watch.status.authority == 'demonstration', lambda: rig.watch.status)
    wait(lambda: run.advance() or rig.clutch(True).success, rig.state)
    wait(lambda: run.advance() or len(rig.rows) > rows + STEPS, rig.state)
    assert rig.probe.call(LabelEpisode, '/cosmos_policy/label_episode', outcome='success', score=1.0, note='fine').accepted
    return wait(run.advance, lambda: rig.station.feedback)


def test_a_labelled_episode_is_recorded(episode):
    assert (episode.outcome, episode.interventions) == ('success', 0), episode.message
    record = json.loads((Path(episode.bag) / 'episode.json').read_text())
    assert (record['outcome'], record['score'], record['note'], record['extra']['mode']) == ('success', 1.0, 'fine', 'teleop')
    assert record['steps'] == episode.steps >= STEPS


def test_the_episode_is_one_to_learn_from(episode):
    """State and pictures from just before each row; the action is what the leaders did, not what the followers made of it."""
    rows = read_episode_rows(episode.bag, GRIPPER_MAPS['ros1'], 64, 5)
    assert len(rows.action) == episode.steps and rows.state_age <= OLDEST_STATE and rows.image_age <= OLDEST_IMAGE
    assert np.ptp(rows.action[:, [0, 7]], axis=0).min() > 0.1
    demonstration = demonstration_of(episode.bag, GRIPPER_MAPS['ros1'], Imaging())
    assert demonstration.success and demonstration.instruction == 'put the duck on the plate'


def test_the_followers_lag_is_that_of_their_servos(episode):
    """The time constant that the supervisor's model has for the waist, to a tick or two of the recording."""
    lags = joint_lags(read_series(episode.bag))
    waist = load_config(config_file('safety.yaml')).servo_lag[0]
    assert [lags['left_waist'], lags['right_waist']] == pytest.approx([waist, waist], abs=0.05)
