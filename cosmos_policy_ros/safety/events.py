"""Active causes, their event ids and what clears them."""
import math
from dataclasses import dataclass

from .causes import CAUSES, Action, Cause, Clears, Severity


@dataclass(frozen=True)
class ActiveCause:
    """A cause that holds now or is latched. ``since`` in s.

    ``source``: what it came from: an arm, a camera, a stop source, an authority, or 'supervisor'.
    """

    cause: Cause
    source: str
    event_id: int
    since: float
    detail: str

    @property
    def text(self):
        """What the operator reads: the cause, its source and the measured detail."""
        return f'{self.cause.text} ({self.source})' + (f': {self.detail}' if self.detail else '')


class EventLog:
    """Active causes by (id, source). A cause that returns after it was gone is a new event with a higher id.

    Args:
        last_event_id: of an earlier run; ids go on from it, so that none is ever given twice.
    """

    def __init__(self, last_event_id=0):
        self.last_event_id = last_event_id
        self._active = {}
        self._present_until = {}

    @property
    def active(self):
        """``ActiveCause`` records, the most severe first, then by age."""
        return tuple(sorted(self._active.values(), key=lambda a: (-a.cause.severity, a.event_id)))

    def worst(self):
        """The highest active ``Severity``, 0 when there is none."""
        return max((active.cause.severity for active in self._active.values()), default=0)

    def slowed(self):
        """True while a cause asks for a lower speed limit."""
        return any(active.cause.action is Action.SLOW for active in self._active.values())

    def barred(self):
        """Active causes that stand against arming."""
        return tuple(active for active in self._active.values()
                     if active.cause.severity >= Severity.PROTECTIVE or active.cause.action is Action.BAR)

    def latched(self):
        """Active causes that only a reset or a restart clears."""
        return tuple(active for active in self.active if active.cause.severity >= Severity.PROTECTIVE)

    def is_active(self, cause_id, source):
        """True while the cause holds or is latched."""
        return (cause_id, source) in self._active

    def restore(self, active):
        """Take over a latched ``ActiveCause`` of an earlier run."""
        self._active[active.cause.id, active.source] = active

    def raise_(self, cause_id, now, source, detail='', lasting=0.0):
        """Report that a cause holds now and count it as present for ``lasting`` s.

        Raises:
            KeyError: no such cause in the table.
        """
        if cause_id not in CAUSES:
            raise KeyError(f'unknown cause {cause_id!r}; safety/causes.py lists {", ".join(CAUSES)}')
        key = cause_id, source
        if key not in self._active or not self.present(now, key):
            self.last_event_id += 1
            self._active[key] = ActiveCause(CAUSES[cause_id], source, self.last_event_id, now, detail)
        self._present_until[key] = now + lasting

    def level(self, cause_id, holds, now, source, detail=''):
        """Report a condition on every cycle: raised while it holds, gone (but perhaps latched) when it does not."""
        if holds:
            self.raise_(cause_id, now, source, detail, lasting=math.inf)
        elif (cause_id, source) in self._present_until:
            self._present_until[cause_id, source] = -math.inf

    def present(self, now, key):
        """True while the condition of ``key`` (id, source) itself holds, whether latched or not."""
        return now < self._present_until.get(key, -math.inf)

    def still_present(self, now):
        """Active causes whose condition holds."""
        return tuple(active for key, active in self._active.items() if self.present(now, key))

    def forget_presence(self):
        """Count no condition as holding until it is reported again; what is latched stays."""
        self._present_until.clear()

    def expire(self, now):
        """Forget causes that clear by themselves and are gone."""
        self._forget(lambda key, active: active.cause.clears is Clears.ITSELF and not self.present(now, key))

    def clear(self, *rules):
        """Forget causes whose ``Clears`` is among ``rules``."""
        self._forget(lambda key, active: active.cause.clears in rules)

    def _forget(self, condition):
        for key in [key for key, active in self._active.items() if condition(key, active)]:
            del self._active[key]
            self._present_until.pop(key, None)
