"""Which rollouts an evaluation session runs and in which order: every start of every task once under every policy."""
import hashlib
from dataclasses import dataclass

ENTRIES = {'seed', 'blind', 'policies', 'common', 'tasks', 'published'}
"""What a session's description may hold; ``policies``, ``common`` and ``published`` are other modules' business."""


@dataclass(frozen=True)
class Trial:
    """One rollout of a session. ``number`` counts from 1 in the order of running; ``start`` is the scene's seed."""

    number: int
    task: str
    start: int
    policy: str


@dataclass(frozen=True)
class TrialPlan:
    """policies: names. starts: (task, start) pairs. seed: of the order. blind: the order is kept from the operator."""

    policies: tuple
    starts: tuple
    seed: int = 0
    blind: bool = True

    @property
    def tasks(self):
        """Names, in the order of the description."""
        return tuple(dict.fromkeys(task for task, _ in self.starts))

    def trials(self):
        """Tuple of ``Trial``s: starts in random order, and at each start all policies in random order.

        The policies of one start follow each other, so that a drift of robot or light meets all alike, and a scene is
        laid out once. The order comes from SHA-256 of seed and names, so it is the same on every machine and with
        every version of every library: the record of a session does not have to say which policy ran.
        """
        order = sorted(self.starts, key=self._draw)
        runs = ((task, start, policy) for task, start in order
                for policy in sorted(self.policies, key=lambda name: self._draw((task, start, name))))
        return tuple(Trial(number, *run) for number, run in enumerate(runs, 1))

    def announcement(self, trial):
        """What the operator is told of a ``Trial``: its policy only without blinding."""
        policy = '' if self.blind else f', policy {trial.policy}'
        return f'rollout {trial.number} of {len(self.trials())}: task {trial.task}, start {trial.start}{policy}'

    def _draw(self, words):
        return hashlib.sha256('/'.join(map(str, (self.seed, *words))).encode()).digest()


def read_plan(description):
    """The ``TrialPlan`` of a description: {'policies': {name: ...}, 'tasks': {name: {'first': seed, 'count': n}}}, and
    'seed' and 'blind' if wanted.

    Raises:
        ValueError: it is no such thing; the message names the entry.
    """
    if not isinstance(description, dict) or not {'policies', 'tasks'} <= set(description):
        raise ValueError('a session needs the entries "policies" and "tasks"')
    if unknown := set(description) - ENTRIES:
        names = ', '.join(sorted(map(str, unknown)))
        raise ValueError(f'unknown entry {names}; there are {", ".join(sorted(ENTRIES))}')
    for name in ('policies', 'tasks'):
        if not isinstance(description[name], dict) or not description[name]:
            raise ValueError(f'{name}: expected at least one name with its settings')
    seed, blind = description.get('seed', 0), description.get('blind', True)
    if type(seed) is not int or type(blind) is not bool:
        raise ValueError(f'seed {seed!r}, blind {blind!r}: expected a whole number, and true or false')
    starts = tuple((task, start) for task, given in description['tasks'].items() for start in _starts(task, given))
    return TrialPlan(tuple(map(str, description['policies'])), starts, seed, blind)


def _starts(task, given):
    first, count = (given.get(key) for key in ('first', 'count')) if isinstance(given, dict) else (None, None)
    if type(first) is not int or type(count) is not int or first < 0 or count < 1 or len(given) > 2:
        raise ValueError(f'task {task!r}: expected {{first: SEED, count: N}}, whole numbers from 0 and from 1, got '
                         f'{given!r}')
    return range(first, first + count)
