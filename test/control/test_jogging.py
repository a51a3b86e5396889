"""Jogging: straight, slow, only while somebody holds on, and every reason why a hand stays where it is."""
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.jogging import Jogging, JogSettings, advanced
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.inverse_kinematics import pose_of
from cosmos_policy_ros.embodiment.joints import ARM_INDICES, GRIPPER_INDEX, Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.hand_speed import hand_travel

PERIOD = 0.04
CONFIG = load_config(config_file('safety.yaml'))
ENVELOPE = Envelope(CONFIG)
SETTINGS = JogSettings(ENVELOPE.limits.acceleration)


class Desk:
    """Jogging from the start pose, judged by the real envelope at the reduced speed."""

    def __init__(self):
        self.core, self.now = Jogging(SETTINGS, Cell(), self.admit), 5.0
        self.core.start('jog', 4, self.now, START)

    @staticmethod
    def admit(row, position, velocity):
        return ENVELOPE.admit(row, position, velocity, 1.0, CONFIG.reduced_speed)

    def rows(self, count, hold=lambda: None):
        rows = []
        for _ in range(count):
            self.now += PERIOD
            hold()
            rows.append(self.core.row(self.now))
        return rows

    def aim(self, side, pose, count):
        return self.rows(count, lambda: self.core.aim(side, pose, self.now))


def positions(rows):
    return np.array([START, *(row.positions for row in rows)])


def test_there_are_no_rows_before_somebody_holds_on():
    desk = Desk()
    assert desk.rows(5) == [None] * 5
    desk.core.aim(Side.LEFT, desk.core.hand(Side.LEFT), desk.now)
    assert all(desk.rows(3))


@pytest.mark.parametrize('step', [
    (0.05, 0, 0, 0, 0, 0), (0, 0.06, 0.05, 0, 0, 0), (0, 0, 0.04, 0.3, 0, 0), (0, 0, 0, 0, 0.4, -0.5)])
def test_a_hand_goes_straight_to_its_handle_and_the_other_stays(step):
    desk = Desk()
    begin = desk.core.hand(Side.RIGHT)
    goal = advanced(begin, np.array(step))
    rows = positions(desk.aim(Side.RIGHT, goal, 80))
    assert np.allclose(desk.core.hand(Side.RIGHT), goal, atol=1e-6), desk.core.problem(Side.RIGHT)
    assert (rows[:, :7] == START[:7]).all()
    way = np.array([desk.core.hand_at(Side.RIGHT, row[7:13])[:3, 3] for row in rows]) - begin[:3, 3]
    length = np.linalg.norm(step[:3])
    along = way @ step[:3] / length if length else np.zeros(len(way))
    assert np.linalg.norm(way - np.outer(along, step[:3]) / (length or 1), axis=1).max() < 0.003
    assert (np.diff(along) >= -1e-6).all()


poses = st.tuples(*[st.floats(-0.5, 0.5)] * 6).map(np.array)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Side)), poses, st.integers(1, 15)), min_size=1, max_size=6))
def test_whatever_the_handles_do_no_row_is_fast_and_none_is_refused(script):
    desk = Desk()
    begin = {side: desk.core.hand(side) for side in Side}
    rows = [row for side, step, count in script for row in desk.aim(side, advanced(begin[side], step), count)]
    assert all(rows)
    command, velocity = START, np.zeros(14)
    for row in rows:  # the supervisor commands every row as it was sent
        verdict = desk.admit(row.positions, command, velocity)
        assert not verdict.cause and (verdict.limited.positions == row.positions).all()
        command, velocity = verdict.limited.positions, verdict.limited.velocity
    steps = np.diff(positions(rows), axis=0)
    assert (np.abs(steps[:, list(ARM_INDICES)]) <= SETTINGS.joint_speed * PERIOD * 1.5 + 1e-9).all()
    assert hand_travel(positions(rows)[:-1], positions(rows)[1:]).max() <= CONFIG.reduced_speed * PERIOD + 1e-9


@pytest.mark.parametrize('let_go', [True, False], ids=['let go', 'silent'])
def test_a_hand_stops_when_nobody_holds_on(let_go):
    desk = Desk()
    desk.aim(Side.LEFT, advanced(desk.core.hand(Side.LEFT), np.array([0.2, 0, 0, 0, 0, 0])), 12)
    moved = desk.core.hand(Side.LEFT)
    if let_go:
        desk.core.let_go(Side.LEFT)
    after = positions(desk.rows(40))[1:]
    assert (after[-1] == after[-2]).all()
    most = 0.012 if let_go else SETTINGS.speed * (SETTINGS.silence + 2 * PERIOD)
    assert np.linalg.norm(desk.core.hand(Side.LEFT)[:3, 3] - moved[:3, 3]) < most


def test_a_stick_moves_a_hand_with_its_speed():
    desk = Desk()
    begin = desk.core.hand(Side.LEFT)
    desk.rows(26, lambda: desk.core.push(Side.LEFT, [0.05, 0, 0.02, 0, 0, 0], desk.now))
    assert desk.core.hand(Side.LEFT)[:3, 3] - begin[:3, 3] == pytest.approx([0.05 * 1.04, 0, 0.02 * 1.04], abs=1e-6)


def test_a_gripper_opens_and_closes_by_a_click():
    desk, column = Desk(), GRIPPER_INDEX[Side.RIGHT]
    desk.core.grip(Side.RIGHT, 1.0)
    opened = positions(desk.rows(40))
    assert opened[-1, column] == 1.0 and np.abs(np.diff(opened[:, column])).max() <= SETTINGS.gripper_speed * PERIOD + 1e-9
    desk.core.grip(Side.RIGHT, -3.0)
    assert desk.rows(40)[-1].positions[column] == 0.0


@pytest.mark.parametrize('place, reason', [((0.6, 0.3, 0.3), 'out of reach|beyond the limits|workspace'),
                                           ((-0.469, -0.019, 0.35), 'turn over|beyond the limits')])
def test_what_cannot_be_reached_is_said(place, reason):
    desk = Desk()
    rows = positions(desk.aim(Side.LEFT, pose_of(desk.core.hand(Side.LEFT)[:3, :3], place), 400))
    assert re.search(reason, desk.core.problem(Side.LEFT)), desk.core.problem(Side.LEFT)
    assert (rows[-1] == rows[-2]).all()


def test_the_table_holds_a_hand_back_and_says_so():
    desk = Desk()
    goal = desk.core.hand(Side.LEFT)
    goal[2, 3] = -0.2
    rows = positions(desk.aim(Side.LEFT, goal, 200))
    assert desk.core.problem(Side.LEFT) and (rows[-1] == rows[-2]).all()
    goal[2, 3] = 0.2
    desk.aim(Side.LEFT, goal, 100)
    assert desk.core.hand(Side.LEFT)[2, 3] == pytest.approx(0.2, abs=1e-3), 'it comes back up'


@pytest.mark.parametrize('call', ['aim', 'push'])
def test_numbers_that_are_none_are_refused(call):
    desk = Desk()
    with pytest.raises(ValueError, match='left hand: not finite'):
        getattr(desk.core, call)(Side.LEFT, np.full((4, 4) if call == 'aim' else 6, np.nan), desk.now)
    assert desk.rows(3) == [None] * 3


def test_nothing_is_kept_from_before_the_arms_were_given():
    desk = Desk()
    desk.core.stop()
    desk.core.aim(Side.LEFT, pose_of(np.eye(3), (0, 0, 0.3)), desk.now)
    desk.core.grip(Side.LEFT, 1.0)
    desk.core.start('jog', 5, desk.now, START)
    assert desk.rows(5) == [None] * 5


def test_it_is_known_for_how_long_nobody_has_held_on():
    desk = Desk()
    desk.aim(Side.LEFT, desk.core.hand(Side.LEFT), 10)
    assert desk.core.idle(desk.now) == 0
    desk.core.let_go(Side.LEFT)
    desk.rows(10)
    assert desk.core.idle(desk.now) == pytest.approx(10 * PERIOD)
    desk.core.grip(Side.LEFT, 1.0)
    desk.rows(2)
    assert desk.core.idle(desk.now) == 0
