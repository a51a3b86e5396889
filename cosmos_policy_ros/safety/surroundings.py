"""Everything that the capsules of the arms keep away from, as one row of distances and margins for each pose."""
import numpy as np

from cosmos_policy_ros.embodiment.capsules import NAMES, capsule_segments
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import SIDES

from . import clearance, keep_out, workspace
from .travel import Travel

PAIRS = len(NAMES) ** 2
"""The first entries of a row: [left capsule, right capsule]. Then, fence by fence, [side, capsule]."""


class Surroundings:
    """Distances of both arms to each other and to the fences of one ``SafetyConfig``.

    A fence is the workspace box, the walls, the table, or one keep-out box. ``margins`` (K,) m, -inf where a capsule
    is exempt, says how much of each distance has to be left.
    """

    def __init__(self, config):
        self._config = config
        self._gripper = GRIPPER_MAPS[config.gripper_map]
        self._bases = np.stack([config.cell.base(side) for side in SIDES])
        self._travel = Travel(self._gripper)
        corners = [(box.lower, box.upper) for box in config.keep_out]
        self._boxes = np.array(corners, dtype=float).reshape(-1, 2, 3).transpose(1, 0, 2)  # lower and upper (B, 3)
        self._fences = ['the workspace', 'the walls', 'the table', *(f'keep-out {box.name}' for box in config.keep_out)]
        fenced = [(workspace.BOXED, 0.0), (workspace.MOVING, 0.0), (workspace.ABOVE_TABLE, config.table_margin),
                  *[(workspace.MOVING, config.keep_out_margin)] * len(config.keep_out)]
        arms = clearance.Margins(config.arm_margin, config.hand_margin, config.gripper_margin,
                                 config.finger_gripper_margin, config.finger_margin).matrix()
        self.margins = np.concatenate([arms.ravel(), *(np.tile(np.where(applies, margin, -np.inf), len(SIDES))
                                                       for applies, margin in fenced)])

    def segments(self, vectors):
        """(n, 2, 10, 2, 3) m, capsule axes of both arms for vectors (n, 14)."""
        arms = vectors.reshape(-1, len(SIDES), 7)
        fingers = self._gripper.finger_from_joint(self._gripper.joint_from_action(arms[..., 6]))
        return capsule_segments(arms[..., :6], fingers, self._bases)

    def distances(self, vectors):
        """(n, K) m between surfaces at vectors (n, 14), negative where they overlap or lie beyond a fence."""
        segments, config = self.segments(vectors), self._config
        low, high = workspace.extent(segments)
        fences = [workspace.room_inside(low, high, config.cell.workspace_lower, config.cell.workspace_upper),
                  workspace.room_inside(low, high, config.walls_lower, config.walls_upper),
                  low[..., 2] - config.cell.table_height,
                  keep_out.box_gaps(segments, low, high, *self._boxes)]
        n = len(vectors)
        return np.concatenate([part.reshape(n, -1) for part in (clearance.gaps(segments), *fences)], axis=1)

    def travel(self, start, end):
        """(n, K) m by which no distance changes more, added up along any path on which all joints move monotonically.

        Args:
            start, end: (n, 14).
        """
        capsules = self._travel(start, end)
        pairs = capsules[:, 0, :, None] + capsules[:, 1, None, :]
        fences = np.tile(capsules.reshape(len(capsules), -1), len(self._fences))
        return np.concatenate([pairs.reshape(len(capsules), -1), fences], axis=1)

    def clearance(self, distances):
        """(n,) m: the smallest of ``distances`` (n, K) between the arms, over the pairs that may not overlap."""
        return distances[:, :PAIRS][:, self.margins[:PAIRS] >= 0].min(axis=1)

    def spare(self, distances):
        """(n,) m by which the pair of capsules nearest to its margin is above it."""
        return (distances - self.margins)[:, :PAIRS].min(axis=1)

    def cause(self, index):
        """Cause id of a breach of entry ``index``."""
        return 'arm_clearance' if index < PAIRS else 'workspace'

    def describe(self, index, distance):
        """Entry ``index`` of a row with its ``distance`` (m), for the operator."""
        if index < PAIRS:
            left, right = divmod(int(index), len(NAMES))
            return f'left {NAMES[left]} and right {NAMES[right]}: {1000 * distance:.0f} mm'
        fence, which = divmod(int(index) - PAIRS, len(SIDES) * len(NAMES))
        side, capsule = divmod(which, len(NAMES))
        return f'{SIDES[side].value} {NAMES[capsule]} to {self._fences[fence]}: {1000 * distance:.0f} mm'
