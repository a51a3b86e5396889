"""Recorded episodes as demonstrations: what a person did at the leader arms trains like what an expert did."""
from ..policy.resizing import box, published_resize
from ..rollouts.labels import Verdict, current_label
from ..rollouts.rows import read_episode_rows
from ..sim.demonstrations import Demonstration

VARIANT = 'recorded'


def demonstration_of(folder, gripper, imaging):
    """The ``Demonstration`` in an episode's folder; its label says whether it is a success.

    Args:
        gripper: ``GripperMap`` of the arms. imaging: ``collection.Imaging``; its supersampling is not used, pictures
            are made of the recorded ones, averaged down or as ``imaging.published`` says.

    Raises:
        ValueError: see ``rollouts.rows.read_episode_rows`` and ``rollouts.labels.current_label``.
    """
    rows = read_episode_rows(folder, gripper, imaging.size, imaging.every, published_resize if imaging.published else box)
    record, label = rows.record, current_label(folder, rows.record)
    score = label.score if label is not None and label.usable else 0.0
    success = label is not None and label.verdict is Verdict.SUCCESS
    return Demonstration(record.task, record.instruction, record.seed, VARIANT, rows.state, rows.action,
                         rows.image_rows, rows.images, success, score)
