"""A comparison of settings on the same seeds, episode by episode on disk, so that it goes on where it ended."""
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from ..policy.checkpoint_folder import checkpoint_digest
from ..policy.planning.settings import PlanSettings
from .evaluation import EvaluationSettings, evaluate
from .statistics import paired_difference, wilson


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    name: str
    settings: EvaluationSettings


def read_cells(description, base):
    """The cells of a study in order; the first is what the others are compared with.

    Args:
        description: {'common': changes to ``base``, 'cells': {name: further changes}}; changes are fields of
            ``EvaluationSettings``, 'plan' a dictionary of ``PlanSettings`` fields.
        base: ``EvaluationSettings``.

    Raises:
        ValueError: a field that does not exist, or a plan that means nothing.
    """
    known = {item.name for item in fields(EvaluationSettings)}
    cells = []
    for name, own in description['cells'].items():
        changes = description.get('common', {}) | (own or {})
        if unknown := set(changes) - known:
            raise ValueError(f'cell {name!r}: unknown {", ".join(sorted(unknown))}; there are {", ".join(sorted(known))}')
        if changes.get('plan') is not None:
            try:
                changes = changes | {'plan': PlanSettings(**changes['plan'])}
            except TypeError as error:
                raise ValueError(f'cell {name!r}: plan: {error}') from error
        cells.append(Cell(name, replace(base, **changes)))
    return cells


def run_cell(cell, seeds, folder, workers):
    """Yield the outcome (a dictionary of ``EpisodeResult``) of every seed, evaluating those that ``folder`` lacks.

    Raises:
        ValueError: the folder holds this cell with other settings or other weights.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = [checkpoint_digest(path) for path in (cell.settings.checkpoint, cell.settings.planning_checkpoint) if path]
    settings = json.dumps(asdict(cell.settings) | {'weights': weights}, default=lambda item: item.value, sort_keys=True)
    note = folder / f'{cell.name}.settings.json'
    if note.exists() and note.read_text() != settings:
        raise ValueError(f'{note} was made with other settings or weights than the cell {cell.name!r} has now; choose '
                         f'another folder, or remove that file and {cell.name}.jsonl')
    note.write_text(settings)
    path = folder / f'{cell.name}.jsonl'
    # A run that was killed may have left half a line at the end.
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    done = {entry['seed']: entry for entry in (json.loads(line) for line in lines if line.endswith('\n'))}
    path.write_text(''.join(json.dumps(entry) + '\n' for entry in done.values()))
    yield from (done[seed] for seed in seeds if seed in done)
    missing = [seed for seed in seeds if seed not in done]
    if not missing:
        return
    with open(path, 'a') as log:
        for result in evaluate(cell.settings, missing, min(workers, len(missing))):
            line = json.dumps({name: value for name, value in asdict(result).items() if name != 'inference'})
            log.write(line + '\n')
            log.flush()
            yield json.loads(line)


def rates(outcomes):
    """{cell name: (rate, low, high)}: success rates with their 95 % Wilson intervals; ``outcomes`` as for ``rows``."""
    found = {}
    for name, entries in outcomes.items():
        successes = sum(entry['success'] for entry in entries)
        found[name] = (successes / len(entries), *wilson(successes, len(entries)))
    return found


HEADS = ('cell', 'success', '95 % interval', 'mean score', 'gain over the first, points (pairs)', '95 % interval',
         'McNemar p')


def rows(outcomes):
    """A tuple of texts under ``HEADS`` for each cell: rates with Wilson intervals, partial scores, and the gain over the
    first cell on the seeds of both.

    Args:
        outcomes: {cell name: list of outcomes}; a cell may have been played on some of the seeds only.
    """
    cells = {name: {entry['seed']: entry for entry in entries} for name, entries in outcomes.items()}
    first = next(iter(cells.values()))
    found = []
    for name, own in cells.items():
        count, successes = len(own), sum(entry['success'] for entry in own.values())
        low, high = wilson(successes, count)
        score = np.mean([entry['score'] for entry in own.values()])
        compared = '', '', ''
        if own is not first:
            pairs = sorted(set(first) & set(own))
            gain, (least, most), p = paired_difference([first[seed]['success'] for seed in pairs],
                                                       [own[seed]['success'] for seed in pairs])
            compared = f'{100 * gain:+.1f} ({len(pairs)})', f'{100 * least:+.1f} to {100 * most:+.1f}', f'{p:.4f}'
        found.append((name, f'{successes}/{count} ({100 * successes / count:.0f} %)',
                      f'{100 * low:.0f} to {100 * high:.0f} %', f'{score:.2f}', *compared))
    return found


def table(outcomes):
    """Markdown lines of ``rows``."""
    lines = [HEADS, ['---'] * len(HEADS), *rows(outcomes)]
    return ['|' + '|'.join(f' {cell} ' if cell else ' ' for cell in line) + '|' for line in lines]
