"""The signals of one episode as arrays over time."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.joints import ACTION_DIM, ARM_JOINTS
from .bag import BagReader
from .episode import EpisodeRecord
from .topics import CHUNK, EPISODE_EVENT, PLAN_REPORT, SAFETY_STATUS, SETPOINT

MOTORS = (*ARM_JOINTS, 'gripper')


@dataclass(frozen=True)
class Signal:
    """``time`` (n,) s since the episode began, by the recorder's clock; ``value`` (n, ...)."""

    time: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class SafetyEvent:
    """A cause that was active from ``begin`` to ``end`` (s since the episode began, by statuses).

    ``severity``: 0 notice to 5 fault. ``source``: what it came from.
    """

    begin: float
    end: float
    severity: int
    id: str
    source: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What a planner ranked at ``time`` (s): (n,) ``values``, and the index of the chosen one or None."""

    time: float
    values: np.ndarray
    chosen: int


@dataclass(frozen=True)
class EpisodeSeries:
    """What :func:`read_series` returns. The lists have one entry a side, left then right.

    ``measured``: (n, 7) rad, six joints and the gripper's motor. ``sent``: (n, 6) rad, arm commands. ``gripper_sent``:
    (n,) rad of the gripper's motor. ``asked``: (n, 14) setpoints offered to the supervisor. ``state``: (n,) names of
    safety states. ``value``: (n,) predicted return by chunk. ``latency``: (n, stages) s by chunk, NaN where a stage
    was not timed; ``stages``: their names. ``plans``: of a planning policy, in order. ``events``: by the time they
    began. ``takeovers``: (begin, end) s of the spans in which an operator had the arms.
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
    plans: tuple
    events: tuple
    takeovers: tuple

    @property
    def latencies(self):
        """(n,) s from observation to chunk: the stage "total", or the sum of the others without one."""
        if 'total' in self.stages:
            return self.latency.value[:, self.stages.index('total')]
        return np.nansum(self.latency.value, axis=1)


def read_series(folder):
    """``EpisodeSeries`` of a finished episode folder.

    Raises:
        ValueError: joint states without the driver's joint names.
    """
    with BagReader(folder) as bag:
        record, robot = bag.record, bag.record.robot
        measured, groups, singles = robot.joint_states(), robot.joint_groups(), robot.joint_singles()
        whole = (SAFETY_STATUS, CHUNK, PLAN_REPORT, EPISODE_EVENT)
        rows = {topic: ([], []) for topic in (*measured, *groups, *singles, SETPOINT, *whole)}
        for topic, stamp, message in bag.messages(rows):
            if topic in measured:
                value = _motor_positions(topic, message)
            elif topic in groups or topic in singles:
                value = message.cmd
            elif topic == SETPOINT:
                value = message.positions
            else:
                value = message
            rows[topic][0].append((stamp - record.started) * 1e-9)
            rows[topic][1].append(value)

    def signal(topic, width=None):
        times, values = rows[topic]
        empty = np.zeros((0,) if width is None else (0, width))
        return Signal(np.array(times), np.array(values) if values else empty)

    times, statuses = rows[SAFETY_STATUS]
    state = Signal(np.array(times), np.array([status.state_name for status in statuses]))
    events = _events(times, statuses)
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
        state=state,
        value=Signal(np.array(times), np.array([chunk.value for chunk in chunks])),
        latency=Signal(np.array(times), latency.reshape(len(chunks), len(stages))),
        stages=stages,
        plans=tuple(_plan(time, message) for time, message in zip(*rows[PLAN_REPORT])),
        events=events,
        takeovers=_takeovers(*rows[EPISODE_EVENT], record.duration))


def _events(times, statuses):
    """The causes of the statuses, those with one event id as one ``SafetyEvent``."""
    found = {}
    for time, status in zip(times, statuses):
        for cause in status.causes:
            begin = found[cause.event_id].begin if cause.event_id in found else time
            found[cause.event_id] = SafetyEvent(begin, time, cause.severity, cause.id, cause.source, cause.text)
    return tuple(sorted(found.values(), key=lambda event: event.begin))


def _takeovers(times, messages, duration):
    spans, begin = [], None
    for time, message in zip(times, messages):
        if message.kind == message.INTERVENTION_BEGIN:
            begin = time
        elif message.kind == message.INTERVENTION_END and begin is not None:
            spans.append((begin, time))
            begin = None
    return (*spans, *([] if begin is None else [(begin, duration)]))


def _plan(time, message):
    numbers = list(message.candidates)
    return Plan(time, np.array(message.values), numbers.index(message.chosen) if message.chosen in numbers else None)


def _motor_positions(topic, message):
    try:
        return [message.position[message.name.index(motor)] for motor in MOTORS]
    except ValueError:
        raise ValueError(f'{topic}: joint names {message.name} lack some of {MOTORS}') from None
