"""Which episodes an export takes, and that nothing half-written ever has its name."""
from dataclasses import replace

import pytest
from synthetic_episode import record

from cosmos_policy_ros.rollouts.bag import PARTIAL
from cosmos_policy_ros.rollouts.episode import RECORD_FILE, Outcome
from cosmos_policy_ros.rollouts.export.selection import select
from cosmos_policy_ros.rollouts.export.target import new_folder
from cosmos_policy_ros.rollouts.labels import LABEL_FILE, FailureType, Label, Verdict, add_label

AT = '2026-01-01T00:00:00+00:00'


@pytest.fixture
def rollouts(tmp_path):
    """make(name, outcome, label fields) -> folder of an episode without a bag."""
    def make(name, outcome=Outcome.SUCCESS, label=None, below=tmp_path, **changes):
        folder = below / name
        folder.mkdir(parents=True)
        replace(record(name), outcome=outcome, **changes).save(folder)
        if label:
            add_label(folder, Label(at=AT, **label))
        return folder
    make.root = tmp_path
    return make


def test_labels_decide_and_everything_left_out_is_named(rollouts):
    rollouts('a_success')
    rollouts('b_relabelled', label={'verdict': Verdict.FAILURE, 'failure': FailureType.COLLISION, 'operator': 'ada'})
    rollouts('c_discarded', label={'verdict': Verdict.DISCARD, 'note': 'camera fell down', 'operator': 'ada'})
    rollouts('d_redo', label={'verdict': Verdict.REDO})
    rollouts('e_cut', Outcome.INTERRUPTED, reason='the recorder was killed')
    rollouts('f_unjudged', Outcome.TIMEOUT)
    rollouts('g_judged_later', Outcome.STOPPED, label={'verdict': Verdict.PARTIAL, 'score': 0.5})
    (rollouts('h_broken') / RECORD_FILE).write_text('{')
    (rollouts('i_broken_labels') / LABEL_FILE).write_text('{')
    rollouts('j_abandoned', Outcome.INTERRUPTED, below=rollouts.root / PARTIAL)
    selection = select([rollouts.root])
    assert [(episode.record.id, episode.label.score) for episode in selection.episodes] == [
        ('a_success', 1.0), ('b_relabelled', 0.0), ('g_judged_later', 0.5)]
    reasons = {entry.folder.rsplit('/', 1)[1]: (entry.reason, entry.broken) for entry in selection.left_out}
    assert sorted(reasons) == ['c_discarded', 'd_redo', 'e_cut', 'f_unjudged', 'h_broken', 'i_broken_labels',
                               'j_abandoned']
    assert reasons['c_discarded'] == ('labelled discard by ada: camera fell down', False)
    assert reasons['e_cut'][0].startswith('interrupted: the recorder was killed')
    assert reasons['f_unjudged'][0].startswith('ended as timeout and nobody judged it')
    assert [name for name, (_, broken) in reasons.items() if broken] == ['h_broken', 'i_broken_labels']
    assert 'recovers it' in reasons['j_abandoned'][0]


def test_only_wanted_verdicts_are_taken(rollouts):
    rollouts('a', Outcome.FAILURE)
    rollouts('b')
    selection = select([rollouts.root], [Verdict.SUCCESS])
    assert [episode.record.id for episode in selection.episodes] == ['b']
    assert [entry.reason for entry in selection.left_out] == ['labelled failure']


def test_an_episode_that_is_given_twice_is_taken_once(rollouts):
    folder = rollouts('a')
    assert len(select([folder, rollouts.root]).episodes) == 1


def test_a_folder_without_episodes_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='neither an episode nor'):
        select([tmp_path])


def test_only_a_teleoperated_success_is_a_demonstration(rollouts):
    rollouts('a', extra={'mode': 'teleop'})
    rollouts('b', extra={'mode': 'teleop'}, label={'verdict': Verdict.PARTIAL, 'score': 0.5})
    rollouts('c', extra={'mode': 'direct'})
    assert [episode.demonstration for episode in select([rollouts.root]).episodes] == [True, False, False]


def test_a_folder_has_its_name_only_when_it_is_whole(tmp_path):
    target = tmp_path / 'deep' / 'out'
    with new_folder(target) as draft:
        (draft / 'file').touch()
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ['file'] and list(target.parent.iterdir()) == [target]


def test_nothing_stays_of_an_export_that_failed(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / 'out') as draft:
        (draft / 'file').touch()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('when', ['before', 'meanwhile'])
def test_what_exists_is_never_replaced(tmp_path, when):
    target = tmp_path / 'out'
    if when == 'before':
        target.mkdir()
    with pytest.raises(FileExistsError, match='out exists'), new_folder(target):
        target.mkdir()
    assert list(tmp_path.iterdir()) == [target] and list(target.iterdir()) == []
