"""A recipe: stages that lead from nothing to a policy, each from those before it, and bands for what comes of them."""
from dataclasses import dataclass, field, fields, replace

from ..sim.tasks import TASKS
from .collection import Imaging
from .evaluation import EvaluationSettings
from .presets import PRESETS, TINY_TRAINING
from .trainer import TrainingConfig


@dataclass(frozen=True)
class Demonstrate:
    """Demonstrations of the experts; ``tasks``: {task: episodes to try}, seeds from ``seed`` on for every task."""

    tasks: dict
    seed: int

    uses = ()


@dataclass(frozen=True)
class Correct:
    """The policy of the training stage ``policy`` acts, then the experts take over; else as ``Demonstrate``."""

    policy: str
    tasks: dict
    seed: int
    denoising_steps: int = 2

    @property
    def uses(self):
        """Names of the stages that have to come before."""
        return (self.policy,)


@dataclass(frozen=True)
class Train:
    """Training on the collections ``data``, from random weights or from those of the training stage ``start``."""

    data: tuple
    config: TrainingConfig
    start: str = ''

    @property
    def uses(self):
        """Names of the stages that have to come before."""
        return (*self.data, *filter(None, [self.start]))


@dataclass(frozen=True)
class Evaluate:
    """Success of the training stage ``policy`` in closed loop on ``episodes`` seeds from ``seed`` on.

    ``settings``: changes to fields of ``EvaluationSettings``, the task among them.
    """

    policy: str
    episodes: int
    seed: int
    settings: dict

    @property
    def uses(self):
        """Names of the stages that have to come before."""
        return (self.policy,)


KINDS = {'demonstrate': Demonstrate, 'correct': Correct, 'train': Train, 'evaluate': Evaluate}
COLLECTIONS = Demonstrate, Correct
ERRORS = 'action_rad', 'first_action_rad', 'gripper', 'future_proprio_rad', 'image_latent', 'value'
FIGURES = {Train: {'loss', *(f'{split}_{error}' for split in ('training', 'held_out') for error in ERRORS)},
           Evaluate: {'success'}}
"""Figures that can have a band; errors as in ``prediction_errors``."""

OF_THE_RUN = {'checkpoint', 'safety', 'device', 'plan'}
"""Fields of ``EvaluationSettings`` that a recipe does not set: given by the run, or for planning."""


@dataclass(frozen=True)
class Recipe:
    """preset: of the network. stages: name -> stage, in order. bands: stage -> {figure: (low, high)}, the range that a
    healthy run ends in. imaging: of all collections."""

    preset: str
    stages: dict
    bands: dict = field(default_factory=dict)
    imaging: Imaging = Imaging()

    def last_policy(self):
        """Name of the last training stage, which makes the policy that the recipe is for."""
        return [name for name, stage in self.stages.items() if isinstance(stage, Train)][-1]


def read_recipe(description):
    """The ``Recipe`` of what a YAML file says.

    Args:
        description: {'preset': name, 'imaging': changes to ``Imaging``, 'stages': {name: {kind: fields, 'bands':
            {figure: [low, high]}}}}, kinds as in ``KINDS``. Fields of ``train`` beside ``data`` and ``start`` are
            numbers of ``TrainingConfig``, those of ``evaluate`` beside ``policy``, ``episodes`` and ``seed`` are of
            ``EvaluationSettings``.

    Raises:
        ValueError: what the file says means nothing; names the place.
    """
    _only(description, {'preset', 'imaging', 'stages'}, 'recipe')
    preset, stages, bands = description.get('preset'), {}, {}
    if preset not in PRESETS:
        raise ValueError(f'preset: expected one of {", ".join(PRESETS)}, got {preset!r}')
    imaging = replace(Imaging(size=PRESETS[preset].image_size),
                      **_only(description.get('imaging', {}), {'supersample', 'every'}, 'imaging'))
    for name, entry in description['stages'].items():
        where = f'stage {name!r}'
        _only(entry, {*KINDS, 'bands'}, where)
        kinds = entry.keys() & KINDS.keys()
        if len(kinds) != 1:
            raise ValueError(f'{where}: expected one of {", ".join(KINDS)}')
        stages[name] = _stage(*kinds, entry[min(kinds)], where)
        own = _only(entry.get('bands', {}), FIGURES.get(type(stages[name]), set()), f'{where}: bands')
        bands[name] = {figure: tuple(band) for figure, band in own.items()}
        for figure, band in bands[name].items():
            if len(band) != 2 or not band[0] <= band[1]:
                raise ValueError(f'{where}: band of {figure}: expected [low, high], got {list(band)}')
    _check_order(stages)
    _check_seeds(stages)
    return Recipe(preset, stages, bands, imaging)


def _stage(kind, entry, where):
    try:
        if kind == 'train':
            numbers = {name: value for name, value in entry.items() if name not in ('data', 'start')}
            for name, value in numbers.items():
                if not isinstance(value, (int, float)):
                    raise ValueError(f'{where}: {name}: expected a number, got {value!r} (YAML wants 1.0e-3, not 1e-3)')
            return Train(tuple(entry['data']), replace(TINY_TRAINING, **numbers), entry.get('start', ''))
        if kind == 'evaluate':
            own = {name: entry[name] for name in ('policy', 'episodes', 'seed')}
            settings = {name: value for name, value in entry.items() if name not in own}
            _only(settings, {item.name for item in fields(EvaluationSettings)} - OF_THE_RUN, where)
            _check_tasks([settings['task']], where)
            return Evaluate(**own, settings=settings)
        stage = KINDS[kind](**entry)
    except KeyError as error:
        raise ValueError(f'{where}: {error.args[0]} is missing') from error
    except TypeError as error:
        raise ValueError(f'{where}: {error}') from error
    _check_tasks(stage.tasks, where)
    return stage


def _only(entry, known, where):
    if unknown := set(entry) - known:
        raise ValueError(f'{where}: unknown {", ".join(sorted(unknown))}; there are {", ".join(sorted(known))}')
    return entry


def _check_tasks(names, where):
    if unknown := set(names) - set(TASKS):
        raise ValueError(f'{where}: unknown task {", ".join(sorted(unknown))}; there are {", ".join(sorted(TASKS))}')


def _check_order(stages):
    before = {}
    for name, stage in stages.items():
        data = getattr(stage, 'data', ())
        for position, used in enumerate(stage.uses):
            word, kinds = ('collection', COLLECTIONS) if position < len(data) else ('training', Train)
            if not isinstance(before.get(used), kinds):
                raise ValueError(f'stage {name!r}: no {word} {used!r} before it')
        before[name] = stage
    if not any(isinstance(stage, Train) for stage in stages.values()):
        raise ValueError('stages: none of them trains')


def _check_seeds(stages):
    """A policy has to be judged, and corrected, on scenes that nothing was collected from before."""
    taken = {}
    for name, stage in stages.items():
        tasks = {stage.settings['task']: stage.episodes} if isinstance(stage, Evaluate) else getattr(stage, 'tasks', {})
        for task, count in tasks.items():
            for other, (first, end) in taken.get(task, {}).items():
                both = isinstance(stage, Evaluate) and isinstance(stages[other], Evaluate)
                if not both and stage.seed < end and first < stage.seed + count:
                    raise ValueError(f'stage {name!r}: plays seeds of {task} that {other!r} plays, too')
            taken.setdefault(task, {})[name] = stage.seed, stage.seed + count
