"""The signals of one episode as arrays over time."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.joints import ACTION_DIM, ARM_JOINTS
from .bag import BagReader
from .episode import EpisodeRecord
from .topics import CHUNK, SAFETY_STATUS, SETPOINT

MOTORS = (*ARM_JOINTS, 'gripper')


@dataclass(frozen=True)
class Signal:
    """``time`` (n,) s since the episode began, by the recorder's clock; ``value`` (n, ...)."""

    time: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class EpisodeSeries:
    """What :func:`read_series` returns. The lists have one entry a side, left then right.

    ``measured``: (n, 7) rad, six joints and the gripper's motor. ``sent``: (n, 6) rad, arm commands. ``gripper_sent``:
    (n,) rad of the gripper's motor. ``asked``: (n, 14) setpoints offered to the supervisor. ``state``: (n,) names of
    safety states. ``value``: (n,) predicted return by chunk. ``latency``: (n, stages) s by chunk, NaN where a stage
    was not timed; ``stages``: their names.
    """

    record: EpisodeRecord
    measured: list
    sent: list
    gripper_sent: list
    asked: Signal
    state: Signal
    value: Signal
    latency: Signal
    stages: tuple


def read_series(folder):
    """``EpisodeSeries`` of a finished episode folder.

    Raises:
        ValueError: joint states without the driver's joint names.
    """
    with BagReader(folder) as bag:
        record, robot = bag.record, bag.record.robot
        measured, groups, singles = robot.joint_states(), robot.joint_groups(), robot.joint_singles()
        rows = {topic: ([], []) for topic in (*measured, *groups, *singles, SETPOINT, SAFETY_STATUS, CHUNK)}
        for topic, stamp, message in bag.messages(rows):
            if topic in measured:
                value = _motor_positions(topic, message)
            elif topic in groups or topic in singles:
                value = message.cmd
            elif topic == SETPOINT:
                value = message.positions
            elif topic == SAFETY_STATUS:
                value = message.state_name
            else:
                value = message
            rows[topic][0].append((stamp - record.started) * 1e-9)
            rows[topic][1].append(value)

    def signal(topic, width=None):
        times, values = rows[topic]
        empty = np.zeros((0,) if width is None else (0, width))
        return Signal(np.array(times), np.array(values) if values else empty)

    times, chunks = rows[CHUNK]
    stages = tuple(dict.fromkeys(stage for chunk in chunks for stage in chunk.latency_stages))
    timed = [dict(zip(chunk.latency_stages, chunk.latency_seconds)) for chunk in chunks]
    latency = np.array([[stage.get(name, np.nan) for name in stages] for stage in timed])
    return EpisodeSeries(
        record=record,
        measured=[signal(topic, len(MOTORS)) for topic in measured],
        sent=[signal(topic, len(ARM_JOINTS)) for topic in groups],
        gripper_sent=[signal(topic) for topic in singles],
        asked=signal(SETPOINT, ACTION_DIM),
        state=signal(SAFETY_STATUS),
        value=Signal(np.array(times), np.array([chunk.value for chunk in chunks])),
        latency=Signal(np.array(times), latency.reshape(len(chunks), len(stages))),
        stages=stages)


def _motor_positions(topic, message):
    try:
        return [message.position[message.name.index(motor)] for motor in MOTORS]
    except ValueError:
        raise ValueError(f'{topic}: joint names {message.name} lack some of {MOTORS}') from None
