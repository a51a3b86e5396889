"""A parameter file that says something else than its node understands is an error with file, key and the nearest name."""
import subprocess
import sys

import pytest

from cosmos_policy_ros.nodes.parameter_files import complaints

DEFAULTS = {'reach': 0.8, 'seed': 1, 'record': True, 'safety_config': 'safety.yaml', 'names': ['a']}


def written(tmp_path, text, section='/**'):
    path = tmp_path / 'teleop.yaml'
    path.write_text(f'{section}:\n  ros__parameters:\n    use_sim_time: true\n    {text}\n')
    return path


def sentences(path, node='teleop'):
    return list(complaints(['node', '--ros-args', '--params-file', str(path)], node, DEFAULTS))


@pytest.mark.parametrize('text', ['reach: 0.5', 'seed: 7', 'record: false', 'safety_config: mine.yaml', 'names: [b, c]'])
def test_what_the_node_has_passes(tmp_path, text):
    assert sentences(written(tmp_path, text)) == []


@pytest.mark.parametrize('text, words', [
    ('reech: 0.5', ['reech', 'teleop has no such parameter', 'the nearest is reach']),
    ('utterly_other: 1', ['utterly_other: teleop has no such parameter']),
    ('reach: 1', ['reach', 'a number with a decimal point', 'found 1']),
    ('seed: 1.0', ['seed', 'a whole number']), ('seed: true', ['seed', 'a whole number']),
    ('record: "yes"', ['record', 'true or false', "'yes'"]), ('names: a', ['names', 'a list']),
    ('safety_config: 3', ['safety_config', 'a word'])])
def test_anything_else_is_named(tmp_path, text, words):
    path = written(tmp_path, text)
    sentence, = sentences(path)
    assert sentence.startswith(f'{path}: ') and all(word in sentence for word in words), sentence


@pytest.mark.parametrize('section, heard', [('/teleop', True), ('teleop', True), ('/**/teleop', True), ('/recorder', False)])
def test_only_what_is_meant_for_the_node_counts(tmp_path, section, heard):
    assert bool(sentences(written(tmp_path, 'reech: 0.5', section))) == heard


@pytest.mark.parametrize('text', ['just a sentence', 'a: [1', '/**: {reach: 1.0}'])
def test_a_file_of_another_form_is_named(tmp_path, text):
    path = tmp_path / 'broken.yaml'
    path.write_text(text)
    sentence, = sentences(path)
    assert str(path) in sentence and 'ros__parameters' in sentence


def test_a_node_ends_with_the_sentence_before_it_does_anything(tmp_path):
    path = written(tmp_path, 'approach_scail: 0.5')
    result = subprocess.run([sys.executable, '-m', 'cosmos_policy_ros.nodes.replay_node', '--ros-args', '--params-file', path],
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == 2
    assert f'{path}: approach_scail: replay has no such parameter; the nearest is approach_scale' in result.stderr
