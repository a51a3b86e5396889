"""A small made-up episode: messages through the type store, as a recorder would receive them."""
from dataclasses import replace

import numpy as np

from cosmos_policy_ros.embodiment.joints import DRIVER_JOINTS
from cosmos_policy_ros.rollouts.episode import EpisodeRecord, Outcome
from cosmos_policy_ros.rollouts.message_types import message_types
from cosmos_policy_ros.rollouts.recording import Recording
from cosmos_policy_ros.rollouts.topics import (CHUNK, EPISODE_EVENT, SAFETY_STATUS, SETPOINT, RobotTopics,
                                               recorded_topics)

START = 1_700_000_000_000_000_000
MS = 1_000_000
ROBOT = RobotTopics()


def record(name='episode_1', **changes):
    return EpisodeRecord(**{'id': name, 'task': 'plate', 'instruction': 'put the duck on the plate', 'seed': 7,
                            'started': START, 'recorded_at': '2024-01-01T00:00:00+00:00', **changes})


def header(stamp, frame=''):
    types = message_types().types
    time = types['builtin_interfaces/msg/Time'](stamp // 10 ** 9, stamp % 10 ** 9)
    return types['std_msgs/msg/Header'](time, frame)


def cdr(msgtype, *fields, **named):
    return bytes(message_types().serialize_cdr(message_types().types[msgtype](*fields, **named), msgtype))


def image(stamp, shade=0, width=64, height=48, encoding='rgb8', step=None):
    """A smooth picture, so that JPEG stays close to it."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    pixels[..., 2] = shade
    return cdr('sensor_msgs/msg/Image', header(stamp, 'cam'), height, width, encoding, 0, step or 3 * width,
               pixels.reshape(-1))


def joint_state(stamp, positions):
    return cdr('sensor_msgs/msg/JointState', header(stamp), list(DRIVER_JOINTS), np.asarray(positions, float),
               np.zeros(9), np.zeros(9))


def setpoint(stamp, sequence, positions):
    return cdr('cosmos_policy_ros/msg/JointSetpoint', header(stamp), 'policy', 1, sequence,
               np.asarray(positions, float))


def chunk(stamp, sequence, value):
    types = message_types().types
    trajectory = types['trajectory_msgs/msg/JointTrajectory'](header(stamp), [], [])
    return cdr('cosmos_policy_ros/msg/ActionChunk', header(stamp), 1, sequence, 'policy', 'put the duck on the plate',
               trajectory, value, 7, ['images', 'network'], np.array([0.01, 0.2 + 0.01 * sequence]), 'direct')


def plan(stamp, values, chosen):
    count = len(values)
    return cdr('cosmos_policy_ros/msg/PlanReport', header=header(stamp), epoch=1, sequence=0,
               candidates=np.arange(count, dtype=np.uint32), seeds=np.arange(count),
               values=np.array(values, np.float32), spreads=np.zeros(count, np.float32),
               members=np.ones(count, np.uint32), chosen=chosen, depth=1, calls=10, workers_lost=0, elapsed=0.5,
               deadline_met=True, fallback=False)


def imagined(stamp, shade):
    return cdr('sensor_msgs/msg/Image', header(stamp), 16, 16, 'rgb8', 0, 48, np.full(16 * 48, shade, np.uint8))


def safety_status(stamp, counter, state, name, causes=()):
    return cdr('cosmos_policy_ros/msg/SafetyStatus', header=header(stamp), counter=counter, state=state,
               state_name=name, authority='policy', origin='', epoch=1, armed=True,
               causes=[_cause(stamp, *cause) for cause in causes], last_event_id=0, blockers=[],
               speed_scale=1.0, hand_speed=np.inf, min_clearance=0.2, rows_accepted=0, rows_clamped=0, rows_refused=0,
               watched=[], ages=np.zeros(0, np.float32), loop_period_max=0.01, tick_p999=0.001, command=np.zeros(14),
               velocity=np.zeros(14), warnings=[], config_digest='')


def _cause(stamp, name, severity, source, event_id, text):
    kind = message_types().types['cosmos_policy_ros/msg/SafetyCause']
    return kind(name, severity, source, event_id, header(stamp).stamp, text, '')


def messages(seconds, step=1):
    """Yield (topic, stamp, CDR) of an episode in order of time, from every ``step``-th tick of 10 ms."""
    for tick in range(0, round(seconds * 100), step):
        stamp = START + tick * 10 * MS
        angle = np.sin(tick * 0.02)
        for side, topic in enumerate(ROBOT.joint_states()):
            yield topic, stamp, joint_state(stamp, [*np.full(6, 0.1 * side + 0.9 * angle), 0.5 + angle, 0.05, -0.05])
        if tick % 10 == 0:
            state, name = (2, 'READY') if tick < 50 else (3, 'RUNNING')
            yield SAFETY_STATUS, stamp, safety_status(stamp, tick // 10, state, name)
        if tick % 200 == 0:
            yield CHUNK, stamp, chunk(stamp, tick // 200, 0.3 + 0.001 * tick)
        if tick % 4:
            continue
        for shade, topic in enumerate(ROBOT.images):
            yield topic, stamp, image(stamp, 60 * shade)
        yield SETPOINT, stamp, setpoint(stamp, tick // 4, np.full(14, angle))
        for group, single in zip(ROBOT.joint_groups(), ROBOT.joint_singles()):
            yield group, stamp, cdr('interbotix_xs_msgs/msg/JointGroupCommand', 'arm', np.full(6, angle, np.float32))
            yield single, stamp, cdr('interbotix_xs_msgs/msg/JointSingleCommand', 'gripper', 0.5 + angle)


def event(stamp, kind, episode='episode_1'):
    return cdr('cosmos_policy_ros/msg/EpisodeEvent', header(stamp), kind, episode, 'plate', '', 7, '', np.nan, 0,
               '', '')


def start(output, name='episode_1', free=lambda folder: 1 << 40, **changes):
    return Recording(output, record(name, **changes), recorded_topics(ROBOT), message_types(), 95, 1 << 30, free)


def record_episode(output, seconds=2.0, name='episode_1', step=1, **changes):
    """Record a whole synthetic episode; returns its folder. ``step``: as of ``messages``."""
    recording = start(output, name, **changes)
    recording.put(EPISODE_EVENT, START, event(START, 0, name))
    for message in messages(seconds, step):
        recording.put(*message)
    ended = replace(recording.record, outcome=Outcome.SUCCESS, score=1.0)
    return recording.finish(ended, START + round(seconds * 1e9))
