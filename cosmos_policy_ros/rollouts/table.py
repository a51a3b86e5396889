"""An episode at 25 Hz: one entry a recorded row, with what was measured and seen before it. Nothing is interpolated.

The rows are the grid: row t is the t-th setpoint, at its target time. Its state is each arm's newest ``joint_states``
and its pictures each camera's newest image whose header stamp is not after that time. This is how a demonstration pairs
them: the observation is taken, then the action is sent.
"""
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from ..embodiment.joints import ACTION_DIM, ARM_JOINTS, CONTROL_PERIOD
from .bag import BagReader
from .episode import EpisodeRecord
from .topics import CHUNK, SETPOINT

OLDEST_STATE = 0.05
"""s before a row's target time within which the arms have to have been measured."""

OLDEST_IMAGE = 0.1
"""s before it within which each camera has to have taken a picture."""

_ROUNDING = 1000  # ns that a stamp may be after its row: stamps come from clocks in float seconds


@dataclass(frozen=True, eq=False)
class RowTable:
    """T rows of one episode; 14-vectors in the order of ``JOINT_NAMES``.

    ``time``: (T,) int64 ns, target times. ``source``: T names of who sent the row. ``action``: (T, 14) float64, the
    rows as sent to the supervisor. ``sent``: (T, 14) what the supervisor had last sent to the arms when the next row
    was due, NaN where it had sent nothing since the recording began; None without any command. ``state``: (T, 14) rad,
    grippers normalised. ``velocity``: (T, 14) per s, ``effort``: (T, 14) mA; None when the driver gave none.
    ``image_rows``: (K,) int64, ascending, the last row included. ``pictures``: K tuples of one ``CompressedImage`` a
    camera. ``state_stamps``: (T, 2), ``image_stamps``: (K, cameras) int64 ns. ``query_seconds``: s that each chunk took
    to infer.
    """

    record: EpisodeRecord
    time: np.ndarray
    source: tuple
    action: np.ndarray
    sent: np.ndarray
    state: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    image_rows: np.ndarray
    pictures: tuple
    state_stamps: np.ndarray
    image_stamps: np.ndarray
    query_seconds: tuple

    @property
    def state_age(self):
        """s, the largest between a row and its state."""
        return float((self.time[:, None] - self.state_stamps).max()) * 1e-9

    @property
    def image_age(self):
        """s, the largest between a row and its pictures."""
        return float((self.time[self.image_rows, None] - self.image_stamps).max()) * 1e-9

    @property
    def pauses(self):
        """How often two rows, neighbours in the table all the same, are more than one and a half periods apart."""
        return int((np.diff(self.time) > 1.5e9 * CONTROL_PERIOD).sum())


def read_table(folder, gripper, every=1):
    """``RowTable`` of a finished episode folder.

    Args:
        gripper: ``GripperMap`` of the arms. every: rows between two that get pictures.

    Raises:
        ValueError: no rows, rows that run backwards or hold NaN, or one before which a stream was silent for too long.
    """
    with BagReader(folder) as bag:
        record, robot = bag.record, bag.record.robot
        joints, cameras = robot.joint_states(), robot.compressed_images()
        stamped = {topic: [] for topic in (SETPOINT, *joints, *cameras)}
        received = {topic: ([], []) for topic in (*robot.joint_groups(), *robot.joint_singles())}
        queries = []
        for topic, stamp, message in bag.messages({*stamped, *received, CHUNK}):
            if topic == CHUNK:
                queries += [s for name, s in zip(message.latency_stages, message.latency_seconds) if name == 'total']
            elif topic in received:
                received[topic][0].append(stamp)
                received[topic][1].append(message.cmd)
            else:
                stamp = message.header.stamp
                stamped[topic].append((stamp.sec * 10 ** 9 + stamp.nanosec, message))
    if not stamped[SETPOINT]:
        raise ValueError(f'{folder}: no rows: nothing had the arms')
    times, setpoints = zip(*stamped[SETPOINT])
    late = np.flatnonzero(np.diff(times) < 0.5e9 * CONTROL_PERIOD)
    if len(late):
        a, b = setpoints[late[0]], setpoints[late[0] + 1]
        gap = (times[late[0] + 1] - times[late[0]]) * 1e-9
        raise ValueError(f'{folder}: row {late[0] + 1} of {b.source!r} is due {gap:.3f} s after row {late[0]} of '
                         f'{a.source!r}: two sources at once; leave this episode out')

    def pick(topic, rows, oldest):
        samples = sorted(stamped[topic], key=itemgetter(0))  # they may have overtaken each other on their way
        stamps = [stamp for stamp, _ in samples]
        found = [bisect_right(stamps, times[row] + _ROUNDING) - 1 for row in rows]
        ages = [(times[row] - stamps[at]) * 1e-9 if at >= 0 else np.inf for row, at in zip(rows, found)]
        for row, age in zip(rows, ages):
            if age > oldest:
                raise ValueError(f'{folder}: row {row}: {topic} is {age:.3f} s old, at most {oldest} s; '
                                 'leave this episode out')
        return [samples[at][1] for at in found], [stamps[at] for at in found]

    image_rows = sorted({*range(0, len(times), every), len(times) - 1})
    arms = [pick(topic, range(len(times)), OLDEST_STATE) for topic in joints]
    views = [pick(topic, image_rows, OLDEST_IMAGE) for topic in cameras]
    measured = [_measured(topic, messages, gripper) for topic, (messages, _) in zip(joints, arms)]

    def both(kind):
        sides = [side[kind] for side in measured]
        return None if any(side is None for side in sides) else np.concatenate(sides, axis=1)

    action, state = np.array([message.positions for message in setpoints]).reshape(-1, ACTION_DIM), both('position')
    for name, values in (('action', action), ('state', state)):
        bad = np.flatnonzero(~np.isfinite(values).all(1))
        if len(bad):
            raise ValueError(f'{folder}: row {bad[0]}: {name} is not finite; leave this episode out')
    return RowTable(
        record=record, time=np.array(times), source=tuple(message.source for message in setpoints),
        action=action, sent=_sent(received, robot, times, gripper), state=state, velocity=both('velocity'),
        effort=both('effort'), image_rows=np.array(image_rows), pictures=tuple(zip(*(view for view, _ in views))),
        state_stamps=np.stack([stamps for _, stamps in arms], 1),
        image_stamps=np.stack([stamps for _, stamps in views], 1), query_seconds=tuple(queries))


def _measured(topic, messages, gripper):
    """Positions, velocities and efforts (T, 7) of one arm, the latter two None unless every message has them.

    The gripper's position and speed are those of the left finger, its effort the motor's, as in ALOHA's own recorder.
    """
    finger, motor = [*ARM_JOINTS, 'left_finger'], [*ARM_JOINTS, 'gripper']

    def column(field, names):
        rows = [getattr(message, field) for message in messages]
        if field != 'position' and any(len(row) < len(message.name) for row, message in zip(rows, messages)):
            return None
        try:
            return np.array([[row[message.name.index(name)] for name in names] for row, message in zip(rows, messages)])
        except (IndexError, ValueError):
            raise ValueError(f'{topic}: joint states without all of the driver\'s names {", ".join(names)}') from None

    position, velocity, effort = column('position', finger), column('velocity', finger), column('effort', motor)
    position[:, 6] = gripper.observation_from_finger(position[:, 6])
    if velocity is not None:
        velocity[:, 6] /= gripper.finger_open - gripper.finger_close
    return {'position': position, 'velocity': velocity, 'effort': effort}


def _sent(received, robot, times, gripper):
    """(T, 14) the arms' last commands by the recorder's clock, or None."""
    if not any(stamps for stamps, _ in received.values()):
        return None
    table = np.full((len(times), ACTION_DIM), np.nan)
    due = [*times[1:], times[-1] + round(CONTROL_PERIOD * 1e9)]
    for side, (group, single) in enumerate(zip(robot.joint_groups(), robot.joint_singles())):
        for topic, columns in ((group, slice(7 * side, 7 * side + 6)), (single, 7 * side + 6)):
            stamps, commands = received[topic]
            last = [bisect_left(stamps, time) - 1 for time in due]
            for row, at in enumerate(last):
                if at >= 0:
                    command = commands[at]
                    table[row, columns] = command if topic == group else gripper.action_from_joint(command)
    return table
