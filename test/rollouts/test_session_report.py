"""The page of many episodes."""
import re

import pytest
from synthetic_episode import record_episode

from cosmos_policy_ros.rollouts.episode import RECORD_FILE
from cosmos_policy_ros.rollouts.labels import FailureType, Label, Verdict, add_label
from cosmos_policy_ros.rollouts.report import write_report
from cosmos_policy_ros.rollouts.session_report import write_session

AT = '2026-01-01T00:00:00+00:00'


def half(successes, count):
    """A made-up interval, to be told apart from any formula."""
    return successes / count / 2, 0.99


@pytest.fixture(scope='module')
def text(tmp_path_factory):
    output = tmp_path_factory.mktemp('session')
    write_report(record_episode(output, 0.4, 'a', extra={'mode': 'direct'}))
    add_label(record_episode(output, 0.4, 'b', extra={'mode': 'direct'}),
              Label(Verdict.FAILURE, AT, failure=FailureType.MISSED_GRASP, note='slipped <again>'))
    record_episode(output, 0.4, 'c', extra={'mode': 'planning'})
    add_label(record_episode(output, 0.4, 'd', extra={'mode': 'planning'}), Label(Verdict.DISCARD, AT))
    (output / 'e').mkdir()
    (output / 'e' / RECORD_FILE).write_text('{')
    return write_session(output, half).read_text()


def rows(text):
    return [re.findall(r'<td[^>]*>(.*?)</td>', row) for row in re.findall(r'<tr>(.*?)</tr>', text)]


def test_episodes_are_counted_by_what_is_compared(text):
    found = {row[0]: row[1:] for row in rows(text) if row and row[0].startswith('plate')}
    assert found['plate / direct'] == ['2', '1', '50 %', '25 to 99 %', '50 %', 'missed grasp 1']
    assert found['plate / planning'] == ['1', '1', '100 %', '50 to 99 %', '100 %', ''], 'one is discarded'


def test_every_episode_is_listed_with_its_last_picture(text):
    assert len(re.findall('data:image/jpeg', text)) == 4
    assert 'slipped &lt;again&gt;' in text and 'e: ' in text


def test_the_page_loads_nothing_and_links_the_reports_that_exist(text):
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', text) == ['a/report.html']


def test_a_folder_without_episodes_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no episodes'):
        write_session(tmp_path, half)
    assert list(tmp_path.iterdir()) == []
