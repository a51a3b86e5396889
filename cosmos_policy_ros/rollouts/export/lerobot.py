"""A LeRobot data set, format v3.0: rows in Parquet, videos, metadata; a file an episode, which the format permits.

Written here and not by LeRobot, whose releases pin older torch, numpy and av than this package runs on. Layout and
names follow ``lerobot.datasets`` 0.4 (``utils.py``, ``lerobot_dataset.py``, ``compute_stats.py``).
"""
import json
from pathlib import Path

import numpy as np

from ...embodiment.joints import JOINT_NAMES
from ..images import decompress
from ..mp4 import FPS, Mp4Writer
from ..table import read_table

VERSION = 'v3.0'
CHUNK = 1000
"""Files of one kind in a folder."""

DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
VIDEO_PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
EPISODES_PATH = 'meta/episodes/chunk-000/file-000.parquet'

VIDEO_CRF, VIDEO_GOP = 18, 2  # LeRobot's own distance of key frames; its quality is 30 of AV1
SAMPLED_FRAMES, SAMPLED_PIXELS = 100, 4
"""What picture statistics look at: frames of an episode, evenly spaced, and every fourth of their rows and columns."""

QUANTILES = {'q01': 0.01, 'q10': 0.1, 'q50': 0.5, 'q90': 0.9, 'q99': 0.99}

_VECTORS = {'observation.state': 'state', 'observation.velocity': 'velocity', 'observation.effort': 'effort',
            'action': 'action'}
_SCALARS = {'next.reward': 'float32', 'next.done': 'bool', 'next.success': 'bool', 'timestamp': 'float32',
            'frame_index': 'int64', 'episode_index': 'int64', 'index': 'int64', 'task_index': 'int64'}


class LeRobotExport:
    """Writes one data set into ``out``."""

    def __init__(self, out, gripper):
        """``gripper``: ``GripperMap`` of the recorded arms. Raises ImportError without pyarrow."""
        import pyarrow
        import pyarrow.parquet
        self._arrow, self._parquet = pyarrow, pyarrow.parquet
        self._out, self._gripper = Path(out), gripper
        self._tasks, self._episodes, self._stats = {}, [], []
        self._rows, self._video_info, self._codec = 0, None, ''

    def add(self, episode):
        """Write one ``selection.Episode``; returns its number of rows.

        Raises:
            ValueError: see ``table.read_table``; joint states without velocity or effort; pictures of other sizes than
                in the episodes before. OSError: a picture cannot be decoded, or the disk is full.
        """
        table = read_table(episode.folder, self._gripper)
        for name, values in (('velocity', table.velocity), ('effort', table.effort)):
            if values is None:
                raise ValueError(f'{episode.folder}: the joint states hold no {name}, which every row here has')
        cameras = dict(zip(table.record.robot.cameras, zip(*table.pictures)))
        shapes = {f'observation.images.{camera}': decompress(frames[0]).shape for camera, frames in cameras.items()}
        if self._video_info not in (None, shapes):
            raise ValueError(f'{episode.folder}: pictures {shapes}, in the episodes before {self._video_info}')
        number, task = len(self._episodes), episode.record.instruction or episode.record.task
        columns = self._columns(episode, table, number, self._tasks.get(task, len(self._tasks)))
        stats = {name: statistics(values) for name, values in columns.items()}
        try:
            for key, frames in zip(shapes, cameras.values()):
                stats[key] = self._write_video(key, number, frames)
            self._write_data(number, columns)
        except (OSError, ValueError):
            for path in [DATA_PATH, *(VIDEO_PATH.replace('{video_key}', key) for key in shapes)]:
                (self._out / path.format(**_place(number))).unlink(missing_ok=True)
            raise
        self._video_info = shapes
        self._tasks.setdefault(task, len(self._tasks))
        self._stats.append(stats)
        self._episodes.append(self._entry(episode, task, number, len(table.time), stats))
        self._rows += len(table.time)
        return len(table.time)

    def finish(self):
        """Write the metadata."""
        episodes = {key: [entry[key] for entry in self._episodes] for key in self._episodes[0]}
        self._write(EPISODES_PATH, self._arrow.table(episodes))
        names = list(self._tasks)
        # As pandas writes a table whose index is the task.
        tasks = self._arrow.table({'task_index': np.arange(len(names)), '__index_level_0__': names})
        pandas = {'index_columns': ['__index_level_0__'], 'column_indexes': [], 'columns': [
            {'name': 'task_index', 'field_name': 'task_index', 'pandas_type': 'int64', 'numpy_type': 'int64',
             'metadata': None},
            {'name': None, 'field_name': '__index_level_0__', 'pandas_type': 'unicode', 'numpy_type': 'object',
             'metadata': None}]}
        self._write('meta/tasks.parquet', tasks.replace_schema_metadata({'pandas': json.dumps(pandas)}))
        self._write_json('meta/stats.json', {key: aggregate([stats[key] for stats in self._stats])
                                             for key in self._stats[0]})
        self._write_json('meta/info.json', {
            'codebase_version': VERSION, 'robot_type': 'aloha', 'total_episodes': len(self._episodes),
            'total_frames': self._rows, 'total_tasks': len(names), 'chunks_size': CHUNK, 'data_files_size_in_mb': 100,
            'video_files_size_in_mb': 200, 'fps': FPS, 'splits': {'train': f'0:{len(self._episodes)}'},
            'data_path': DATA_PATH, 'video_path': VIDEO_PATH, 'features': self._features()})

    def _columns(self, episode, table, number, task):
        """Name -> (T,) or (T, 14) array of every column of the rows."""
        count = len(table.time)
        last = np.arange(count) == count - 1
        columns = {name: getattr(table, field).astype(np.float32) for name, field in _VECTORS.items()}
        values = {'next.reward': last * episode.label.score, 'next.done': last, 'next.success': last & episode.success,
                  'timestamp': np.arange(count) / FPS, 'frame_index': np.arange(count),
                  'episode_index': np.full(count, number), 'index': self._rows + np.arange(count),
                  'task_index': np.full(count, task)}
        return {**columns, **{name: values[name].astype(kind) for name, kind in _SCALARS.items()}}

    def _write_data(self, number, columns):
        arrays = {}
        for name, values in columns.items():
            array = self._arrow.array(values.reshape(-1))
            if values.ndim == 2:
                array = self._arrow.FixedSizeListArray.from_arrays(array, values.shape[1])
            arrays[name] = array
        self._write(DATA_PATH.format(**_place(number)), self._arrow.table(arrays))

    def _write_video(self, key, number, frames):
        """Statistics of what was encoded."""
        path = self._path(VIDEO_PATH.format(video_key=key, **_place(number)))
        sampled = set(np.linspace(0, len(frames) - 1, min(len(frames), SAMPLED_FRAMES)).round().astype(int))
        pixels, size = [], decompress(frames[0]).shape
        with Mp4Writer(path, size[1], size[0], VIDEO_CRF, gop=VIDEO_GOP) as writer:
            self._codec = writer.codec
            for row, frame in enumerate(frames):
                image = decompress(frame)
                if image.shape != size:
                    raise ValueError(f'{key}: row {row} is {image.shape}, the first {size}')
                writer.write(image)
                if row in sampled:
                    pixels.append(image[::SAMPLED_PIXELS, ::SAMPLED_PIXELS].reshape(-1, 3))
        found = statistics(np.concatenate(pixels) / 255.0)
        return {name: [len(sampled)] if name == 'count' else [[[value]] for value in values]
                for name, values in found.items()}

    def _entry(self, episode, task, number, count, stats):
        """One row of the episodes' metadata; the last columns are this package's own."""
        place = _place(number)
        entry = {'episode_index': number, 'tasks': [task], 'length': count, 'dataset_from_index': self._rows,
                 'dataset_to_index': self._rows + count, 'data/chunk_index': place['chunk_index'],
                 'data/file_index': place['file_index'], 'meta/episodes/chunk_index': 0, 'meta/episodes/file_index': 0}
        for key in self._video_info:
            entry |= {f'videos/{key}/chunk_index': place['chunk_index'],
                      f'videos/{key}/file_index': place['file_index'], f'videos/{key}/from_timestamp': 0.0,
                      f'videos/{key}/to_timestamp': count / FPS}
        entry |= {f'stats/{key}/{name}': values for key, found in stats.items() for name, values in found.items()}
        label = episode.label
        return entry | {'source_episode': episode.record.id, 'verdict': label.verdict.value, 'score': label.score,
                        'failure_type': label.failure.value if label.failure else '',
                        'mode': episode.record.extra.get('mode', '')}

    def _features(self):
        videos = {key: {'dtype': 'video', 'shape': list(shape), 'names': ['height', 'width', 'channels'], 'info': {
            'video.height': shape[0], 'video.width': shape[1], 'video.codec': self._codec, 'video.pix_fmt': 'yuv420p',
            'video.is_depth_map': False, 'video.fps': FPS, 'video.channels': 3, 'has_audio': False}}
            for key, shape in self._video_info.items()}
        vectors = {name: {'dtype': 'float32', 'shape': [len(JOINT_NAMES)], 'names': list(JOINT_NAMES)}
                   for name in _VECTORS}
        scalars = {name: {'dtype': kind, 'shape': [1], 'names': None} for name, kind in _SCALARS.items()}
        return {**vectors, **videos, **scalars}

    def _path(self, name):
        path = self._out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write(self, name, table):
        self._parquet.write_table(table, self._path(name))

    def _write_json(self, name, content):
        self._path(name).write_text(json.dumps(content, indent=2), encoding='utf-8')


def statistics(values):
    """Statistics over the first axis of (n,) or (n, k) values: lists of k floats by name, and ``count``."""
    values = np.asarray(values, np.float64).reshape(len(values), -1)
    found = {'min': values.min(0), 'max': values.max(0), 'mean': values.mean(0), 'std': values.std(0)}
    found |= {name: np.quantile(values, q, axis=0) for name, q in QUANTILES.items()}
    return {**{name: value.tolist() for name, value in found.items()}, 'count': [len(values)]}


def aggregate(parts):
    """Statistics of several episodes from those of each.

    Exact but for the quantiles, which are means of the episodes' weighted by their counts, as LeRobot itself makes
    them.
    """
    counts = np.array([part['count'][0] for part in parts], np.float64)
    weights = counts / counts.sum()

    def stack(name):
        return np.array([part[name] for part in parts], np.float64)

    mean = np.tensordot(weights, stack('mean'), 1)
    variance = np.tensordot(weights, stack('std') ** 2 + (stack('mean') - mean) ** 2, 1)
    found = {'min': stack('min').min(0), 'max': stack('max').max(0), 'mean': mean, 'std': np.sqrt(variance)}
    found |= {name: np.tensordot(weights, stack(name), 1) for name in QUANTILES}
    return {**{name: value.tolist() for name, value in found.items()}, 'count': [int(counts.sum())]}


def _place(number):
    return {'chunk_index': number // CHUNK, 'file_index': number % CHUNK}
