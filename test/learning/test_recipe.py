"""A recipe means something before it takes twenty minutes, and a run outside its bands is told."""
from copy import deepcopy

import pytest
import yaml

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.learning.pipeline import StageResult, outside
from cosmos_policy_ros.learning.recipe import Train, read_recipe
from cosmos_policy_ros.learning.recipe_table import table
from cosmos_policy_ros.learning.stage_record import StageRecord

RECIPE = {'preset': 'tiny-64', 'stages': {
    'seen': {'demonstrate': {'tasks': {'plate': 10}, 'seed': 100}},
    'first': {'train': {'data': ['seen'], 'steps': 5}, 'bands': {'loss': [0.1, 0.2]}},
    'mended': {'correct': {'policy': 'first', 'tasks': {'plate': 5}, 'seed': 200}},
    'second': {'train': {'start': 'first', 'data': ['seen', 'mended'], 'steps': 5}},
    'judged': {'evaluate': {'policy': 'second', 'task': 'plate', 'episodes': 5, 'seed': 300, 'limit': 2.0}}}}


def changed(stage, **changes):
    """``RECIPE`` with other fields in a stage."""
    recipe = deepcopy(RECIPE)
    kind = next(kind for kind in recipe['stages'][stage] if kind != 'bands')
    recipe['stages'][stage][kind] |= changes
    return recipe


def banded(stage, **bands):
    """``RECIPE`` with other bands for a stage."""
    recipe = deepcopy(RECIPE)
    recipe['stages'][stage]['bands'] = bands
    return recipe


def test_a_recipe_is_read():
    recipe = read_recipe(RECIPE)
    assert recipe.imaging.size == 64 and recipe.last_policy() == 'second'
    assert recipe.bands['first'] == {'loss': (0.1, 0.2)}
    assert recipe.stages['second'].uses == ('seen', 'mended', 'first') and recipe.stages['first'].config.steps == 5
    assert recipe.stages['judged'].settings == {'task': 'plate', 'limit': 2.0}


@pytest.mark.parametrize('name', ['tiny', 'hundred_steps'])
def test_the_shipped_recipes_are_valid(name):
    recipe = read_recipe(yaml.safe_load(config_file(f'learning/{name}.yaml').read_text()))
    trainings = [stage for stage in recipe.stages.values() if isinstance(stage, Train)]
    assert len(trainings) >= 2 and all(recipe.bands[stage] for stage in ('first', 'second'))
    assert name != 'hundred_steps' or sum(stage.config.steps for stage in trainings) == 100


@pytest.mark.parametrize('recipe, message', [
    (RECIPE | {'preset': 'huge'}, "preset: expected one of .*, got 'huge'"),
    (RECIPE | {'stage': {}}, 'recipe: unknown stage;'),
    (banded('first', success=[0, 1]), "'first': bands: unknown success; there are .*held_out_action_rad"),
    (banded('first', loss=[2, 1]), "'first': band of loss: expected .low, high., got .2, 1."),
    (changed('first', data=['later']), "'first': no collection 'later' before it"),
    (changed('first', start='second'), "'first': no training 'second' before it"),
    (changed('second', start='seen'), "'second': no training 'seen' before it"),
    (changed('first', rate=1), "'first': .*rate"),
    (changed('first', learning_rate='1e-3'), "learning_rate: expected a number, got '1e-3'"),
    (changed('seen', tasks={'juggling': 1}), "'seen': unknown task juggling"),
    (changed('seen', policy='first'), "'seen': .*policy"),
    (changed('judged', task='juggling'), "'judged': unknown task juggling"),
    (changed('judged', latencies=1), "'judged': unknown latencies"),
    (changed('judged', seed=109), "'judged': plays seeds of plate that 'seen' plays"),
    (changed('mended', seed=96), "'mended': plays seeds of plate that 'seen' plays"),
    (RECIPE | {'stages': {'seen': RECIPE['stages']['seen']}}, 'none of them trains'),
    ({'preset': 'tiny-64', 'stages': {'a': {'play': {}}}}, "'a': unknown play; there are"),
    ({'preset': 'tiny-64', 'stages': {'a': {'evaluate': {'policy': 'b'}}}}, "'a': episodes is missing"),
], ids=lambda value: value if isinstance(value, str) else '')
def test_a_recipe_that_means_nothing_names_the_place(recipe, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(recipe)


@pytest.mark.parametrize('figures, found', [
    ({'loss': 0.3, 'success': 0.8, 'low': 0.7, 'high': 0.9}, set()),
    ({'loss': 0.41, 'success': 0.8, 'low': 0.7, 'high': 0.9}, {'loss'}),
    ({'loss': float('nan'), 'success': 0.8, 'low': 0.7, 'high': 0.9}, {'loss'}),
    ({'success': 0.8, 'low': 0.7, 'high': 0.9}, {'loss'}),
    ({'loss': 0.3, 'success': 0.6, 'low': 0.5, 'high': 0.7}, {'success'}),
    ({'loss': 0.3, 'success': 0.7, 'low': 0.5, 'high': 0.8}, set()),
], ids=['inside', 'loss above', 'not a number', 'not measured', 'success too low', 'too few episodes to tell'])
def test_a_figure_outside_its_band_is_found(figures, found):
    assert set(outside(figures, {'loss': (0.2, 0.4), 'success': (0.75, 1.0)})) == found


def test_the_table_has_seconds_bands_and_verdicts():
    collected = {'kept': {'plate': 9}, 'tried': {'plate': 10}, 'rows': 900, 'first_seed': 100}
    results = [StageResult('seen', 12.4, collected, {}),
               StageResult('first', 30.2, {'steps': 5, 'samples_per_second': 7.0, 'loss': 0.3}, {'loss': (0.1, 0.2)}),
               StageResult('judged', 3.0, {'task': 'plate', 'successes': 4, 'episodes': 5, 'success': 0.8, 'low': 0.376,
                                           'high': 0.964, 'interventions': 1, 'first_seed': 300}, {})]
    assert table(read_recipe(RECIPE), results)[2:] == [
        '| seen | 12 | plate 9 of 10 kept, 900 rows; seeds from 100 | | |',
        '| first | 30 | 5 steps, 7 samples a second | | |',
        '| | | loss 0.3000 | 0.1 to 0.2 | **outside** |',
        '| judged | 3 | plate 4/5 (80 %, 38 to 96 %), 1 interventions; seeds 300 to 304 | | |',
        '| all | 46 | | | |']


def test_a_stage_counts_its_seconds_over_all_starts(tmp_path):
    now = [0.0]
    first = StageRecord(tmp_path / 'a', {'steps': 5}, lambda: now[0])
    for now[0] in (3.0, 3.5, 7.0):
        first.note()
    now[0] = 7.9  # what comes after the last note is lost when the process is killed
    second = StageRecord(tmp_path / 'a', {'steps': 5}, lambda: now[0])
    assert second.seconds == 7.0 and second.figures is None
    now[0] = 9.9
    second.done({'loss': 1.0})
    third = StageRecord(tmp_path / 'a', {'steps': 5}, lambda: now[0])
    assert third.seconds == pytest.approx(9.0) and third.figures == {'loss': 1.0}
    with pytest.raises(ValueError, match='another recipe'):
        StageRecord(tmp_path / 'a', {'steps': 6}, lambda: now[0])
