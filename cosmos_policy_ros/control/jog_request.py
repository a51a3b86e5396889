"""What jogging asks the supervisor for when somebody takes hold, hands back, or has let go."""
from enum import Enum


class Wish(Enum):
    """A request to the supervisor."""

    NONE = 'none'
    ARM = 'arm'              # nobody has the arms
    TAKE = 'take'            # another source has them
    HAND_BACK = 'hand back'  # they were taken from that source
    DISARM = 'disarm'        # they were taken from nobody


def on_grab(source, authority):
    """What ``source`` has to ask for when somebody takes hold; ``authority``: as in ``SafetyStatus``."""
    if authority == source:
        return Wish.NONE
    return Wish.TAKE if authority else Wish.ARM


def on_hand_back(source, authority, origin):
    """What to ask for when the operator gives the arms back; ``origin``: as in ``SafetyStatus``."""
    if authority != source:
        return Wish.NONE
    return Wish.HAND_BACK if origin else Wish.DISARM


def on_idle(source, authority, origin, idle, release):
    """What to ask for when nobody has held on for ``idle`` s: arms that were taken from nobody go back after ``release`` s."""
    return Wish.DISARM if authority == source and not origin and idle > release else Wish.NONE
