"""The published ALOHA layout: HDF5 demonstrations with a video a camera, and HDF5 rollouts with JPEG frames.

Names, shapes and types are those that the loader of NVlabs/cosmos-policy reads (``datasets/aloha_dataset.py``) and that
its preprocessing and robot client write. Beside them each file holds what that layout has no place for:
``action_commanded``, ``timestamps`` and the attribute ``episode``.
"""
import re
import tempfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from ..images import decompress, encode_jpeg
from ..mp4 import Mp4Writer
from ..table import read_table
from ..topics import TASK_STATE

SIDE = 256
"""Pixels of a picture, squashed to a square with PIL's bicubic filter, as the published preprocessing does."""

QUALITY = 95
"""Of JPEG: what sibling code of the published loader uses."""

JPEG_NAMES = {'cam_high': 'primary_images_jpeg', 'cam_left_wrist': 'wrist_left_images_jpeg',
              'cam_right_wrist': 'wrist_right_images_jpeg'}
"""Data set of each camera's frames in a rollout."""

VIDEO_CRF = 16  # of H.264; the published videos are lossy MPEG-4


class AlohaExport:
    """Writes episodes below ``out``: ``demonstrations/<task>/train/episode_<k>.hdf5`` and ``rollouts/<id>.hdf5``."""

    def __init__(self, out, gripper):
        """``gripper``: ``GripperMap`` of the recorded arms."""
        self._out, self._gripper = Path(out), gripper

    def add(self, episode):
        """Write one ``selection.Episode``; on an error nothing of it stays. Returns its number of rows.

        Raises:
            ValueError: see ``table.read_table``. OSError: a picture cannot be decoded, or the disk is full.
        """
        table = read_table(episode.folder, self._gripper)
        pictures = dict(zip(table.record.robot.cameras, zip(*table.pictures)))
        with tempfile.TemporaryDirectory(dir=self._out) as draft:
            if episode.demonstration:
                task = task_folder(table.record.instruction or table.record.task)
                place = self._out / 'demonstrations' / task / 'train'
                name = f'episode_{len(list(place.glob("*.hdf5")))}'
                _write_demonstration(Path(draft), name, episode, table, pictures)
            else:
                place = self._out / 'rollouts'
                name = table.record.id
                if (place / f'{name}.hdf5').exists():
                    raise ValueError(f'{episode.folder}: an episode with the id {name} is in this export already')
                _write_rollout(Path(draft), name, episode, table, pictures)
            place.mkdir(parents=True, exist_ok=True)
            for path in sorted(Path(draft).iterdir(), key=lambda path: path.suffix == '.hdf5'):
                path.rename(place / path.name)
        return len(table.time)

    def finish(self):
        """Nothing is left to write."""


def task_folder(instruction):
    """The folder name of a demonstration's task: its instruction with underscores.

    The published loader takes the instruction from this name and knows six of them; those of its rollouts are free.
    """
    return re.sub(r'[^a-z0-9]+', '_', instruction.lower()).strip('_')


def relative_action(action):
    """(T, 14): the step to the next action, the last one repeated; zeros for a single row."""
    steps = np.diff(action, axis=0)
    return np.concatenate([steps, steps[-1:]]) if len(steps) else np.zeros_like(action)


def _write_demonstration(folder, name, episode, table, pictures):
    with h5py.File(folder / f'{name}.hdf5', 'w') as file:
        _write_rows(file, episode, table)
        for camera, frames in pictures.items():
            video = f'{name}_{camera}.mp4'
            file[f'observations/video_paths/{camera}'] = np.bytes_(video)
            with Mp4Writer(folder / video, SIDE, SIDE, VIDEO_CRF) as writer:
                for frame in frames:
                    writer.write(_square(frame))


def _write_rollout(folder, name, episode, table, pictures):
    with h5py.File(folder / f'{name}.hdf5', 'w') as file:
        _write_rows(file, episode, table)
        for camera, frames in pictures.items():
            data = file.create_dataset(JPEG_NAMES[camera], (len(frames),), h5py.vlen_dtype(np.uint8))
            for row, frame in enumerate(frames):
                data[row] = np.frombuffer(encode_jpeg(_square(frame), QUALITY), np.uint8)


def _write_rows(file, episode, table):
    record, label = table.record, episode.label
    action = table.action.astype(np.float32)
    file['action'], file['relative_action'] = action, relative_action(action)
    file['observations/qpos'] = table.state.astype(np.float32)
    for name, values in (('observations/qvel', table.velocity), ('observations/effort', table.effort),
                         ('action_commanded', table.sent)):
        if values is not None:
            file[name] = values.astype(np.float32)
    file['timestamps/action'], file['timestamps/qpos'] = table.time, table.state_stamps
    for camera, stamps in zip(record.robot.cameras, table.image_stamps.T):
        file[f'timestamps/{camera}'] = stamps
    file['row_source'] = list(table.source)
    simulated = any(audit.topic == TASK_STATE and audit.received for audit in record.topics)
    file.attrs.update(
        sim=bool(record.extra.get('sim', simulated)), task_description=record.instruction or record.task,
        success=episode.success, success_score=float(label.score),
        user_description=label.note or record.note, user_name=label.operator,
        policy_name=record.policy.get('folder', record.extra.get('mode', '')), date_time=record.recorded_at,
        average_model_query_time_sec=float(np.mean(table.query_seconds)) if table.query_seconds else 0.0,
        failure_type=label.failure.value if label.failure else '', episode=record.to_json())


def _square(picture):
    return np.asarray(Image.fromarray(decompress(picture)).resize((SIDE, SIDE), Image.BICUBIC))
