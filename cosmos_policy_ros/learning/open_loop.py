"""A recorded episode shown to a policy: what would it have done, compared with what was done. Nothing moves."""
from dataclasses import dataclass

import numpy as np

from ..embodiment.joints import ACTION_DIM, ARM_INDICES
from ..policy.observation import Observation
from ..rollouts.images import decompress

_ARMS = list(ARM_INDICES)
_GRIPPERS = [i for i in range(ACTION_DIM) if i not in ARM_INDICES]


@dataclass(frozen=True, eq=False)
class Answer:
    """What the policy would have done from row ``row`` on.

    ``predicted``, ``recorded``: (n, 14) rows row .. row + n - 1; fewer than a chunk at the episode's end. ``state``:
    (14,) measured at the row. ``value``: predicted return, 0 to 1. ``seed``: of its noise.
    """

    row: int
    seed: int
    predicted: np.ndarray
    recorded: np.ndarray
    state: np.ndarray
    value: float

    @property
    def arm_error(self):
        """rad, mean absolute over the twelve arm joints and all rows."""
        return _mean_error(self.predicted, self.recorded, _ARMS)

    @property
    def first_arm_error(self):
        """rad, the same of the first row alone."""
        return _mean_error(self.predicted[:1], self.recorded[:1], _ARMS)

    @property
    def gripper_error(self):
        """Mean absolute over both grippers, whose range is 0 to 1."""
        return _mean_error(self.predicted, self.recorded, _GRIPPERS)

    @property
    def still_error(self):
        """rad, what standing still at ``state`` would have had as ``arm_error``: the scale to judge it by."""
        return _mean_error(self.state[None], self.recorded, _ARMS)


def ask(policy, table, seed=0, steps=None, instruction=''):
    """Yield an ``Answer`` for each row of a ``rollouts.table.RowTable`` that has pictures.

    Deterministic: the answers depend on the arguments only, on one kind of machine.

    Args:
        policy: a ``CosmosPolicy``. seed: of the first answer's noise; rises by one an answer. steps: denoising steps,
            the checkpoint's default if None. instruction: in place of the recorded one.

    Raises:
        PolicyError: see ``CosmosPolicy.predict``.
    """
    record = table.record
    for number, (row, pictures) in enumerate(zip(table.image_rows, table.pictures)):
        images = {camera: decompress(picture) for camera, picture in zip(record.robot.cameras, pictures)}
        observation = Observation(table.time[row] * 1e-9, images, table.state[row])
        prediction = policy.predict(observation, instruction or record.instruction, seed + number, steps)
        recorded = table.action[row:row + len(prediction.actions)]
        yield Answer(int(row), seed + number, prediction.actions[:len(recorded)], recorded, table.state[row],
                     float(prediction.value))


def _mean_error(a, b, columns):
    return float(np.abs(a - b)[:, columns].mean())
