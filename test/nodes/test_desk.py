"""The operator's keys line by line, and which of the two screens a terminal gets."""
import os
import sys

import pytest

from cosmos_policy_ros.cli import desk, terminal_station
from cosmos_policy_ros.cli.desk import operate


@pytest.fixture
def typed(monkeypatch):
    """typed(text): what standard input holds, and then ends."""
    def write(text):
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        monkeypatch.setattr(sys, 'stdin', os.fdopen(reading))
    return write


def test_each_line_is_a_key_and_an_unknown_one_shows_them_all(operator, station, typed, capsys):
    typed('n\ng\nx\n\nq\n')
    operate(operator, station, ['plate', 'transfer'])
    assert station.asked == [('transfer', 7, 100, 'direct'), 'press']
    assert capsys.readouterr().err.count('Enter: stop') == 2


def test_leaving_stops_armed_arms(operator, station, typed, monkeypatch):
    monkeypatch.setattr(desk, 'POLL', 0.001)
    station.show('RUNNING', 'policy')
    typed('q\n')
    operate(operator, station, ['plate'])
    assert station.asked == ['press']


@pytest.mark.parametrize('terminal, lines, full', [(True, False, True), (True, True, False), (False, False, False)],
                         ids=['terminal', 'lines asked for', 'pipe'])
def test_a_terminal_gets_the_full_screen_unless_lines_are_asked_for(operator, station, typed, monkeypatch, terminal, lines, full):
    shown = []
    typed('q\n')
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, 'isatty', lambda: terminal, raising=False)
    monkeypatch.setattr(terminal_station.TerminalStation, 'serve', lambda self: shown.append(self))
    operate(operator, station, ['plate'], lines=lines)
    assert bool(shown) is full
