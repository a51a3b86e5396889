"""The journal beside the episodes: a line for each change, kept over restarts."""
from cosmos_policy_ros.rollouts.journal import JOURNAL_FILE, Journal, read_journal

STOP = [('stop_pressed', 'rviz')]


def test_every_step_is_written_with_who_asked(tmp_path):
    journal = Journal(tmp_path / JOURNAL_FILE)
    for _ in range(2):
        journal.step('park', 'rviz', '', '')
    journal.step('failure', 'operator', 'collision', 'plate_1')
    lines = [{name: entry for name, entry in line.items() if name != 'at'} for line in read_journal(tmp_path / JOURNAL_FILE)]
    assert lines == 2 * [{'step': 'park', 'source': 'rviz', 'note': '', 'episode': ''}] + [
        {'step': 'failure', 'source': 'operator', 'note': 'collision', 'episode': 'plate_1'}]


def test_only_changes_are_written_and_a_restart_adds_to_them(tmp_path):
    path = tmp_path / 'rollouts' / JOURNAL_FILE
    assert read_journal(path) == []
    journal = Journal(path)
    for _ in range(3):
        journal.see('RUNNING', 'policy', '', [], 'plate_1')
        journal.see('RUNNING', 'policy', '', [], 'plate_1')
        journal.see('ESTOPPED', '', '', STOP, '')
        journal.see('ESTOPPED', '', '', STOP, '')
    Journal(path).see('READY', '', '', [], '')
    lines = read_journal(path)
    assert [(line['state'], line['authority'], line['causes'], line['episode']) for line in lines] == 3 * [
        ('RUNNING', 'policy', [], 'plate_1'), ('ESTOPPED', '', ['stop_pressed rviz'], '')] + [('READY', '', [], '')]
    assert [line['at'] for line in lines] == sorted(line['at'] for line in lines)
