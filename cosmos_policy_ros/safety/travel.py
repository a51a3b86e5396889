"""How far capsules can travel between two poses: the bound that makes checks at single poses hold between them."""
import numpy as np

from cosmos_policy_ros.embodiment.capsules import CAPSULES, FINGER_ORIGIN
from cosmos_policy_ros.embodiment.kinematics import JOINT_ORIGINS, LINKS


def levers(link, farthest):
    """(6,) m: the longest distance that each arm joint can have from a point of ``link``, by stretching the chain.

    Args:
        link: name in ``LINKS``. farthest: m, of the point from the link's origin.
    """
    index = LINKS.index(link)
    reach = np.zeros(len(JOINT_ORIGINS))
    # The joint that moves link i is joint i - 1; each one further in adds the offset between the two.
    reach[:index] = [farthest + np.linalg.norm(JOINT_ORIGINS[joint + 1:index], axis=1).sum() for joint in range(index)]
    return reach


class Travel:
    """Bounds on the path length of capsule axes.

    A point at most r from a joint's axis moves at most r for each rad of that joint, and every joint moves
    monotonically between two rows and along a brake. So no point of a capsule's axis travels further than the sum over
    the joints of r |dq|, whatever the pose and whichever joint is ahead. r is that of ``levers``.

    Args:
        gripper: ``GripperMap``.
    """

    def __init__(self, gripper):
        self._levers = np.zeros((len(CAPSULES), 7))  # m per rad, and m per opening in the last column
        for row, capsule in zip(self._levers, CAPSULES):
            finger = capsule.name.endswith('finger')
            offset = (FINGER_ORIGIN, gripper.horn + gripper.arm, 0.0) if finger else (0.0, 0.0, 0.0)
            row[:6] = levers(capsule.link, max(np.linalg.norm(np.abs(end) + offset) for end in (capsule.a, capsule.b)))
            row[6] = _finger_slope(gripper) if finger else 0.0

    def __call__(self, start, end):
        """(..., 2, 10) m that no point of a capsule's axis exceeds between poses ``start`` and ``end`` (..., 14)."""
        turned = np.abs(end - start)
        return turned.reshape(*turned.shape[:-1], 2, 7) @ self._levers.T


def _finger_slope(gripper):
    """m per opening, at most: the derivative of the crank formula, each factor at its largest."""
    slope = gripper.horn * (1 + gripper.horn / (2 * np.sqrt(gripper.arm ** 2 - gripper.horn ** 2)))
    return slope * abs(gripper.joint_open - gripper.joint_close)
