"""The journal beside the episodes: a line for each change, kept over restarts."""
from cosmos_policy_ros.rollouts.journal import JOURNAL_FILE, Journal, read_journal

STOP = [('stop_pressed', 'rviz')]


def test_every_step_is_written_with_who_asked(tmp_path):
    journal = Journal(tmp_path / JOURNAL_FILE)
    for asked in ('10:00', '10:01'):
        journal.step('park', 'rviz', '', asked, '')
    journal.step('failure', 'operator', 'collision', '10:02', 'plate_1')
    lines = [{name: entry for name, entry in line.items() if name != 'at'} for line in read_journal(tmp_path / JOURNAL_FILE)]
    assert lines == [{'step': 'park', 'source': 'rviz', 'note': '', 'asked': asked, 'episode': ''} for asked in ('10:00', '10:01')] + [
        {'step': 'failure', 'source': 'operator', 'note': 'collision', 'asked': '10:02', 'episode': 'plate_1'}]


def test_a_step_that_is_heard_again_is_written_once_and_a_line_cut_off_harms_nothing(tmp_path):
    path = tmp_path / JOURNAL_FILE
    Journal(path).step('park', 'rviz', '', '10:00', '')
    with path.open('a') as file:
        file.write('{"at": "10:0')
    journal = Journal(path)
    for asked in ('10:00', '10:01'):
        journal.step('park', 'rviz', '', asked, '')
    assert [line['asked'] for line in read_journal(path)] == ['10:00', '10:01']


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
