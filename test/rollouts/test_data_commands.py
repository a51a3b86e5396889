"""export, import, label and report, as they are typed."""
import json
import shutil

import h5py
import pytest
from synthetic_episode import record_episode, start

from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.rollouts.episode import EpisodeRecord
from cosmos_policy_ros.rollouts.labels import Verdict, read_labels


@pytest.fixture
def command(capsys):
    """command(*arguments) -> (exit code, last line of the output, what was said)."""
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return ended.value.code, (captured.out.splitlines() or [''])[-1], captured.err
    return run


@pytest.fixture
def rollouts(tmp_path):
    output = tmp_path / 'rollouts'
    record_episode(output, 0.4, 'a')
    record_episode(output, 0.4, 'b', extra={'mode': 'teleop'})
    return output


def test_export_tells_what_it_took_and_what_not(command, rollouts, tmp_path):
    command('label', rollouts / 'a', '--as', 'discard', '--note', 'lamp was off', '--operator', 'ada')
    code, line, said = command('export', rollouts, '--format', 'aloha', '--out', tmp_path / 'data')
    assert (code, line) == (0, f'export: episodes=1 rows=10 left_out=1 broken=0 out={tmp_path / "data"}')
    assert f'left out: {rollouts / "a"}: labelled discard by ada at cli: lamp was off' in said
    assert (tmp_path / 'data/demonstrations/put_the_duck_on_the_plate/train/episode_0.hdf5').exists()


def test_an_unreadable_episode_is_named_and_costs_the_exit_code_alone(command, rollouts, tmp_path):
    broken, = (rollouts / 'a').glob('*.mcap')
    broken.write_bytes(broken.read_bytes()[:1000])
    code, line, said = command('export', rollouts, '--format', 'aloha', '--out', tmp_path / 'data', '--json')
    facts = json.loads(line)
    assert (code, facts['episodes']) == (1, 1)
    assert [(entry['folder'], entry['broken']) for entry in facts['left_out']] == [(str(rollouts / 'a'), True)]
    assert f'BROKEN: {rollouts / "a"}: the bag cannot be read' in said


def test_what_exists_is_refused(command, rollouts, tmp_path):
    (tmp_path / 'data').mkdir()
    code, line, said = command('export', rollouts, '--format', 'aloha', '--out', tmp_path / 'data')
    assert (code, line) == (1, '') and 'data exists' in said and list((tmp_path / 'data').iterdir()) == []


def test_nothing_to_export_writes_nothing(command, rollouts, tmp_path):
    command('label', rollouts / 'a', rollouts / 'b', '--as', 'redo')
    code, _, said = command('export', rollouts, '--format', 'aloha', '--out', tmp_path / 'data')
    assert code == 1 and 'no episode of 2 became data' in said
    assert not (tmp_path / 'data').exists() and [path.name for path in tmp_path.iterdir()] == ['rollouts']


def test_only_the_wanted_labels_are_kept(command, rollouts, tmp_path):
    command('label', rollouts / 'a', '--as', 'failure', '--failure', 'collision')
    code, line, _ = command('export', rollouts, '--format', 'aloha', '--out', tmp_path / 'data', '--keep', 'failure')
    assert code == 0 and 'episodes=1' in line
    assert [path.name for path in (tmp_path / 'data').rglob('*.hdf5')] == ['a.hdf5']


@pytest.mark.parametrize('name, module', [('lerobot', 'pyarrow'), ('rerun', 'rerun')])
def test_a_missing_extra_is_named(command, rollouts, tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(__import__('sys').modules, module, None)
    code, _, said = command('export', rollouts, '--format', name, '--out', tmp_path / 'data')
    assert code == 1 and f'pip install "cosmos_policy_ros[{name}]"' in said
    assert not (tmp_path / 'data').exists()


def test_labels_are_added_and_shown(command, rollouts):
    said = ('--as', 'failure', '--failure', 'missed_grasp', '--operator', 'ada')
    code, line, _ = command('label', rollouts / 'a', *said)
    assert (code, line) == (0, 'label: episodes=1 label=failure')
    code, line, _ = command('label', rollouts / 'a', rollouts / 'b', '--json')
    shown = json.loads(line)['episodes']
    assert shown[str(rollouts / 'a')]['label'] == 'failure (missed grasp) by ada at cli'
    assert len(shown[str(rollouts / 'a')]['history']) == 1
    assert shown[str(rollouts / 'b')] == {'label': 'success', 'history': []}
    assert [label.verdict for label in read_labels(rollouts / 'a')] == [Verdict.FAILURE]


@pytest.mark.parametrize('options, message', [
    (['--as', 'failure'], 'needs --failure'), (['--as', 'partial'], 'between 0 and 1'),
    (['--as', 'success', '--score', '0.5'], 'fixed at 1.0'), (['--note', 'x'], 'add --as'),
], ids=['no-type', 'no-score', 'fixed-score', 'no-label'])
def test_an_unclear_label_changes_nothing(command, rollouts, options, message):
    code, _, said = command('label', rollouts / 'a', *options)
    assert code == 1 and message in said and read_labels(rollouts / 'a') == ()


def test_label_needs_an_episode(command, tmp_path):
    code, _, said = command('label', tmp_path, '--as', 'redo')
    assert code == 1 and 'give the folder of an episode' in said and list(tmp_path.iterdir()) == []


def test_import_makes_episodes_and_names_what_it_could_not(command, rollouts, tmp_path):
    command('export', rollouts / 'a', '--format', 'aloha', '--out', tmp_path / 'data')
    file = tmp_path / 'data/rollouts/a.hdf5'
    with h5py.File(tmp_path / 'other.hdf5', 'w') as other:
        other['x'] = 1
    code, line, said = command('import', file, tmp_path / 'other.hdf5', '--out', tmp_path / 'back', '--json')
    facts = json.loads(line)
    assert code == 1 and list(facts['refused']) == [str(tmp_path / 'other.hdf5')] and 'no ALOHA episode' in said
    assert EpisodeRecord.load(facts['episodes'][0]).instruction == 'put the duck on the plate'
    assert command('import', tmp_path / 'other.hdf5', '--out', tmp_path / 'none')[0] == 1
    assert not (tmp_path / 'none').exists()


def test_report_of_an_episode_and_of_a_session(command, rollouts):
    assert command('report', rollouts / 'a')[:2] == (0, f'report: {rollouts / "a" / "report.html"}')
    assert command('report', rollouts)[:2] == (0, f'report: {rollouts / "session.html"}')
    shutil.rmtree(rollouts / 'a')
    assert command('report', rollouts / 'a')[0] == 1


def test_an_episode_without_rows_is_broken(command, tmp_path):
    recording = start(tmp_path / 'rollouts')
    recording.finish(recording.record, recording.record.started + 1)
    command('label', tmp_path / 'rollouts/episode_1', '--as', 'success')
    code, _, said = command('export', tmp_path / 'rollouts', '--format', 'aloha', '--out', tmp_path / 'data')
    assert code == 1 and 'BROKEN' in said and 'no rows' in said and not (tmp_path / 'data').exists()


def test_a_policy_is_asked_what_it_would_have_done_and_answers_the_same_again(command, rollouts):
    ask = ('replay-policy', rollouts / 'a', '--every', '8', '--denoising-steps', '1', '--json')
    (code, line, said), again = command(*ask), command(*ask)
    facts = json.loads(line)
    assert code == 0 and line == again[1]
    assert [answer['row'] for answer in facts['answers']] == [0, 8, 9] and said.count('standing still') == 3
    assert facts['arm_error'] > 0 and facts['answers'][0]['seed'] == 0
    code, other, _ = command(*ask, '--instruction', 'fold the moon')
    assert code == 0 and json.loads(other)['arm_error'] != facts['arm_error']
    assert command('replay-policy', rollouts)[0] == 1, 'no episode'
