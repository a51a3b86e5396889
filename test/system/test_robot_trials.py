"""An evaluation session through the simulated graph: killed in its first rollout, it goes on and counts each once."""
import json
import time

import pytest
from command_process import SMALL_CAMERAS, Command
from graph_probe import free_domain

from cosmos_policy_ros.rollouts.episode import EpisodeRecord
from cosmos_policy_ros.rollouts.trial_log import LOG_FILE

SESSION = """
tasks: {plate: {first: 1000, count: 1}}
policies:
  quick_one: {denoising_steps: 1}
  thorough_one: {denoising_steps: 2}
"""
ROLLOUT = 300.0
"""s that a rollout of a busy machine may take, with the start of its graph."""


def events(folder):
    path = folder / LOG_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope='module')
def session(domain, tmp_path_factory):
    """(folder, facts of the last run, what it said). That run changes the policy once."""
    folder = tmp_path_factory.mktemp('trials')
    (folder / 'session.yaml').write_text(SESSION)
    arguments = ('robot-trials', folder / 'session.yaml', '--out', folder / 'out', '--simulated', '--step-limit', 30,
                 '--cameras', SMALL_CAMERAS, '--json')
    with Command(*arguments, '--domain', domain, folder=folder) as command:
        deadline = time.monotonic() + 2 * ROLLOUT
        while [entry['event'] for entry in events(folder / 'out')] != ['begun']:
            assert time.monotonic() < deadline and command.process.poll() is None, command.said()
            time.sleep(0.1)
        command.process.kill()
        while command.left():  # they notice, and leave the graph in order
            assert time.monotonic() < deadline, command.left()
            time.sleep(0.1)
    # Who was killed is remembered in its domain for a while.
    with free_domain() as other, Command(*arguments, '--domain', other, folder=folder) as command:
        assert command.end(2 * ROLLOUT) == 0, command.said()
        assert command.left() == []
        return folder / 'out', json.loads(command.last_line()), command.said()


def test_each_rollout_counts_once(session):
    folder, facts, _ = session
    assert facts['rollouts'] == 2 and [row[0] for row in facts['tables']['plate']] == ['quick_one', 'thorough_one']
    assert [entry['event'] for entry in events(folder)].count('ended') == 2


def test_each_policy_played_its_own_rollout(session):
    """The bag says who played; the record and what the operator saw do not."""
    folder, _, said = session
    episodes = [EpisodeRecord.load(folder / 'episodes' / entry['result']['episode'])
                for entry in events(folder) if entry['event'] == 'ended']
    assert sorted(episode.policy['denoising_steps'] for episode in episodes) == [1, 2]
    assert [episode.seed for episode in episodes] == [1000, 1000] and all(episode.chunks for episode in episodes)
    assert 'one' not in (folder / LOG_FILE).read_text() and 'quick_one' not in said[:said.index('rollout 2 of 2')]
    assert not list((folder / 'episodes').glob('*/report.html')), 'a report names the policy'
