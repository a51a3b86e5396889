"""Rerun recordings: one .rrd an episode, every stream at its own times; nothing is resampled."""
from pathlib import Path

import numpy as np

from ...embodiment.joints import JOINT_NAMES, SIDES
from ..bag import BagReader
from ..series import MOTORS, read_series

APPLICATION, TIMELINE = 'cosmos_policy_ros', 'episode'


class RerunExport:
    """Writes ``<id>.rrd`` for each episode into ``out``: JPEG pictures as recorded, joints, policy and safety."""

    def __init__(self, out, gripper):
        """``gripper``: not used; joints are shown in the motors' own units. Raises ImportError without rerun-sdk."""
        import rerun
        self._rerun, self._out = rerun, Path(out)

    def add(self, episode):
        """Write one ``selection.Episode``; returns its number of rows.

        Raises:
            ValueError: see ``series.read_series``; an id that is in this export already. OSError: the disk is full.
        """
        rerun, record = self._rerun, episode.record
        path = self._out / f'{record.id}.rrd'
        if path.exists():
            raise ValueError(f'{episode.folder}: an episode with the id {record.id} is in this export already')
        series = read_series(episode.folder)
        recording = rerun.RecordingStream(APPLICATION, recording_id=record.id)
        try:
            recording.save(path)
            text = '\n\n'.join((f'# {record.instruction or record.task}', episode.label.text,
                                f'```\n{record.to_json(indent=2)}\n```'))
            recording.log('episode', rerun.TextDocument(text, media_type='text/markdown'), static=True)
            self._pictures(recording, episode.folder, record)
            self._series(recording, series)
        except BaseException:
            recording.disconnect()
            path.unlink(missing_ok=True)
            raise
        recording.disconnect()
        return len(series.asked.time)

    def finish(self):
        """Nothing is left to write."""

    def _pictures(self, recording, folder, record):
        with BagReader(folder) as bag:
            robot = record.robot
            names = {**dict(zip(robot.compressed_images(), (f'cameras/{camera}' for camera in robot.cameras))),
                     **dict(zip(robot.imagined(), (f'imagined/{camera}' for camera in robot.cameras)))}
            for topic, stamp, message in bag.messages(names):
                recording.set_time(TIMELINE, duration=(stamp - record.started) * 1e-9)
                picture = self._rerun.EncodedImage(contents=bytes(message.data), media_type='image/jpeg')
                recording.log(names[topic], picture)

    def _series(self, recording, series):
        for side, measured, sent, gripper in zip(SIDES, series.measured, series.sent, series.gripper_sent):
            self._scalars(recording, f'joints/{side.value}/measured', measured, MOTORS)
            self._scalars(recording, f'joints/{side.value}/sent', sent, MOTORS[:6])
            self._scalars(recording, f'joints/{side.value}/gripper_sent', gripper, ('gripper',))
        self._scalars(recording, 'policy/rows', series.asked, JOINT_NAMES)
        self._scalars(recording, 'policy/value', series.value, ('value',))
        self._scalars(recording, 'policy/latency', series.latency, series.stages)
        names = series.state.value
        for at in [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]:
            recording.set_time(TIMELINE, duration=series.state.time[at])
            recording.log('safety/state', self._rerun.TextLog(str(names[at])))
        for event in series.events:
            recording.set_time(TIMELINE, duration=event.begin)
            recording.log('safety/events', self._rerun.TextLog(f'{event.id} ({event.source}): {event.text}'))

    def _scalars(self, recording, path, signal, names):
        if not len(signal.time):
            return
        rerun, values = self._rerun, np.asarray(signal.value, np.float64).reshape(len(signal.time), -1)
        recording.log(path, rerun.SeriesLines(names=list(names)), static=True)
        columns = rerun.Scalars.columns(scalars=values.reshape(-1))
        recording.send_columns(path, [rerun.TimeColumn(TIMELINE, duration=signal.time)],
                               columns.partition([values.shape[1]] * len(values)))
