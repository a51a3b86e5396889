"""The command ``learn``: one hundred steps on a CPU, killed in the middle, from nothing to an evaluated policy."""
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
import yaml

from cosmos_policy_ros.bringup.environment import THREADS
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.learning import pipeline
from cosmos_policy_ros.learning.recipe import read_recipe
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy

RECIPE = config_file('learning/hundred_steps.yaml')
PATIENCE = 900.0
"""s that a loaded machine may take to reach what is waited for; never the measure of anything."""


def start(out):
    command = [sys.executable, '-m', 'cosmos_policy_ros.cli.main', 'learn', str(RECIPE), '--out', str(out), '--workers',
               '1', '--json']
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=os.environ | {'OMP_NUM_THREADS': '1'})


@pytest.fixture
def go_on(monkeypatch, capsys):
    """The same command in this process, on one thread; gives its exit code and JSON object."""
    for name, value in THREADS.items():
        monkeypatch.setenv(name, value)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(out):
        with pytest.raises(SystemExit) as ended:
            main(['learn', str(RECIPE), '--out', str(out), '--workers', '1', '--json'])
        return ended.value.code, json.loads(capsys.readouterr().out.splitlines()[-1])

    yield run
    torch.set_num_threads(threads)


def wait_for(condition, process=None):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(0.02)


def stage(out, name):
    return json.loads((out / name / 'stage.json').read_text())


def log(out):
    """(step, line) of a training's whole lines."""
    lines = (out / 'first' / 'log.jsonl').read_text().splitlines(keepends=True)
    return [(json.loads(line)['step'], line) for line in lines if line.endswith('\n')]


def test_a_hundred_steps_killed_in_the_middle_end_inside_their_bands(tmp_path, monkeypatch, go_on):
    killed = start(tmp_path)
    wait_for((tmp_path / 'first' / 'state.pt').exists, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert stage(tmp_path, 'first')['figures'] is None and not (tmp_path / 'table.md').exists()
    collected = (tmp_path / 'demonstrations' / 'stage.json').stat().st_mtime_ns
    kept = [line for step, line in log(tmp_path) if step <= 40]  # with the seconds that they took
    code, facts = go_on(tmp_path)
    assert (code, facts['outside']) == (0, {})
    assert list(facts['stages']) == ['demonstrations', 'first', 'corrections', 'second', 'transfer']
    assert (tmp_path / 'demonstrations' / 'stage.json').stat().st_mtime_ns == collected
    whole = log(tmp_path)
    assert [line for _, line in whole[:len(kept)]] == kept
    assert [step for step, line in whole if '"loss"' in line] == list(range(1, 81))
    assert CosmosPolicy.load(facts['checkpoint'], threads=None).config.preset == 'tiny-64'
    page = (tmp_path / 'table.md').read_text()
    assert len(page.splitlines()) > 8 and (tmp_path / 'second' / 'final' / 'README.md').read_text().endswith(page)

    # Once more changes nothing, and calls nothing that works.
    for name in ('collect', 'collect_played', 'train', 'run_cell'):
        monkeypatch.delattr(pipeline, name)
    recipe = read_recipe(yaml.safe_load(RECIPE.read_text()))
    again = list(pipeline.run_recipe(recipe, tmp_path, pipeline.Machine('cpu', 1, 'safety.yaml'), print))
    assert {result.name: {'seconds': result.seconds, **result.figures} for result in again} == facts['stages']


PARENT = textwrap.dedent('''
    import multiprocessing, os, time
    from cosmos_policy_ros.learning.pool import end_with_parent

    def work(path):
        end_with_parent()
        with open(path + '.partial', 'w') as file:
            file.write(str(os.getpid()))
        os.rename(path + '.partial', path)
        time.sleep(3600)

    if __name__ == '__main__':
        multiprocessing.get_context('spawn').Process(target=work, args=(os.environ['WORKER'],)).start()
        time.sleep(3600)
''')


def test_a_worker_ends_with_a_parent_that_was_killed(tmp_path):
    script, worker = tmp_path / 'parent.py', tmp_path / 'worker'
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script], env=os.environ | {'WORKER': str(worker)})
    wait_for(worker.exists, parent)
    parent.kill()
    parent.wait()
    wait_for(lambda: not running(int(worker.read_text())))


def running(pid):
    """Whether a process is there and not a zombie that nobody has waited for."""
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False
