"""Who has the arms during an episode: the source that it was begun with, or the operator who took them from it."""
from enum import Enum


class Change(Enum):
    """What a status brought."""

    NONE = 'none'
    TAKEN = 'taken'              # an operator took the arms
    HANDED_BACK = 'handed back'  # and gave them back


class Holder:
    """Follows the safety statuses of one episode.

    ``taken``: an operator has the arms. ``lost``: nobody of the episode has them any more, which ends it.

    Args:
        source: that the episode was begun with. epoch: under which it was armed.
    """

    def __init__(self, source, epoch):
        self._source, self._epoch = source, epoch
        self.taken = self.lost = False

    def see(self, armed, authority, origin, epoch):
        """Take note of a status; returns a ``Change``. Statuses from before the arming change nothing."""
        if epoch < self._epoch:
            return Change.NONE
        if armed and origin == self._source:
            change = Change.NONE if self.taken else Change.TAKEN
            self.taken, self._epoch = True, epoch
            return change
        if armed and authority == self._source and not origin and (self.taken or epoch == self._epoch):
            change = Change.HANDED_BACK if self.taken else Change.NONE
            self.taken, self._epoch = False, epoch
            return change
        change = Change.HANDED_BACK if self.taken else Change.NONE  # its span has to end somewhere
        self.taken, self.lost = False, True
        return change
