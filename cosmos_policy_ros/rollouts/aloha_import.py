"""ALOHA HDF5 episodes as episodes of this package: a bag with its record, which everything that reads bags takes.

The layout is ``export/aloha.py``'s, or that of ALOHA's own recorder with its padded JPEG frames. It holds no times, so
they are made up: row k lies k / 25 s after the begin, its state and pictures at that same instant. No commands, safety
states or chunks are invented; a reader finds those topics empty, and the record names the file that it came from.
"""
import re
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from zlib import crc32

import av
import h5py
import numpy as np

from ..embodiment.joints import ACTION_DIM, CONTROL_PERIOD, DRIVER_JOINTS
from .bag import BagWriter, RecordingError
from .episode import EpisodeRecord, Outcome
from .export.aloha import JPEG_NAMES, QUALITY, task_folder
from .images import decode_jpeg, encode_jpeg
from .message_types import message_types
from .topics import COMPRESSED_IMAGE, SETPOINT, RobotTopics

START = 10 ** 9
"""ns; the made-up time of an imported episode's begin."""

TELEOPERATED = 'teleop'

_JOINT_STATE, _SETPOINT = 'sensor_msgs/msg/JointState', 'cosmos_policy_ros/msg/JointSetpoint'


@dataclass(frozen=True, eq=False)
class AlohaEpisode:
    """``action``, ``qpos``: (T, 14). ``qvel``, ``effort``: (T, 14) or None. ``attributes``: of the file. ``frames``:
    camera -> function that yields T JPEG files as bytes."""

    action: np.ndarray
    qpos: np.ndarray
    qvel: np.ndarray
    effort: np.ndarray
    attributes: dict
    frames: dict


def import_episode(path, output, gripper, instruction='', rate=25):
    """Make an episode of an HDF5 file; returns its folder below ``output``.

    Args:
        gripper: ``GripperMap`` whose finger distances the normalised gripper states stand for. instruction: of a file
            that does not name its own. rate: Hz of the file's rows, 25, or 50 to take every second one.

    Raises:
        ValueError: not an ALOHA episode, or no instruction. RecordingError: it exists already, or cannot be written.
        OSError: a file cannot be read.
    """
    path, robot, step = Path(path), RobotTopics(), rate // 25
    with h5py.File(path, 'r') as file:
        episode = _read(file, path, robot.cameras)
        record = _record(path, episode, instruction, robot)
        types = message_types()
        bag = BagWriter(output, record, types)
        try:
            for topic in robot.joint_states():
                bag.add(topic, _JOINT_STATE)
            for topic in robot.compressed_images():
                bag.add(topic, COMPRESSED_IMAGE)
            bag.add(SETPOINT, _SETPOINT)
            source = 'demonstration' if record.extra['mode'] == TELEOPERATED else 'policy'
            rows = 0
            numbers, rows = range(len(episode.action)), 0
            for number, *pictures in zip_longest(numbers, *(episode.frames[camera]() for camera in robot.cameras)):
                if number is None or None in pictures:
                    raise ValueError(f'{path}: {len(numbers)} rows of action, but not as many frames of every camera')
                if number % step == 0:
                    _write_row(bag, types, robot, rows, episode, number, pictures, gripper, source)
                    rows += 1
            return bag.finish(_ended(record, episode, rows))
        except BaseException:
            bag.discard()
            raise


def _read(file, path, cameras):
    try:
        rows = {name: file[name][()] for name in ('action', 'observations/qpos')}
    except KeyError as error:
        raise ValueError(f'{path} is no ALOHA episode: {error}') from None
    rows |= {name: file[name][()] if name in file else None for name in ('observations/qvel', 'observations/effort')}
    count = len(rows['action'])
    for name, values in rows.items():
        if values is not None and (values.shape != (count, ACTION_DIM) or not np.isfinite(values).all()):
            raise ValueError(f'{path}: {name}: expected finite numbers ({count}, {ACTION_DIM}), got {values.shape} '
                             f'{values.dtype}')
    if not count:
        raise ValueError(f'{path}: no rows')
    return AlohaEpisode(*rows.values(), dict(file.attrs), {camera: _frames(file, path, camera) for camera in cameras})


def _frames(file, path, camera):
    """What yields the JPEG files of one camera; those that are there pass as they are, but for ALOHA's own."""
    images, video = f'observations/images/{camera}', f'observations/video_paths/{camera}'
    if JPEG_NAMES[camera] in file:
        return lambda: (bytes(data) for data in file[JPEG_NAMES[camera]])
    if images in file and file[images].ndim == 2:
        return lambda: (_padded(data) for data in file[images])
    if images in file:
        return lambda: (encode_jpeg(image, QUALITY) for image in file[images])
    if video in file:
        return lambda: _video(path.parent / file[video][()].decode())
    raise ValueError(f'{path}: no pictures of {camera}: neither {JPEG_NAMES[camera]} nor {images} nor {video}')


def _padded(data):
    """ALOHA's recorder hands RGB to an encoder that takes BGR: red and blue are swapped in its JPEG data."""
    return encode_jpeg(decode_jpeg(bytes(data))[..., ::-1], QUALITY)


def _video(path):
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield encode_jpeg(frame.to_ndarray(format='rgb24'), QUALITY)


def _record(path, episode, instruction, robot):
    attributes = episode.attributes
    instruction = str(attributes.get('task_description', '')) or instruction
    if not instruction:
        raise ValueError(f'{path} does not say what was to be done; give the instruction')
    policy, task = str(attributes.get('policy_name', '')), task_folder(instruction)
    mode = TELEOPERATED if policy in ('', TELEOPERATED) else 'policy'
    name = re.sub(r'[^A-Za-z0-9._-]+', '-', f'{task}_{path.stem}')[:128]
    return EpisodeRecord(
        # A file has no seed; this number keeps files apart where episodes are held out by task and seed.
        name, task, instruction, crc32(path.stem.encode()), START, str(attributes.get('date_time', '')),
        note=str(attributes.get('user_description', '')), robot=robot,
        policy={'folder': policy} if mode == 'policy' else {},
        extra={'mode': mode, 'sim': bool(attributes.get('sim', False)), 'imported_from': str(path), 'times': 'made up'})


def _ended(record, episode, rows):
    """The finished record; a demonstration that says nothing else was a success."""
    success = bool(episode.attributes.get('success', record.extra['mode'] == TELEOPERATED))
    score = float(episode.attributes.get('success_score', success))
    return replace(record, outcome=Outcome.SUCCESS if success else Outcome.FAILURE, score=score, steps=rows, chunks=0,
                   ended=_stamp(rows))


def _stamp(row):
    return START + round(row * CONTROL_PERIOD * 1e9)


def _write_row(bag, types, robot, row, episode, number, pictures, gripper, source):
    stamp, named = _stamp(row), types.types
    header = named['std_msgs/msg/Header'](named['builtin_interfaces/msg/Time'](stamp // 10 ** 9, stamp % 10 ** 9), '')

    def write(topic, kind, *fields):
        bag.write(topic, stamp, bytes(types.serialize_cdr(named[kind](header, *fields), kind)))

    for side, topic in enumerate(robot.joint_states()):
        part = slice(7 * side, 7 * side + 7)
        write(topic, _JOINT_STATE, list(DRIVER_JOINTS), *_driver(
            gripper, episode.qpos[number, part], *(None if values is None else values[number, part]
                                                   for values in (episode.qvel, episode.effort))))
    for topic, data in zip(robot.compressed_images(), pictures):
        write(topic, COMPRESSED_IMAGE, 'rgb8; jpeg compressed bgr8', np.frombuffer(data, np.uint8))
    write(SETPOINT, _SETPOINT, source, 1, row, episode.action[number].astype(np.float64))


def _driver(gripper, state, velocity, effort):
    """Positions, velocities and efforts of the driver's nine joints from an arm's seven; empty where there are none."""
    state = state.astype(np.float64)
    finger = gripper.finger_from_observation(state[6])
    positions = np.array([*state[:6], gripper.joint_from_finger(finger), finger, -finger])
    speed = 0.0 if velocity is None else float(velocity[6]) * (gripper.finger_open - gripper.finger_close)
    velocities = np.zeros(0) if velocity is None else np.array([*velocity[:6], 0.0, speed, -speed], np.float64)
    return positions, velocities, np.zeros(0) if effort is None else np.array([*effort, 0.0, 0.0], np.float64)
