"""A check as data, and what comes out of it."""
from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Fault:
    """One thing found wrong: a sentence, and ``values`` for the places in the check's fix."""

    text: str
    values: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """``id``: stable. ``symptom``: what people notice, for the documentation. ``look(findings)``: a list of ``Fault``, empty
    when all is well, None when the snapshot does not tell. ``fix``: what to type or do, a format string on ``Fault.values``.
    """

    id: str
    symptom: str
    look: Callable
    fix: str


@dataclass(frozen=True)
class Verdict:
    """Result of one check. ``looked``: False when the snapshot did not tell. ``found``: (sentence, fix) of each fault."""

    area: str
    check: str
    looked: bool
    found: tuple = ()

    @property
    def wrong(self):
        """Whether something has to be mended."""
        return bool(self.found)


def examine(findings, areas):
    """A ``Verdict`` of every check of ``areas`` {name: checks}, in their order."""
    verdicts = []
    for area, checks in areas.items():
        for check in checks:
            faults = check.look(findings)
            verdicts.append(Verdict(area, check.id, faults is not None, tuple(
                (fault.text, check.fix.format(**fault.values)) for fault in faults or ())))
    return tuple(verdicts)
