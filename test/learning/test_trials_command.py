"""The command ``trials``: a session that was killed gives the table of one that was not, and tells no policy."""
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from cosmos_policy_ros.cli.console import CommandError
from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.cli.trial_session import read_session
from cosmos_policy_ros.rollouts.trial_log import LOG_FILE

SESSION = """
seed: 3
common: {limit: 1.2, width: 160, height: 120}
tasks: {plate: {first: 1000, count: 2}}
policies:
  quick_one: {denoising_steps: 1}
  thorough_one: {denoising_steps: 2}
"""


class Session:
    """A session's folder, and the command that runs it."""

    def __init__(self, folder, text=SESSION):
        self.folder, self.description = folder, folder.with_suffix('.yaml')
        self.description.write_text(text)

    def arguments(self, *options):
        return ['trials', str(self.description), '--out', str(self.folder), '--json', *options]

    def run(self, *options):
        """(JSON object of the last line, what was said, exit code)."""
        out, said = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main(self.arguments(*options))
        return json.loads(out.getvalue().splitlines()[-1]), said.getvalue(), ended.value.code

    def events(self):
        """(event, trial) of every whole line of the record."""
        path = self.folder / LOG_FILE
        lines = path.read_bytes().split(b'\n')[:-1] if path.exists() else []
        return [(entry['event'], entry.get('trial')) for entry in map(json.loads, lines)]

    def outcomes(self):
        """Results in order, without the wall time of the inferences."""
        entries = map(json.loads, (self.folder / LOG_FILE).read_text().splitlines())
        return [{key: value for key, value in entry['result'].items() if key != 'inference'}
                for entry in entries if entry['event'] == 'ended']

    def kill_in(self, trial):
        """Run until a trial has begun, then SIGKILL."""
        process = subprocess.Popen(
            [sys.executable, '-m', 'cosmos_policy_ros.cli.main', *self.arguments()], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | {'OMP_NUM_THREADS': '1'})
        while ('begun', trial) not in self.events():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted session: (``Session``, its result, what was said)."""
    session = Session(tmp_path_factory.mktemp('whole') / 'session')
    result, said, code = session.run()
    assert code == 0, said
    return session, result, said


@pytest.fixture(scope='module')
def killed(tmp_path_factory):
    """A session that was killed in its third rollout."""
    session = Session(tmp_path_factory.mktemp('killed') / 'session')
    session.kill_in(3)
    return session


@pytest.fixture
def cut(killed, tmp_path):
    """A copy of it."""
    shutil.copytree(killed.folder, tmp_path / 'session')
    return Session(tmp_path / 'session')


def test_a_session_that_was_killed_gives_the_same_table(whole, cut):
    result, said, code = cut.run()
    assert code == 0, said
    assert result['tables'] == whole[1]['tables'] and result['rollouts'] == 4
    assert '1 cut off and run again' in result['history'] and 'none cut off' in whole[1]['history']
    assert cut.events() == [('begun', 1), ('ended', 1), ('begun', 2), ('ended', 2), ('begun', 3),
                            ('begun', 3), ('ended', 3), ('begun', 4), ('ended', 4)]
    assert cut.outcomes() == whole[0].outcomes(), 'not only the table'


def test_nobody_sees_which_policy_runs_until_the_end(whole):
    session, _, said = whole
    running = said[:said.index('rollout 4 of 4')]
    assert 'rollout 3 of 4: task plate' in running
    for text in (running, (session.folder / LOG_FILE).read_text()):
        assert 'quick_one' not in text and 'thorough_one' not in text
    assert 'quick_one' in said and 'quick_one' in Path(whole[1]['results']).read_text()


def test_a_session_that_has_ended_runs_nothing_again(whole):
    session, result, _ = whole
    before = (session.folder / LOG_FILE).read_bytes()
    assert session.run()[0] == result and (session.folder / LOG_FILE).read_bytes() == before


def test_the_blinding_can_be_ended_and_that_is_said(cut):
    result, _, code = cut.run('--reveal')
    assert code == 0 and result['rollouts'] == 2
    assert result['history'] == '2 of 4 rollouts, 1 cut off and run again, blinding ended after 2'


def test_a_setting_that_does_not_exist_is_refused_and_leaves_nothing(tmp_path):
    session = Session(tmp_path / 'session', SESSION.replace('denoising_steps: 1', 'steps: 1'))
    result, _, code = session.run()
    assert code == 1 and "cell 'quick_one': unknown steps" in result['error'] and result['hint']
    assert not session.folder.exists()


@pytest.mark.parametrize('text, message', [
    (SESSION.replace('seed: 3', 'seeds: 3'), 'unknown entry seeds'),
    (SESSION.replace('plate', 'juggle'), "unknown task 'juggle'"), ('[', 'while parsing')], ids=['entry', 'task', 'yaml'])
def test_a_description_that_means_nothing_is_named(tmp_path, text, message):
    session = Session(tmp_path / 'session', text)
    with pytest.raises(CommandError, match=message):
        read_session(session.description, simulated=True)
