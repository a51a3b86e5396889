"""What the supervisor listens to besides rows: when it counts, and what it says when it does not."""
import math

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.inputs import Inputs
from cosmos_policy_ros.safety.watchdog import Stamp
from safety_rig import CONFIG_FILE, TICK, gripper_observation

CONFIG = load_config(CONFIG_FILE)


@pytest.fixture
def inputs():
    return Inputs(CONFIG)


def feed(inputs, end, without=(), start=0.0, positions=np.zeros(7)):
    """Everything at 100 Hz from ``start`` to ``end`` s."""
    for k in range(round(start / TICK), round(end / TICK) + 1):
        now = k * TICK
        for side, arm in inputs.arms.items():
            if side.value not in without:
                arm.observe(positions, now, now)
        for name, camera in inputs.cameras.items():
            if name not in without:
                camera.watch.seen(now, now)
        inputs.stops.observe('operator', False, k, 0, now)
    return now


def test_nothing_is_known_before_the_first_sample(inputs):
    assert not inputs.sensed() and np.isnan(inputs.measured()).all() and np.isnan(inputs.efforts()).all()
    assert set(inputs.ages(5.0).values()) == {math.inf}
    inputs.arms[Side.LEFT].observe(np.zeros(7), 5.0, 5.0)
    assert not inputs.sensed() and np.isnan(inputs.measured()).sum() == 7
    inputs.arms[Side.RIGHT].observe(np.zeros(7), 5.0, 5.0)
    assert inputs.sensed()


@pytest.mark.parametrize('without, blocker', [
    ('left', 'joint states of the left arm: never seen'), ('right', 'joint states of the right arm: never seen'),
    ('cam_high', 'camera cam_high: never seen')])
def test_a_missing_input_is_the_only_blocker(inputs, without, blocker):
    now = feed(inputs, 1.0, (without,))
    assert inputs.blockers(now) == [blocker]
    assert inputs.blockers(now, cameras=False) == ([] if 'cam' in without else [blocker])


def test_everything_fresh_blocks_nothing(inputs):
    now = feed(inputs, 1.0)
    assert inputs.blockers(now, fresh_for=0.5) == [] and inputs.at_rest(now)
    assert inputs.blockers(now + 0.09) == [] and len(inputs.blockers(now + 0.101)) == 2
    late = inputs.blockers(now + 0.151, cameras=False)
    assert late == ['joint states of the left arm: 0.15 s old', 'joint states of the right arm: 0.15 s old',
                    'stop source operator: silent for 0.15 s']


def test_freshness_has_to_last(inputs):
    now = feed(inputs, 0.25)
    assert inputs.blockers(now) == []
    waiting = inputs.blockers(now, fresh_for=0.5)
    assert len(waiting) == 2 + len(CONFIG.cameras) + 1
    assert waiting[0] == 'joint states of the left arm: fresh for 0.25 s, needs 0.5 s'
    assert waiting[-1] == 'stop source operator: released for 0.25 s, needs 0.5 s'


@pytest.mark.parametrize('positions, fault', [
    (np.full(7, -np.pi), 'dead'), ([-3.1431] * 6 + [0.2], 'dead'), ([np.nan] + [0.0] * 6, 'not finite'),
    (np.zeros(6), 'shape (6,)'), ([-3.1] * 6 + [0.2], ''), ([-np.pi] * 5 + [0.0, 0.2], '')])
def test_what_is_no_measurement(inputs, positions, fault):
    """A dead bus has all joints at -pi; some joints there are a pose."""
    now = feed(inputs, 1.0)
    arm = inputs.arms[Side.LEFT]
    before = arm.positions.copy()
    arm.observe(positions, now + TICK, now + TICK)
    assert fault in arm.invalid and bool(arm.invalid) == bool(fault)
    if fault:
        assert (arm.positions == before).all(), 'the last measurement stays'
        assert inputs.blockers(now + TICK) == [f'joint states of the left arm are invalid: {arm.invalid}']
        feed(inputs, 1.25, start=1.02)
        assert 'fresh for 0.23 s' in inputs.blockers(1.25, fresh_for=0.5)[0], 'what came before counts for nothing'


def test_a_sample_that_is_not_new_changes_nothing(inputs):
    now = feed(inputs, 1.0)
    arm = inputs.arms[Side.RIGHT]
    for stamp, kind in ((now, Stamp.REPEATED), (now - 1.0, Stamp.BACK), (now + 1.0, Stamp.FUTURE)):
        assert arm.observe(np.ones(7), stamp, now) is kind
        assert (arm.positions[:6] == 0).all()


def test_grippers_become_commands_and_do_not_count_as_motion(inputs):
    arm = inputs.arms[Side.LEFT]
    for k in range(60):
        reported = np.zeros(7)
        reported[6] = gripper_observation(0.01 * k)
        arm.observe(reported, k * TICK, k * TICK, np.arange(7.0))
    assert arm.positions[6] == pytest.approx(0.59) and arm.rest.still(59 * TICK)
    assert (inputs.efforts()[:7] == np.arange(7.0)).all()
    arm.observe(reported, 60 * TICK, 60 * TICK)
    assert np.isnan(inputs.efforts()).all(), 'a sample without currents'


def test_an_arm_that_moves_is_not_at_rest(inputs):
    now = feed(inputs, 1.0)
    moved = np.zeros(7)
    moved[5] = 0.021
    inputs.arms[Side.RIGHT].observe(moved, now + TICK, now + TICK)
    assert not inputs.at_rest(now + TICK)


def test_which_arms_a_camera_sees(inputs):
    """A wrist camera its own arm, every other one both."""
    seen = {}
    for i, joint in enumerate((0, 7)):
        inputs = Inputs(CONFIG)
        for camera in inputs.cameras.values():
            camera.watch.seen(0.0, 0.0)
            camera.picture.seen('picture')
            camera.moved(np.zeros(14), 0.0)
            moved = np.zeros(14)
            moved[joint] = 0.06
            camera.moved(moved, 0.0)
            camera.moved(moved, CONFIG.camera_frozen)
        seen[i] = [name for name, camera in inputs.cameras.items() if camera.picture.frozen]
        assert any('do not change' in blocker for blocker in inputs.blockers(0.0))
    assert seen == {0: ['cam_high', 'cam_left_wrist'], 1: ['cam_high', 'cam_right_wrist']}


def test_a_clock_step_forgets_times_and_keeps_what_is_known(inputs):
    now = feed(inputs, 1.0)
    inputs.stops.observe('operator', True, 10 ** 6, 0, now)
    inputs.forget_time()
    assert set(inputs.ages(now).values()) == {math.inf} and inputs.sensed() and not inputs.at_rest(now)
    assert 'stop source operator is pressed' in inputs.blockers(now)
    later = feed(inputs, 0.6)
    assert inputs.blockers(later, fresh_for=0.5) == []
