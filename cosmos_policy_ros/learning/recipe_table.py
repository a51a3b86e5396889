"""What came of a recipe as a Markdown table: seconds, figures, and the bands that a healthy run ends in."""

HEADS = 'stage', 'seconds', 'what came of it', 'band', 'verdict'


def table(recipe, results):
    """Markdown lines: a line a stage, and one more for each figure with a band; then the sum of the seconds.

    Args:
        recipe: ``Recipe``. results: ``StageResult``s, in order, of the stages that are done.
    """
    rows = [HEADS, ('---',) * len(HEADS)]
    for result in results:
        rows.append((result.name, f'{result.seconds:.0f}', _words(result.figures), '', ''))
        for figure, (low, high) in recipe.bands.get(result.name, {}).items():
            verdict = '**outside**' if figure in result.outside else 'inside'
            rows.append(('', '', f'{figure} {_number(result.figures.get(figure))}', f'{low:g} to {high:g}', verdict))
    rows.append(('all', f'{sum(result.seconds for result in results):.0f}', '', '', ''))
    return ['|' + '|'.join(f' {cell} ' if cell else ' ' for cell in row) + '|' for row in rows]


def _number(value):
    return '-' if value is None else f'{value:.4f}'


def _words(figures):
    if 'kept' in figures:
        kept = ', '.join(f'{task} {count} of {figures["tried"][task]}' for task, count in figures['kept'].items())
        return f'{kept} kept, {figures["rows"]} rows; seeds from {figures["first_seed"]}'
    if 'steps' in figures:
        return f'{figures["steps"]} steps, {figures["samples_per_second"]:.0f} samples a second'
    last = figures['first_seed'] + figures['episodes'] - 1
    return (f'{figures["task"]} {figures["successes"]}/{figures["episodes"]} ({100 * figures["success"]:.0f} %, '
            f'{100 * figures["low"]:.0f} to {100 * figures["high"]:.0f} %), {figures["interventions"]} interventions; '
            f'seeds {figures["first_seed"]} to {last}')
