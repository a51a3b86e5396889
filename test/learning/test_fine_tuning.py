"""Fine-tuning the published network: it starts from what it is given, learns what it should, and resumes exactly."""
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from fine_tuning_rig import CONFIG, SETTINGS, small_episodes, small_start
from synthetic_episodes import DUCK, make_episode

from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.learning.dataset import Pools
from cosmos_policy_ros.learning.fine_tuning import FINAL, STATE, fine_tune
from cosmos_policy_ros.learning.optimisation import (CannotTrain, FineTuningConfig, Optimisation, fine_tuning_rate,
                                                     parts_of_batch)
from cosmos_policy_ros.learning.shards import read_shard, write_shard
from cosmos_policy_ros.learning.trainer import TrainingDiverged
from cosmos_policy_ros.learning.training_state import ResumeError
from cosmos_policy_ros.policy.checkpoint import load_checkpoint
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.observation import Observation


@pytest.fixture(scope='module', autouse=True)
def one_thread_and_no_processes_left():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    if dist.is_initialized():
        dist.destroy_process_group()


def tune(out, resume=False, episodes=None, seed_of_start=0, **changes):
    return fine_tune(small_start(seed_of_start), small_episodes() if episodes is None else episodes, out,
                     replace(SETTINGS, **changes), 'cpu', resume, progress=lambda line: None)


def losses(out):
    return [json.loads(line)['loss'] for line in (out / 'log.jsonl').read_text().splitlines()]


@pytest.fixture(scope='module')
def tuned(tmp_path_factory):
    """A run of three steps, from shards on disk, and its summary."""
    out = tmp_path_factory.mktemp('run')
    write_shard(out / 'data.h5', small_episodes())
    return out, tune(out, episodes=read_shard(out / 'data.h5', stored=True), ema=0.9)


def test_a_resumed_run_has_exactly_the_losses_of_one_that_was_not_stopped(tuned, tmp_path):
    tune(tmp_path, steps=2, ema=0.9)
    tune(tmp_path, resume=True, ema=0.9)
    assert losses(tmp_path) == losses(tuned[0]) and len(losses(tmp_path)) == 3
    ours, theirs = (load_checkpoint(out / FINAL).network.state_dict() for out in (tmp_path, tuned[0]))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_the_result_is_a_checkpoint_that_acts(tuned):
    out, summary = tuned
    policy = CosmosPolicy.load(out / FINAL, threads=None)
    episode = small_episodes(1)[0]
    seen = Observation(0.0, dict(zip(CAMERAS, episode.images[0])), episode.state[0].astype(float))
    assert np.isfinite(policy.predict(seen, DUCK, seed=0, steps=1).actions).all()
    assert summary['steps'] == 3 and np.isfinite(summary['held_out'])
    assert '3 steps of 2 samples on 3 episodes' in load_checkpoint(out / FINAL).card
    assert any((out / 'tensorboard').iterdir())


def test_training_begins_with_the_given_weights(tmp_path):
    """Upstream's trainer skips the .pt file that it is told to load, and trains random weights."""
    tune(tmp_path, steps=1, learning_rate=1e-12)
    before, after = small_start().network.state_dict(), load_checkpoint(tmp_path / FINAL).network.state_dict()
    assert max((after[name] - value).abs().max() for name, value in before.items()) < 1e-6


def test_adapters_change_the_weights_that_they_adapt_and_no_others(tmp_path):
    tune(tmp_path, steps=1, adapter_rank=2)
    before, after = small_start().network.state_dict(), load_checkpoint(tmp_path / FINAL).network.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    adapted = {name for name in before if name.startswith('transformer_blocks') and 'norm' not in name}
    assert changed == adapted and len(adapted) == 2 * 10


def test_two_processes_train_as_one_does(tuned, tmp_path):
    """Sharded over two processes, with the same batch, the losses are the same."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    script = ('import sys, torch; torch.set_num_threads(1); from test_fine_tuning import tune; from pathlib import Path;'
              'tune(Path(sys.argv[1]), steps=1, ema=0.9)')
    paths = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2]), os.environ.get('PYTHONPATH', '')]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths), MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
                       WORLD_SIZE='2', LOCAL_WORLD_SIZE='2', OMP_NUM_THREADS='1')
    processes = [subprocess.Popen([sys.executable, '-c', script, str(tmp_path)],
                                  env=dict(environment, RANK=str(rank), LOCAL_RANK=str(rank))) for rank in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert losses(tmp_path) == pytest.approx(losses(tuned[0])[:1], rel=1e-5)
    assert load_checkpoint(tmp_path / FINAL).config == CONFIG
    with pytest.raises(ResumeError, match='processes was 2, now 1'):
        tune(tmp_path, resume=True, ema=0.9)


@pytest.mark.parametrize('changes, match', [
    ({'ema': 0.9, 'learning_rate': 1e-5}, 'learning_rate was 0.001, now 1e-05'),
    ({'ema': 0.9, 'episodes': small_episodes(3)}, 'episodes was 4, now 3'),
    ({}, 'ema was 0.9, now 0.0'),
    ({'ema': 0.9, 'seed_of_start': 1}, 'start was .*, now'),
], ids=['another rate', 'other data', 'no average', 'another start'])
def test_another_run_is_not_resumed(tuned, changes, match):
    with pytest.raises(ResumeError, match=match):
        tune(tuned[0], resume=True, **{'steps': 5, **changes})


def test_a_run_is_neither_overwritten_nor_done_twice(tuned, tmp_path):
    with pytest.raises(CannotTrain, match='go on from it with --resume'):
        tune(tuned[0])
    with pytest.raises(CannotTrain, match='has done 3 steps already'):
        tune(tuned[0], resume=True, ema=0.9)
    with pytest.raises(ResumeError, match='no state to go on from'):
        tune(tmp_path, resume=True)


def test_an_instruction_without_an_embedding_is_named(tmp_path):
    with pytest.raises(CannotTrain, match="no embedding of 'fold the shirt'.*checkpoint embed"):
        tune(tmp_path, episodes=[*small_episodes(), make_episode(9, 12, instruction='fold the shirt')])


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_state_from_before(tmp_path):
    with pytest.raises(TrainingDiverged, match='lower --learning-rate'):
        tune(tmp_path, learning_rate=1e30, save_every=1)
    assert json.loads((tmp_path / STATE / 'settings.json').read_text())['step'] >= 1


def test_the_command_trains_from_a_checkpoint_folder(tuned, tmp_path, capsys):
    given = ['finetune', '--data', str(tuned[0]), '--init-from', str(tuned[0] / FINAL), '--steps', '1', '--batch', '1',
             '--part', '1', '--adapter-rank', '2', '--out', str(tmp_path), '--json']
    with pytest.raises(SystemExit) as ended:
        main([*given, '--device', 'cpu'])
    assert ended.value.code == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result['steps'] == 1 and result['checkpoint'] == str(tmp_path / FINAL)
    with pytest.raises(SystemExit) as ended:
        main([*given, '--device', 'cpu'])
    assert ended.value.code == 1 and '--resume' in json.loads(capsys.readouterr().out)['hint']


@pytest.mark.parametrize('batch, part, processes, parts', [(200, 25, 8, 1), (200, 25, 2, 4), (4, 2, 1, 2)])
def test_a_batch_is_made_of_whole_parts(batch, part, processes, parts):
    assert parts_of_batch(FineTuningConfig(1, batch=batch, part=part), processes) == parts


@pytest.mark.parametrize('batch, part, processes, advice', [
    (200, 25, 3, 'multiple of 3'), (200, 30, 2, 'a part of 1, 2, 4, 5, 10, 20, 25, 50, 100 samples')])
def test_a_batch_that_is_not_says_what_would_be(batch, part, processes, advice):
    with pytest.raises(CannotTrain, match=advice):
        parts_of_batch(FineTuningConfig(1, batch=batch, part=part), processes)


def test_the_batch_is_the_same_however_it_is_divided():
    def batch(parts, processes, part):
        settings = FineTuningConfig(1, batch=12, part=part)
        drawn = {}
        for rank in range(processes):
            run = SimpleNamespace(config=settings, training_set=SimpleNamespace(pools=Pools(90)), parts=parts,
                                  processes=processes, rank=rank)
            for i, (index, question, noise) in enumerate(Optimisation.plan(run, 7)):
                drawn[i * processes + rank] = index, question
        return [torch.cat(column).tolist() for column in zip(*(drawn[place] for place in sorted(drawn)))]

    assert batch(1, 4, 3) == batch(2, 2, 3) == batch(4, 1, 3) == batch(1, 2, 6)


@pytest.mark.parametrize('step, rate', [(0, 5e-8), (1999, 1e-4), (11000, 6.5e-5), (19999, 3e-5), (20000, 6e-6),
                                        (10 ** 5, 6e-6)])
def test_the_rate_follows_the_published_schedule(step, rate):
    assert fine_tuning_rate(FineTuningConfig(1), step) == pytest.approx(rate, rel=1e-3)
