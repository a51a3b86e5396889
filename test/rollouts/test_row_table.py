"""The table of rows at 25 Hz: which sample belongs to which row."""
import numpy as np
import pytest
from synthetic_episode import MS, ROBOT, START, cdr, header, image, record_episode, setpoint, start

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS
from cosmos_policy_ros.rollouts.table import read_table
from cosmos_policy_ros.rollouts.topics import SETPOINT

GRIPPER = GRIPPER_MAPS['ros1']


def joints(stamp, value, length=9):
    return cdr('sensor_msgs/msg/JointState', header(stamp), list(DRIVER_JOINTS), np.full(9, value),
               np.full(length, 10 * value), np.full(length, 100 * value))


def episode(tmp_path, rows, states, pictures, commands=()):
    """Record streams given as times (ms after START): rows as (time, source), commands as (time, value)."""
    recording = start(tmp_path)
    for time in states:
        for topic in ROBOT.joint_states():
            recording.put(topic, START + time * MS, joints(START + time * MS, 0.001 * time))
    for time in pictures:
        for topic in ROBOT.images:
            recording.put(topic, START + time * MS, image(START + time * MS, shade=time % 250))
    for time, value in commands:
        recording.put(ROBOT.joint_groups()[0], START + time * MS,
                      cdr('interbotix_xs_msgs/msg/JointGroupCommand', 'arm', np.full(6, value, np.float32)))
        recording.put(ROBOT.joint_singles()[0], START + time * MS,
                      cdr('interbotix_xs_msgs/msg/JointSingleCommand', 'gripper', GRIPPER.joint_from_action(value)))
    for i, (time, source) in enumerate(rows):
        stamp = START + time * MS
        recording.put(SETPOINT, stamp, cdr('cosmos_policy_ros/msg/JointSetpoint', header(stamp), source, 1, i,
                                           np.full(14, float(i))))
    return recording.finish(recording.record, START + 1000 * MS)


def test_a_row_has_the_newest_sample_that_is_not_after_it(tmp_path):
    folder = episode(tmp_path, [(40, 'policy'), (80, 'policy')], [30, 40, 50, 79, 81], [10, 41, 80])
    table = read_table(folder, GRIPPER)
    assert ((table.state_stamps - START) // MS).tolist() == [[40, 40], [79, 79]]
    assert ((table.image_stamps - START) // MS).tolist() == [[10] * 3, [80] * 3]
    assert table.state[:, 0].tolist() == [0.040, 0.079], 'no value is interpolated'
    assert table.action[:, 3].tolist() == [0.0, 1.0]
    assert (table.state_age, table.image_age) == pytest.approx((0.001, 0.030))
    assert table.source == ('policy', 'policy') and table.pauses == 0


def test_samples_that_overtook_each_other_are_told_apart_by_their_stamps(tmp_path):
    recording = start(tmp_path)
    for arrival, stamp in ((50, 40), (51, 20), (90, 80), (91, 60)):
        for topic in ROBOT.joint_states():
            recording.put(topic, START + arrival * MS, joints(START + stamp * MS, 0.001 * stamp))
        for topic in ROBOT.images:
            recording.put(topic, START + arrival * MS, image(START + stamp * MS))
    for i, time in enumerate((40, 80)):
        recording.put(SETPOINT, START + 100 * MS, setpoint(START + time * MS, i, np.zeros(14)))
    table = read_table(recording.finish(recording.record, START + 200 * MS), GRIPPER)
    assert ((table.state_stamps - START) // MS).tolist() == [[40, 40], [80, 80]]
    assert table.state[:, 0].tolist() == [0.040, 0.080]
    assert ((table.image_stamps - START) // MS).tolist() == [[40] * 3, [80] * 3]


def test_velocities_and_efforts_are_the_drivers_in_the_order_of_the_14_joints(tmp_path):
    table = read_table(episode(tmp_path, [(40, 'policy')], [40], [40]), GRIPPER)
    opening = GRIPPER.finger_open - GRIPPER.finger_close
    assert table.velocity[0] == pytest.approx([0.4] * 6 + [0.4 / opening] + [0.4] * 6 + [0.4 / opening])
    assert table.effort[0] == pytest.approx([4.0] * 14)
    assert table.state[0, 6] == pytest.approx(GRIPPER.observation_from_finger(0.04))


def test_a_driver_without_velocities_gives_none(tmp_path):
    recording = start(tmp_path)
    for topic in ROBOT.joint_states():
        recording.put(topic, START, joints(START, 0.1, length=0))
    for topic in ROBOT.images:
        recording.put(topic, START, image(START))
    recording.put(SETPOINT, START, setpoint(START, 0, np.zeros(14)))
    table = read_table(recording.finish(recording.record, START + MS), GRIPPER)
    assert table.velocity is None and table.effort is None and table.sent is None


def test_sent_is_the_last_command_before_the_next_row_is_due(tmp_path):
    folder = episode(tmp_path, [(40, 'policy'), (80, 'policy')], [40, 80], [40, 80],
                     commands=[(30, 0.1), (52, 0.25), (80, 0.5), (119, 0.75), (121, 1.0)])
    sent = read_table(folder, GRIPPER).sent
    assert sent[:, 0].tolist() == [0.25, 0.75]
    assert sent[:, 6] == pytest.approx([0.25, 0.75], abs=1e-6)
    assert np.isnan(sent[:, 7:]).all(), 'the right arm was sent nothing'


def test_a_pause_is_counted_and_joins_its_neighbours(tmp_path):
    folder = episode(tmp_path, [(40, 'policy'), (80, 'policy'), (300, 'policy')], [40, 80, 300], [40, 80, 300])
    table = read_table(folder, GRIPPER)
    assert len(table.time) == 3 and table.pauses == 1


def test_rows_of_two_sources_at_once_are_refused(tmp_path):
    folder = episode(tmp_path, [(40, 'policy'), (80, 'policy'), (90, 'teleop')], [40, 80], [40, 80])
    with pytest.raises(ValueError, match="row 2 of 'teleop' is due 0.010 s after row 1 of 'policy'"):
        read_table(folder, GRIPPER)


@pytest.mark.parametrize('what', ['action', 'state'])
def test_a_row_that_is_not_finite_is_refused(tmp_path, what):
    recording = start(tmp_path)
    for topic in ROBOT.joint_states():
        recording.put(topic, START, joints(START, np.nan if what == 'state' else 0.1))
    for topic in ROBOT.images:
        recording.put(topic, START, image(START))
    recording.put(SETPOINT, START, setpoint(START, 0, np.full(14, np.nan if what == 'action' else 0.1)))
    folder = recording.finish(recording.record, START + MS)
    with pytest.raises(ValueError, match=f'row 0: {what} is not finite'):
        read_table(folder, GRIPPER)


def test_joint_states_that_lack_a_joint_are_refused(tmp_path):
    recording = start(tmp_path)
    for topic in ROBOT.joint_states():
        recording.put(topic, START, cdr('sensor_msgs/msg/JointState', header(START), ['waist'], *[np.zeros(1)] * 3))
    for topic in ROBOT.images:
        recording.put(topic, START, image(START))
    recording.put(SETPOINT, START, setpoint(START, 0, np.zeros(14)))
    folder = recording.finish(recording.record, START + MS)
    with pytest.raises(ValueError, match='/follower_left/joint_states: joint states without all'):
        read_table(folder, GRIPPER)


def test_only_wanted_rows_have_pictures_and_need_fresh_ones(tmp_path):
    folder = episode(tmp_path, [(40 * i, 'policy') for i in range(11)], [40 * i for i in range(11)], [0, 200, 400])
    assert read_table(folder, GRIPPER, every=5).image_rows.tolist() == [0, 5, 10]
    with pytest.raises(ValueError, match='row 3: .*compressed is 0.120 s old, at most 0.1 s'):
        read_table(folder, GRIPPER)


def test_a_synthetic_episode_has_no_pauses(tmp_path):
    table = read_table(record_episode(tmp_path), GRIPPER)
    assert table.pauses == 0 and len(table.pictures) == len(table.time) == 50
    assert table.query_seconds == ()
