"""The second channel: it brakes what a dead supervisor left moving, and never speaks while one lives."""
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import ARM_SLICE, SIDES, Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.msg import GuardState
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.second_channel import GuardPhase, SecondChannel
from safety_rig import CONFIG_FILE, ROW, TICK

CONFIG = load_config(CONFIG_FILE)
LAG = np.array(CONFIG.servo_lag)
SILENCE = 0.1


class Arms:
    """A supervisor that moves all joints at a speed, first-order servos, and the channel that listens to both."""

    def __init__(self, speed):
        self.channel = SecondChannel(CONFIG, SILENCE)
        self.speed = np.full(6, float(speed))
        self.goals = {side: START[ARM_SLICE[side]].copy() for side in SIDES}
        self.joints = {side: goal - LAG * self.speed for side, goal in self.goals.items()}
        self.now, self.alive, self.measures, self.sent, self.fastest = 3.0, True, True, [], 0.0

    def step(self, ticks=1):
        for _ in range(ticks):
            self.now += TICK
            if self.alive and round(self.now / TICK) % round(ROW / TICK) == 0:
                for side in SIDES:
                    self.goals[side] = self.goals[side] + self.speed * ROW
                    self.channel.command(side, self.goals[side], self.now)
            if self.alive:
                self.channel.heartbeat(self.now)
            for side in SIDES:
                speed = (self.goals[side] - self.joints[side]) / LAG
                self.joints[side] = self.goals[side] - (self.goals[side] - self.joints[side]) * np.exp(-TICK / LAG)
                if self.measures:
                    self.channel.measurement(side, self.joints[side], (self.goals[side] - self.joints[side]) / LAG, self.now)
                self.fastest = np.abs(speed).max()
            sent = self.channel.look(self.now)
            self.goals.update({side: goals.copy() for side, goals in sent.items()})
            self.sent += [(self.now, sent)] if sent else []

    def die(self):
        self.alive, self.died_at = False, self.now


def test_phases_have_the_values_of_the_message():
    assert {phase.name: int(phase) for phase in GuardPhase} == {
        name: getattr(GuardState, name) for name in ('WATCHING', 'WAITING', 'BRAKING', 'HOLDING')}


@pytest.mark.parametrize('speed', [0.0, 0.5, 3.0])
def test_it_never_speaks_while_the_supervisor_lives(speed):
    arms = Arms(speed)
    arms.step(500)
    assert not arms.sent and arms.channel.phase is GuardPhase.WATCHING


@pytest.mark.parametrize('speed', [0.3, 1.0, -2.0, 3.0])
def test_moving_arms_stand_200_ms_after_the_supervisors_death(speed):
    """Not later, not further than the last goal, and no goal that asks for more deceleration than allowed."""
    arms = Arms(speed)
    arms.step(40)
    last = {side: goal.copy() for side, goal in arms.goals.items()}
    arms.die()
    arms.step(20)
    assert arms.fastest < 0.05 * max(1.0, abs(speed)), arms.fastest
    begun = arms.sent[0][0]
    assert SILENCE - 1e-6 <= begun - arms.died_at <= SILENCE + TICK + 1e-6
    for side in SIDES:
        assert (np.sign(speed) * (arms.goals[side] - last[side]) <= 1e-6).all()
        goals = np.array([sent[side] for _, sent in arms.sent])
        lead = np.max(LAG * np.array(CONFIG.arm_acceleration))  # rad/s by which goals that lead a brake come back
        assert np.abs(np.diff(goals, axis=0)).max() <= (abs(speed) + lead) * TICK
    arms.step(100)
    assert arms.channel.phase is GuardPhase.HOLDING and arms.sent[-1][0] < arms.died_at + 0.3, 'then it is silent'
    assert arms.fastest < 1e-3


def test_standing_arms_keep_their_last_goals():
    """A goal at the measured pose would let them sag."""
    arms = Arms(0.0)
    arms.step(40)
    for side in SIDES:
        arms.joints[side] = arms.joints[side] - 0.01
    arms.die()
    arms.step(40)
    assert arms.channel.phase is GuardPhase.HOLDING
    for side in SIDES:
        assert all((sent[side] == START[ARM_SLICE[side]]).all() for _, sent in arms.sent) and arms.sent


@pytest.mark.parametrize('spoil', [
    lambda arms: setattr(arms, 'measures', False),
    lambda arms: arms.joints.update({side: np.full(6, -np.pi) for side in SIDES}),
    lambda arms: arms.joints.update({side: np.full(6, np.nan) for side in SIDES})])
def test_without_credible_measurements_the_last_goal_is_held(spoil):
    arms = Arms(1.0)
    arms.step(40)
    last = arms.goals[Side.LEFT].copy()
    arms.die()
    spoil(arms)
    arms.step(12)
    assert arms.sent and all((sent[Side.LEFT] == last).all() for _, sent in arms.sent)


def test_a_heartbeat_ends_what_it_has_begun():
    arms = Arms(3.0)
    arms.step(40)
    arms.die()
    arms.step(11)
    assert arms.channel.phase is GuardPhase.BRAKING
    said = len(arms.sent)
    arms.channel.heartbeat(arms.now)
    assert arms.channel.phase is GuardPhase.WATCHING
    arms.channel.look(arms.now + TICK)
    assert len(arms.sent) == said


def test_arms_that_nobody_commands_are_left_alone():
    """A supervisor that ends while disarmed, or after a latched stop, leaves nothing to brake."""
    arms = Arms(1.0)
    arms.step(40)
    for _ in range(20):
        arms.now += TICK
        arms.channel.heartbeat(arms.now)
        arms.channel.look(arms.now)
    arms.die()
    arms.step(50)
    assert not arms.sent and not arms.channel.engaged


def test_a_guard_that_stood_still_itself_has_not_listened():
    """Its own pause of a second is no silence of the supervisor's."""
    arms = Arms(1.0)
    arms.step(40)
    arms.now += 1.0
    assert arms.channel.look(arms.now) == {}
    arms.step(1)
    assert arms.channel.phase is GuardPhase.WATCHING and not arms.sent


def test_it_begins_again_after_a_restart_of_the_supervisor():
    arms = Arms(1.0)
    arms.step(40)
    arms.die()
    arms.step(60)
    assert arms.channel.phase is GuardPhase.HOLDING
    arms.alive = True
    arms.step(40)
    assert arms.channel.phase is GuardPhase.WATCHING
    arms.sent.clear()
    arms.die()
    arms.step(60)
    assert arms.sent and arms.channel.phase is GuardPhase.HOLDING
