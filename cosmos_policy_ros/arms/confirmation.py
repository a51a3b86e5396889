"""Two steps for whatever may let an arm fall: first the demand, then the same request once more."""
from .driver import ArmError

LIFETIME = 60.0
"""s within which the second request has to come."""

PREFIX = 'confirm: '
"""How a demand begins, for programs that ask a person in between."""


class Unconfirmed(ArmError):
    """Somebody has to support an arm before this is done."""


class Confirmation:
    """Remembers one demand. ``clock``: s of wall time."""

    def __init__(self, clock):
        self._clock = clock
        self._demanded, self._at = None, 0.0

    def demand(self, what):
        """Return when ``what`` was demanded within the last ``LIFETIME``; it counts once.

        Raises:
            Unconfirmed: this is the first step.
        """
        now = self._clock()
        if self._demanded == what and now - self._at <= LIFETIME:
            self._demanded = None
            return
        self._demanded, self._at = what, now
        raise Unconfirmed(f'{PREFIX}{what}. Then ask for the same again within {LIFETIME:.0f} s')
