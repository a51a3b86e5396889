"""Labels after the fact: what can be said, its history, and what counts."""
import json
from dataclasses import replace
from threading import Thread

import pytest
from synthetic_episode import record

from cosmos_policy_ros.control.operation import FAILURE_TYPES
from cosmos_policy_ros.rollouts.episode import RECORD_FILE, Outcome
from cosmos_policy_ros.rollouts.labels import (LABEL_FILE, FailureType, Label, LabelError, Verdict, add_label,
                                               current_label, label_of, read_labels, recorded_judgement)

AT = '2026-01-01T00:00:00+00:00'


@pytest.fixture
def folder(tmp_path):
    replace(record(), outcome=Outcome.SUCCESS, score=1.0).save(tmp_path)
    return tmp_path


def test_labels_add_up_and_the_last_one_counts(folder):
    before = (folder / RECORD_FILE).read_bytes()
    first = Label(Verdict.FAILURE, AT, failure=FailureType.MISSED_GRASP, note='slipped', operator='ada',
                  source='rviz')
    second = Label(Verdict.PARTIAL, AT, 0.5, operator='bob')
    add_label(folder, first)
    add_label(folder, second)
    assert read_labels(folder) == (first, second)
    assert current_label(folder, record()) == second
    assert (folder / RECORD_FILE).read_bytes() == before, 'nothing of the recording is rewritten'
    assert sorted(path.name for path in folder.iterdir()) == sorted([RECORD_FILE, LABEL_FILE])


def test_without_a_label_the_recording_speaks(folder):
    label = current_label(folder, replace(record(), outcome=Outcome.SUCCESS, note='neat'))
    assert (label.verdict, label.score, label.note, label.operator) == (Verdict.SUCCESS, 1.0, 'neat', '')


@pytest.mark.parametrize('outcome, score, expected', [
    (Outcome.SUCCESS, None, (Verdict.SUCCESS, 1.0, None)),
    (Outcome.SUCCESS, 0.9, (Verdict.SUCCESS, 1.0, None)),
    (Outcome.FAILURE, None, (Verdict.FAILURE, 0.0, None)),
    (Outcome.FAILURE, 0.25, (Verdict.PARTIAL, 0.25, None)),
    (Outcome.TIMEOUT, 0.0, (Verdict.FAILURE, 0.0, FailureType.TIMEOUT)),
    (Outcome.TIMEOUT, 0.5, (Verdict.PARTIAL, 0.5, FailureType.TIMEOUT)),
    (Outcome.STOPPED, 0.0, (Verdict.FAILURE, 0.0, None)),
    (Outcome.TIMEOUT, None, None), (Outcome.STOPPED, None, None), (Outcome.INTERRUPTED, 1.0, None),
], ids=lambda value: getattr(value, 'value', None) if isinstance(value, Outcome) else None)
def test_what_a_recording_itself_amounts_to(outcome, score, expected):
    label = recorded_judgement(replace(record(), outcome=outcome, score=score))
    assert (label and (label.verdict, label.score, label.failure)) == expected


@pytest.mark.parametrize('fields, message', [
    ({'verdict': Verdict.PARTIAL}, 'give one between 0 and 1'),
    ({'verdict': Verdict.PARTIAL, 'score': 1.0}, 'give one between 0 and 1'),
    ({'verdict': Verdict.PARTIAL, 'score': float('nan')}, 'give one between 0 and 1'),
    ({'verdict': Verdict.SUCCESS, 'score': 0.5}, 'fixed at 1.0'),
    ({'verdict': Verdict.DISCARD, 'score': 0.5}, 'fixed at None'),
    ({'verdict': Verdict.SUCCESS, 'failure': FailureType.OTHER}, 'failure type'),
], ids=['no-score', 'full-score', 'nan-score', 'success-score', 'discard-score', 'success-failure'])
def test_a_label_that_cannot_be_is_refused(fields, message):
    with pytest.raises(LabelError, match=message):
        Label(at=AT, **fields)


@pytest.mark.parametrize('text', ['{', '{}', '{"labels": [{"verdict": "superb"}]}', '{"labels": [7]}'])
def test_a_broken_file_is_named_and_kept(folder, text):
    (folder / LABEL_FILE).write_text(text)
    with pytest.raises(LabelError, match=LABEL_FILE):
        add_label(folder, Label(Verdict.REDO, AT))
    assert (folder / LABEL_FILE).read_text() == text


def test_only_an_episode_can_be_labelled(tmp_path):
    with pytest.raises(LabelError, match=RECORD_FILE):
        add_label(tmp_path, Label(Verdict.REDO, AT))
    assert list(tmp_path.iterdir()) == []


def test_those_who_label_at_once_lose_nothing(folder):
    threads = [Thread(target=add_label, args=(folder, Label(Verdict.REDO, AT, operator=str(i)))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(label.operator for label in read_labels(folder)) == [str(i) for i in range(8)]


def test_the_file_is_plain_json(folder):
    add_label(folder, Label(Verdict.FAILURE, AT, failure=FailureType.COLLISION))
    assert json.loads((folder / LABEL_FILE).read_text()) == {'labels': [
        {'verdict': 'failure', 'at': AT, 'score': 0.0, 'failure': 'collision', 'note': '', 'operator': '', 'source': ''}]}


def test_panels_and_labels_know_the_same_failures():
    """They live in rooms that may not import each other."""
    assert tuple(kind.value for kind in FailureType) == FAILURE_TYPES


@pytest.mark.parametrize('note, failure', [('missed_grasp', FailureType.MISSED_GRASP), ('it slipped', None), ('', None)])
def test_a_note_of_a_panel_that_names_a_failure_is_one(note, failure):
    recorded = recorded_judgement(replace(record(), outcome=Outcome.FAILURE, score=0.0, note=note))
    assert (recorded.failure, recorded.note) == (failure, note)
    assert label_of('failure', 0.0, note, 'operator', 'rviz').failure is failure
    assert label_of('success', 1.0, note, 'operator', 'rviz').failure is None
