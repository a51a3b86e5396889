"""A recipe, stage by stage; it goes on where it was stopped, also in the middle of a stage.

A stage that is done is not touched again. In one that was stopped, collections keep their shards, trainings go on from
their last evaluation, evaluations keep the episodes that were played.
"""
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..policy.cosmos_policy import CosmosPolicy
from ..policy.planning.backends import DirectBackend
from .collection import collect
from .evaluation import EvaluationSettings
from .played import collect_played, correction_jobs
from .presets import PRESETS
from .recipe import Correct, Demonstrate, Evaluate, Train
from .shards import read_shards
from .stage_record import StageRecord
from .statistics import wilson
from .study import Cell, run_cell
from .trainer import train


@dataclass(frozen=True)
class Machine:
    """Where a recipe runs. device: of torch. workers: processes that simulate. safety: the supervisor's file."""

    device: str
    workers: int
    safety: str


@dataclass(frozen=True)
class StageResult:
    """seconds: over all starts. figures: name -> number or text. outside: {figure: (low, high)} of those that are not
    in the band that the recipe states."""

    name: str
    seconds: float
    figures: dict
    outside: dict


def run_recipe(recipe, out, machine, progress):
    """Yield the ``StageResult`` of every stage.

    Args:
        recipe: ``Recipe``. out: folder, that of a stage is ``out/<name>``; a policy is in its ``final``.
        machine: ``Machine``. progress: takes (stage name, line of text).

    Raises:
        ValueError: the folder is of another recipe, or a stage cannot work on what came before it.
    """
    out = Path(out)
    for name, stage in recipe.stages.items():
        record = StageRecord(out / name, _request(recipe, name))
        if record.figures is None:
            def tell(text, name=name, record=record):
                record.note()
                progress(name, text)

            work = {Demonstrate: _demonstrate, Correct: _correct, Train: _train, Evaluate: _evaluate}[type(stage)]
            record.done(work(stage, recipe, name, out, machine, tell))
        yield StageResult(name, record.seconds, record.figures, outside(record.figures, recipe.bands.get(name, {})))


def outside(figures, bands):
    """{figure: (low, high)} of the ``bands`` that ``figures`` are not in.

    A success rate is outside when all of its 95 % interval is: fewer episodes than it takes to tell condemn nothing.
    """
    found = {}
    for name, (low, high) in bands.items():
        least, most = (figures['low'], figures['high']) if name == 'success' else (figures.get(name),) * 2
        if least is None or not (least <= high and low <= most):
            found[name] = low, high
    return found


def _request(recipe, name):
    """What defines a stage, JSON-ready: its own fields, those of all that it builds on, and what is common to all."""
    stage = recipe.stages[name]
    own = {'kind': type(stage).__name__, 'stage': asdict(stage), 'preset': recipe.preset,
           'imaging': asdict(recipe.imaging)}
    return json.loads(json.dumps(own, default=lambda item: item.value)) | {
        'uses': {used: _request(recipe, used) for used in stage.uses}}


def _demonstrate(stage, recipe, name, out, machine, tell):
    total = collect(stage.tasks, stage.seed, out / name, machine.workers, imaging=recipe.imaging, resume=True,
                    progress=lambda so_far: tell(_counted(so_far)))
    return _collection_figures(total, stage)


def _correct(stage, recipe, name, out, machine, tell):
    backend = DirectBackend(CosmosPolicy.load(out / stage.policy / 'final', machine.device), stage.denoising_steps)
    total = collect_played(backend, list(correction_jobs(stage.tasks, stage.seed)), 'correction', out / name,
                           machine.workers, recipe.imaging, resume=True, progress=lambda so_far: tell(_counted(so_far)))
    return _collection_figures(total, stage)


def _counted(total):
    return f'{sum(total.kept.values())} kept, {sum(total.failed.values())} failed, {total.rows} rows'


def _collection_figures(total, stage):
    kept = {task: sum(count for (of, _), count in total.kept.items() if of == task) for task in stage.tasks}
    if not total.rows:
        raise ValueError('all episodes failed: there is nothing to train on')
    return {'kept': kept, 'tried': dict(stage.tasks), 'rows': total.rows, 'first_seed': stage.seed}


def _train(stage, recipe, name, out, machine, tell):
    episodes = [episode for used in stage.data for episode in read_shards(out / used)]
    start = out / stage.start / 'final' if stage.start else None
    result = train(PRESETS[recipe.preset], episodes, out / name, stage.config, machine.device, init_from=start,
                   progress=tell, resume=True)
    figures = {f'{split}_{error}': value for split in ('training', 'held_out') for error, value in
               (result[split] or {}).items() if error != 'joints'}
    return {'steps': result['steps'], 'samples_per_second': result['samples_per_second'],
            'loss': last_loss(out / name / 'log.jsonl'), **figures, 'checkpoint': result['checkpoint']}


def last_loss(log):
    """Mean of the losses that a training's log has of its last tenth."""
    entries = [entry for entry in map(json.loads, log.read_text().splitlines()) if 'loss' in entry]
    return float(np.mean([entry['loss'] for entry in entries if entry['used'] >= 0.9]))


def _evaluate(stage, recipe, name, out, machine, tell):
    settings = EvaluationSettings(str(out / stage.policy / 'final'), safety=machine.safety, device=machine.device,
                                  **stage.settings)
    seeds, entries = range(stage.seed, stage.seed + stage.episodes), []
    for entry in run_cell(Cell('episodes', settings), seeds, out / name, machine.workers):
        entries.append(entry)
        tell(f'{sum(entry["success"] for entry in entries)} of {len(entries)} succeeded')
    count, successes = len(entries), sum(entry['success'] for entry in entries)
    low, high = wilson(successes, count)
    return {'task': settings.task, 'successes': successes, 'episodes': count, 'success': successes / count, 'low': low,
            'high': high, 'score': float(np.mean([entry['score'] for entry in entries])),
            'pauses': sum(entry['pauses'] for entry in entries),
            'interventions': sum(entry['clamped'] + entry['refused'] for entry in entries), 'first_seed': stage.seed}
