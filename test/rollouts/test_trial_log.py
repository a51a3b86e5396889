"""A session's record survives whatever ends the process that writes it."""
import subprocess
import sys

import pytest

from cosmos_policy_ros.rollouts.trial_log import LOG_FILE, SessionError, TrialLog

PLAN = {'policies': {'one': {}}, 'seed': 1}


def played(folder, *numbers):
    with TrialLog(folder, PLAN) as log:
        for number in numbers:
            log.begin(number)
            log.end(number, {'success': True, 'score': 1.0})


def test_a_session_goes_on_where_it_ended(tmp_path):
    played(tmp_path, 1, 2)
    with TrialLog(tmp_path, PLAN) as log:
        assert sorted(log.results) == [1, 2] and (log.cut, log.revealed) == (0, None)
        log.begin(3)
    with TrialLog(tmp_path, PLAN) as log:
        assert sorted(log.results) == [1, 2] and log.cut == 1, 'begun and never ended'


def test_half_a_line_is_the_rollout_that_was_cut_off(tmp_path):
    """Every length that a kill may leave of the last line; whole lines before it stay as they are."""
    played(tmp_path, 1)
    whole = (tmp_path / LOG_FILE).read_bytes()
    played(tmp_path, 2)
    path, text = tmp_path / LOG_FILE, (tmp_path / LOG_FILE).read_bytes()
    for length in range(len(whole), len(text)):
        path.write_bytes(text[:length])
        with TrialLog(tmp_path, PLAN) as log:
            assert sorted(log.results) == [1]
            log.begin(2)
            log.end(2, {'success': False, 'score': 0.0})
        assert path.read_bytes().startswith(whole)
        with TrialLog(tmp_path, PLAN) as log:
            assert log.results[2] == {'success': False, 'score': 0.0}


def test_another_plan_is_refused_by_the_name_of_what_changed(tmp_path):
    played(tmp_path, 1)
    with pytest.raises(SessionError, match='other seed;'):
        TrialLog(tmp_path, PLAN | {'seed': 2})
    with pytest.raises(SessionError, match='other policies;'):
        TrialLog(tmp_path, PLAN | {'policies': {'one': {'limit': 2}}})


def test_a_damaged_record_is_named_by_its_line(tmp_path):
    played(tmp_path, 1, 2)
    path = tmp_path / LOG_FILE
    good = path.read_bytes()
    path.write_bytes(good + good)
    with pytest.raises(SessionError, match='line 6: trial 1 ended twice'):
        TrialLog(tmp_path, PLAN)
    assert path.read_bytes() == good + good


def test_two_processes_do_not_run_one_session(tmp_path):
    code = ('import sys; from cosmos_policy_ros.rollouts.trial_log import TrialLog\n'
            f'TrialLog({str(tmp_path)!r}, {PLAN!r})')
    with TrialLog(tmp_path, PLAN):
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
        assert done.returncode and 'another process runs the session' in done.stderr
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0


def test_ending_the_blinding_is_remembered(tmp_path):
    played(tmp_path, 1)
    with TrialLog(tmp_path, PLAN) as log:
        log.reveal()
    played(tmp_path, 2)
    with TrialLog(tmp_path, PLAN) as log:
        log.reveal()
        assert log.revealed == 1 and len(log.results) == 2
