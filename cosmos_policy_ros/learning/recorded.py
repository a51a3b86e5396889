"""Recorded episodes as demonstrations: what a person did at the leader arms trains like what an expert did."""
from ..rollouts.episode import Outcome
from ..rollouts.rows import read_episode_rows
from ..sim.demonstrations import Demonstration

VARIANT = 'recorded'


def demonstration_of(folder, gripper, imaging):
    """The ``Demonstration`` in an episode's folder.

    Args:
        gripper: ``GripperMap`` of the arms. imaging: ``collection.Imaging``; its supersampling is not used, pictures are
            averaged down from the recorded ones.

    Raises:
        ValueError: see ``rollouts.rows.read_episode_rows``.
    """
    rows = read_episode_rows(folder, gripper, imaging.size, imaging.every)
    record, success = rows.record, rows.record.outcome is Outcome.SUCCESS
    return Demonstration(record.task, record.instruction, record.seed, VARIANT, rows.state, rows.action, rows.image_rows,
                         rows.images, success, float(success) if record.score is None else record.score)
