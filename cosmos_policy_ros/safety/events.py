"""Active causes, their event ids and what clears them."""
import math
from dataclasses import dataclass

from .causes import CAUSES, Action, Cause, Clears


@dataclass(frozen=True)
class ActiveCause:
    """A cause that holds now or is latched. ``since`` in s; ``subject``: arm, camera or stop source, '' if none."""

    cause: Cause
    subject: str
    event_id: int
    since: float
    detail: str

    @property
    def text(self):
        """What the operator reads: the cause, its subject and the measured detail."""
        subject = f' ({self.subject})' if self.subject else ''
        detail = f': {self.detail}' if self.detail else ''
        return f'{self.cause.text}{subject}{detail}'


class EventLog:
    """Active causes by (id, subject). A cause that returns after it was gone is a new event with a higher id."""

    def __init__(self):
        self.last_event_id = 0
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

    def raise_(self, cause_id, now, subject='', detail='', lasting=0.0):
        """Report that a cause holds now and count it as present for ``lasting`` s.

        Raises:
            KeyError: no such cause in the table.
        """
        if cause_id not in CAUSES:
            raise KeyError(f'unknown cause {cause_id!r}; safety/causes.py lists {", ".join(CAUSES)}')
        key = cause_id, subject
        if key not in self._active or not self.present(now, key):
            self.last_event_id += 1
            self._active[key] = ActiveCause(CAUSES[cause_id], subject, self.last_event_id, now, detail)
        self._present_until[key] = now + lasting

    def level(self, cause_id, holds, now, subject='', detail=''):
        """Report a condition on every cycle: raised while it holds, gone (but perhaps latched) when it does not."""
        if holds:
            self.raise_(cause_id, now, subject, detail, lasting=math.inf)
        elif (cause_id, subject) in self._present_until:
            self._present_until[cause_id, subject] = -math.inf

    def present(self, now, key):
        """True while the condition of ``key`` (id, subject) itself holds, whether latched or not."""
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
