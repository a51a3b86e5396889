"""Whether the arms follow: measured joints against a servo model."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ARM_INDICES

_ARMS = list(ARM_INDICES)


class ServoModel:
    """First-order lag of each arm joint behind its command.

    Args:
        lag: (6,) s, time constant of each joint of an arm.
    """

    def __init__(self, lag):
        self._lag = np.tile(np.asarray(lag, dtype=float), 2)
        self._predicted = None

    def reset(self, measured):
        """Start from measured positions (14,)."""
        self._predicted = measured[_ARMS].copy()

    def advance(self, command, dt):
        """``command`` (14,) has been in force for ``dt`` s."""
        self._predicted += (command[_ARMS] - self._predicted) * (1 - np.exp(-dt / self._lag))

    def residual(self, measured):
        """(12,) rad by which the arm joints differ from the model, absolute."""
        return np.abs(measured[_ARMS] - self._predicted)
