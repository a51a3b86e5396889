"""Teleoperation: no jump whatever the leaders do, identity once caught up, and every refusal with its name."""
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.replay import RecordingError, Replay, on_the_grid
from cosmos_policy_ros.control.teleoperation import LEADER_GRIPPERS, Clutch, Fault, Teleoperation, TeleoperationSettings
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_INDICES, SIDES
from cosmos_policy_ros.embodiment.limits import both_arms, hardware_limits
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope

PERIOD = 0.04
LIMITS = hardware_limits()
SETTINGS = TeleoperationSettings(LIMITS.lower, LIMITS.upper, LIMITS.acceleration)
GRIPPER = LEADER_GRIPPERS['ros1']
RAMP = PERIOD * both_arms(SETTINGS.ramp_speed, SETTINGS.gripper_ramp_speed) + 1e-9
FOLLOW = PERIOD * both_arms(SETTINGS.speed, SETTINGS.gripper_speed) + 1e-9


def anything(row, position, velocity):
    """A supervisor that admits all."""
    return SimpleNamespace(cause='', detail='', limited=SimpleNamespace(positions=row, velocity=(row - position) / PERIOD))


class Desk:
    """Two leaders at ``joints`` (14,), grippers as actions, sampled in every slot."""

    def __init__(self, joints=START, admit=anything):
        self.core, self.joints, self.now = Teleoperation(SETTINGS, GRIPPER, admit), np.array(joints, dtype=float), 10.0
        self.sample()
        self.core.start('teleop', 3, self.now, START)

    def sample(self, stamp=None):
        for i, side in enumerate(SIDES):
            joints = self.joints[7 * i:7 * i + 7].copy()
            joints[6] = GRIPPER.map.joint_from_action(joints[6])
            self.core.observe(side, joints, self.now if stamp is None else stamp)

    def rows(self, count, move=None):
        """The next ``count`` slots; ``move(joints)`` changes the leaders before each."""
        rows = []
        for _ in range(count):
            self.now += PERIOD
            if move is not None:
                self.joints = move(self.joints)
            self.sample()
            rows.append(self.core.row(self.now))
        return rows

    def following(self, count=60):
        assert self.core.engage(self.now) is None
        self.rows(count)
        assert self.core.clutch is Clutch.CLOSED
        return self


def steps(rows, before):
    return np.abs(np.diff([before, *(row.positions for row in rows if row is not None)], axis=0))


offsets = st.lists(st.floats(-0.75, 0.75), min_size=14, max_size=14).map(np.array)


@settings(max_examples=30, deadline=None)
@given(offsets)
def test_the_followers_ramp_in_and_then_are_where_their_leaders_are(offset):
    """Never faster than the ramp until they have caught up; from then on the leaders' own numbers."""
    desk = Desk(START + offset)
    assert desk.core.engage(desk.now) is None
    rows = desk.rows(60)
    assert all(rows) and (steps(rows, START) <= RAMP).all()
    assert desk.core.clutch is Clutch.CLOSED
    inside = np.clip(desk.joints, SETTINGS.lower, SETTINGS.upper)
    assert rows[-1].positions == pytest.approx(inside, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(['move', 'engage', 'release', 'stand']),
                          st.lists(st.floats(-0.5, 0.5), min_size=14, max_size=14)), max_size=25))
def test_no_row_jumps_whatever_operator_and_leaders_do(history):
    desk, last = Desk(), START
    for action, offset in history:
        if action == 'engage':
            desk.core.engage(desk.now)
        elif action == 'release':
            desk.core.release()
        target = desk.joints + (offset if action == 'move' else np.zeros(14))
        for row in desk.rows(4, lambda joints: joints + (target - joints) / 2):
            if row is not None:
                assert (np.abs(row.positions - last) <= np.maximum(RAMP, FOLLOW)).all()
                assert (row.positions >= SETTINGS.lower).all() and (row.positions <= SETTINGS.upper).all()
                last = row.positions


def test_caught_up_the_row_is_the_leaders_pose_number_for_number():
    desk = Desk().following()
    rng = np.random.default_rng(1)
    *_, row = desk.rows(30, lambda joints: joints + rng.uniform(-0.05, 0.05, 14))
    assert np.array_equal(row.positions[list(ARM_INDICES)], desk.joints[list(ARM_INDICES)])
    assert row.positions == pytest.approx(desk.joints, abs=1e-12)


def test_rows_carry_source_epoch_and_a_grid_of_target_times():
    desk = Desk()
    desk.core.engage(desk.now)
    rows = desk.rows(5)
    assert [(row.source, row.epoch, row.sequence) for row in rows] == [('teleop', 3, i) for i in range(5)]
    assert np.diff([row.target_time for row in rows]) == pytest.approx(PERIOD)
    assert desk.core.row(desk.now) is None, 'two rows in one slot'


def test_nothing_is_sent_before_the_clutch_was_closed():
    assert Desk().rows(20) == [None] * 20


def test_an_open_clutch_brings_the_followers_to_rest_and_holds_them():
    desk = Desk().following()
    moving = desk.rows(10, lambda joints: joints + both_arms(0.05, 0.0))
    desk.core.release()
    rows = desk.rows(10, lambda joints: joints + both_arms(0.05, 0.0))
    assert all(rows) and np.array_equal(rows[-1].positions, rows[-2].positions)
    change = np.abs(np.diff(np.diff([row.positions for row in moving[-2:] + rows], axis=0), axis=0))
    assert (change <= SETTINGS.acceleration * PERIOD ** 2 + 1e-9).all()


def test_too_far_apart_is_refused_with_the_joint_and_how_far():
    desk = Desk(START - np.eye(14)[9] * 0.9)
    problem = desk.core.engage(desk.now)
    assert problem.fault is Fault.TOO_FAR and 'right_elbow' in problem.text and '0.90 rad' in problem.text
    assert desk.core.clutch is Clutch.OPEN and desk.rows(3) == [None] * 3


def broken(desk, side, joints):
    desk.core.observe(side, np.array(joints), desk.now)


@pytest.mark.parametrize('fault, spoil', [
    (Fault.NOT_FINITE, lambda desk: broken(desk, SIDES[1], [0, 0, np.nan, 0, 0, 0, 0])),
    (Fault.NOT_FINITE, lambda desk: broken(desk, SIDES[0], [0, 0, 0, 0, 0, 0])),
    (Fault.DEAD_BUS, lambda desk: broken(desk, SIDES[0], [-np.pi] * 7)),
    (Fault.JUMPED, lambda desk: broken(desk, SIDES[1], [1.5, -0.96, 1.16, 0, -0.3, 0, 0])),
    (Fault.SILENT, lambda desk: setattr(desk, 'now', desk.now + 0.2)),
    (Fault.AHEAD, lambda desk: desk.sample(desk.now + 0.3)),
], ids=lambda value: getattr(value, 'value', ''))
def test_a_leader_that_cannot_be_followed_ends_the_rows_with_its_name(fault, spoil):
    """No row, not the last one again: the supervisor has to brake, and somebody to arm anew."""
    desk = Desk().following()
    desk.now += PERIOD
    spoil(desk)
    assert desk.core.row(desk.now) is None
    assert (desk.core.problem.fault, desk.core.clutch) == (fault, Clutch.OPEN)
    assert desk.rows(5) == [None] * 5 and desk.core.engage(desk.now).fault is Fault.NOT_ARMED
    desk.core.start('teleop', 4, desk.now, desk.core.position)
    assert desk.core.engage(desk.now) is None or desk.core.problem.fault is fault


def test_a_leader_never_heard_is_named():
    core = Teleoperation(SETTINGS, GRIPPER, anything)
    core.start('teleop', 1, 5.0, START)
    problem = core.engage(5.0)
    assert problem.fault is Fault.SILENT and 'left leader was never heard' in problem.text


def test_a_gap_in_a_leaders_states_begins_its_time_anew():
    """A driver that switches modes says nothing for a second."""
    desk = Desk()
    desk.rows(10)
    assert desk.core.heard_since(0.0, desk.now) == pytest.approx(0.4)
    assert desk.core.heard_since(desk.now - 0.1, desk.now) == pytest.approx(0.1)
    desk.now += 0.5
    assert desk.core.heard_since(0.0, desk.now) == 0.0
    desk.rows(3)
    assert desk.core.heard_since(0.0, desk.now) == pytest.approx(0.08)


def test_without_the_arms_the_clutch_stays_open():
    desk = Desk()
    desk.core.stop()
    assert desk.core.engage(desk.now).fault is Fault.NOT_ARMED and desk.rows(2) == [None, None]


def test_leaders_that_run_away_open_the_clutch_and_the_followers_hold():
    desk = Desk().following()
    rows = desk.rows(12, lambda joints: joints + np.eye(14)[7] * 0.3)
    assert all(rows) and desk.core.problem.fault is Fault.TOO_FAR and 'right_waist' in desk.core.problem.text
    assert np.array_equal(rows[-1].positions, rows[-2].positions)


def test_a_leader_beyond_the_followers_limits_leaves_them_at_the_limit():
    """The leader arms reach further than the followers, whose driver drops such goals in silence."""
    desk = Desk().following()
    rows = desk.rows(40, lambda joints: joints + np.eye(14)[1] * 0.08)
    assert desk.joints[1] > SETTINGS.upper[1] + 0.5 and desk.core.clutch is Clutch.CLOSED
    assert rows[-1].positions[1] == SETTINGS.upper[1]


def squeeze(desk, opening):
    desk.joints[[6, 13]] = opening
    desk.rows(12)
    return desk.core.squeezed(desk.now)


def test_squeezing_both_grippers_asks_for_the_arms_once():
    """Not grippers that were closed all along, not one hand alone, and not again before they were opened."""
    desk = Desk(both_arms(START[:6], -0.1))
    assert not squeeze(desk, -0.1)
    assert not squeeze(desk, 0.8) and squeeze(desk, 0.0)
    desk.core.engage(desk.now)
    desk.core.release()
    assert not squeeze(desk, 0.0)
    assert not squeeze(desk, 0.8)
    desk.joints[6] = 0.0
    desk.rows(12)
    assert not desk.core.squeezed(desk.now)
    assert squeeze(desk, 0.0)


@pytest.mark.parametrize('name', GRIPPER_MAPS)
def test_leader_gripper_angles_map_to_actions(name):
    """Constants of the convention: closed is 0, open is 1, and squeezing lies between, nearer to closed."""
    gripper = LEADER_GRIPPERS[name]
    action = gripper.map.action_from_joint
    assert (action(gripper.map.joint_close), action(gripper.map.joint_open)) == (0.0, 1.0)
    assert 0 < action(gripper.squeezed) < 0.5


def supervised():
    """(supervisor's envelope as a source may ask it, its config)."""
    config = load_config(config_file('safety.yaml'))
    return Envelope(config), config


@pytest.mark.parametrize('hand_speed', [np.inf, 0.25])
def test_what_it_sends_is_admitted_unchanged_even_when_the_leaders_push_into_the_table(hand_speed):
    """Nothing is clamped and nothing refused: the followers stop above the table while the leaders go on."""
    envelope, config = supervised()
    desk = Desk(admit=lambda row, position, velocity: envelope.admit(row, position, velocity, 1.0, hand_speed))
    desk.following()
    position, velocity = desk.core.position, np.zeros(14)
    held = set()
    for row in desk.rows(50, lambda joints: joints + np.eye(14)[1] * 0.03 + np.eye(14)[8] * 0.03):
        admission = envelope.admit(row.positions, position, velocity, 1.0, hand_speed)
        assert not admission.cause and not admission.limited.clamped
        assert np.array_equal(admission.limited.positions, row.positions)
        position, velocity = admission.limited.positions, admission.limited.velocity
        held.add(desk.core.held_back.split(':')[0])
    assert 'workspace' in held


def test_recorded_rows_lie_on_the_grid_and_gaps_are_held():
    rows = np.arange(4.0)[:, None] * np.ones(14)
    played = on_the_grid([5.0, 5.041, 5.161, 5.2], rows)
    assert played[:, 0].tolist() == [0, 1, 1, 1, 2, 3]


@pytest.mark.parametrize('times, rows, word', [
    ([], np.empty((0, 14)), 'no rows'), ([0, 1], np.zeros((2, 7)), '(2, 7)'), ([0, 0], np.zeros((2, 14)), 'do not rise'),
    ([0, 1], np.full((2, 14), np.nan), 'not finite')])
def test_a_recording_that_cannot_be_replayed_is_refused(times, rows, word):
    with pytest.raises(RecordingError) as error:
        on_the_grid(times, rows)
    assert word in str(error.value)


def test_a_replay_approaches_plays_every_row_and_holds_the_last():
    rows = START + np.linspace(0, 0.1, 5)[:, None]
    replay = Replay(rows, lambda start, goal: np.linspace(start, goal, 4)[1:])
    replay.start('replay', 2, 1.0, START - 0.3)
    played = [replay.row(1.0 + PERIOD * i) for i in range(10)]
    assert [row.sequence for row in played] == list(range(10)) and replay.remaining == 0
    assert np.array_equal([row.positions for row in played[3:8]], rows) and np.array_equal(played[9].positions, rows[-1])
    replay.stop()
    assert replay.row(2.0) is None
