"""Training learns, says how well, leaves loadable checkpoints, and goes on from one."""
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_episodes import DUCK, make_episode

from cosmos_policy_ros.learning.planning_quality import judge, played
from cosmos_policy_ros.learning.presets import PRESETS, TINY, TINY_TRAINING, refinement
from cosmos_policy_ros.learning.trainer import TrainingConfig, TrainingDiverged, learning_rate, train
from cosmos_policy_ros.policy.checkpoint import load_checkpoint
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.observation import Observation

SMALL = replace(TINY, preset='test', network=replace(TINY.network, num_attention_heads=2, attention_head_dim=32,
                                                     num_layers=1, adaln_lora_dim=16))
SETTINGS = replace(TINY_TRAINING, batch=16, warm_up=20, learning_rate=5e-3, ema=0.95, held_out=0.25, log_every=50,
                   evaluate_every=10 ** 9, evaluated_samples=16)


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A short run on a handful of samples, and its summary."""
    out = tmp_path_factory.mktemp('run')
    episodes = [make_episode(seed, 6) for seed in range(4)]
    lines = []
    summary = train(SMALL, episodes, out, replace(SETTINGS, steps=200, batch=8, held_out=0), progress=lines.append)
    return out, episodes, summary, lines


def test_a_handful_of_samples_is_learned(trained):
    _, episodes, summary, _ = trained
    actions = np.stack([episode.action for episode in episodes])
    blind = np.abs(actions - actions.mean((0, 1))).mean()
    assert summary['training']['action_rad'] < 0.5 * blind and summary['training']['value'] < 0.05


def test_the_checkpoint_acts_as_measured(trained):
    out, episodes, summary, _ = trained
    policy = CosmosPolicy.load(out / 'final', threads=None)
    errors = []
    for episode in episodes:
        for k, row in enumerate(episode.image_rows):
            seen = Observation(0.0, dict(zip(CAMERAS, episode.images[k])), episode.state[row].astype(float))
            target = episode.action[np.minimum(np.arange(row, row + 50), 5)]
            errors.append(np.abs(policy.predict(seen, DUCK, seed=k).actions - target).mean())
    assert np.mean(errors) == pytest.approx(summary['training']['action_rad'], rel=0.5)


def test_log_and_progress_say_how_it_went(trained):
    out, _, summary, lines = trained
    entries = [json.loads(line) for line in (out / 'log.jsonl').read_text().splitlines()]
    losses = [entry['loss'] for entry in entries if 'loss' in entry]
    assert len(losses) == 4 and losses[-1] < losses[0]
    assert set(entries[0]['frames']) == set(SMALL.layout.frames)
    assert entries[-1]['training'] == summary['training'] and len(entries[-1]['training']['joints']) == 14
    assert '8 samples of 4 episodes' in lines[0] and 'action' in lines[1]


def test_the_model_card_states_data_and_errors(trained):
    out, _, summary, _ = trained
    card = load_checkpoint(out / 'final').card
    assert DUCK in card and '200 steps' in card and f'{summary["training"]["action_rad"]:.4f}' in card


def test_training_goes_on_from_a_checkpoint_with_new_data(trained, tmp_path):
    out, episodes, summary, _ = trained
    before = load_checkpoint(out / 'final')
    more = [*episodes, make_episode(7, 30, instruction='fold the shirt')]
    settings = replace(SETTINGS, steps=1, learning_rate=1e-9, held_out=0)
    train(None, more, tmp_path / 'next', settings, init_from=out / 'final', progress=lambda line: None)
    after = load_checkpoint(tmp_path / 'next' / 'final')
    assert set(after.text_embeddings) == {DUCK, 'fold the shirt'}
    assert np.array_equal(after.statistics.actions_max, before.statistics.actions_max)
    assert torch.equal(after.tokenizer.basis, before.tokenizer.basis)
    for name, value in after.network.state_dict().items():
        assert (value - before.network.state_dict()[name]).abs().max() < 1e-6


def test_refinement_learns_from_rollouts_which_futures_are_worth_something(trained, tmp_path):
    out, episodes, _, _ = trained
    rollouts = [replace(make_episode(10 + i, 6, success=i % 2 == 0), variant='rollout', score=1.0 if i % 2 == 0 else 0.4)
                for i in range(8)]
    settings = replace(SETTINGS, objective=refinement(Stage.FUTURE_VALUE).objective, steps=200, held_out=0)
    train(None, [*episodes, *rollouts], tmp_path, settings, init_from=out / 'final', progress=lambda line: None)
    model = CosmosPolicy.load(tmp_path / 'final', threads=None)
    data, instruction = played(model, rollouts, 0.99)
    judged = judge(model, data, instruction, torch.arange(len(data)), Stage.FUTURE_VALUE)
    good = data.samples.pool.numpy() == 1
    assert judged.real[good].mean() > judged.real[~good].mean() + 0.3
    assert np.array_equal(judged.target > 0.5, good)


def test_a_run_that_goes_on_does_not_begin_from_random_weights(trained, tmp_path):
    """Upstream's trainer ignores the checkpoint that it is told to load: its first loss is that of a random network."""
    out, episodes, _, _ = trained
    settings = replace(SETTINGS, steps=1, log_every=1, batch=128, learning_rate=1e-9, held_out=0)

    def first_loss(name, policy, init_from):
        train(policy, episodes, tmp_path / name, settings, init_from=init_from, progress=lambda line: None)
        return json.loads((tmp_path / name / 'log.jsonl').read_text().splitlines()[0])['loss']

    assert first_loss('on', None, out / 'final') < 0.5 * first_loss('anew', SMALL, None)


def test_going_on_under_another_configuration_is_refused(trained, tmp_path):
    out, episodes, _, _ = trained
    with pytest.raises(ValueError, match='another configuration'):
        train(TINY, episodes, tmp_path, replace(SETTINGS, steps=1), init_from=out / 'final')


def test_wall_clock_ends_a_run_and_drives_the_rate(tmp_path):
    now = iter(np.arange(0, 1e6, 2.0))
    episodes = [make_episode(0, 12), make_episode(1, 12)]
    summary = train(SMALL, episodes, tmp_path, replace(SETTINGS, minutes=0.2, log_every=1),
                    progress=lambda line: None, clock=lambda: float(next(now)))
    assert 2 <= summary['steps'] <= 6 and summary['held_out'] is not None
    used = [json.loads(line).get('used') for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert [u for u in used if u is not None][-1] >= 1


def test_rate_warms_up_and_then_follows_a_half_cosine():
    config = TrainingConfig(warm_up=10, learning_rate=1.0)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1) and learning_rate(config, 100, 0.5) == pytest.approx(0.5)
    assert learning_rate(config, 100, 1.0) == pytest.approx(0.0) and learning_rate(config, 9, 0.0) == 1.0


class Killed(Exception):
    """Ends a training from its progress, in place of a signal."""


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path):
    episodes = [make_episode(seed, 12) for seed in range(3)]
    settings = replace(SETTINGS, steps=12, log_every=2, evaluate_every=4, warm_up=3)

    def until(end):
        def progress(line):
            if end and line.startswith(f'step {end} '):
                raise Killed
        return progress

    def run(name, end=None):
        return train(SMALL, episodes, tmp_path / name, settings, progress=until(end), resume=True)

    whole = run('whole')
    for end in (6, 10):
        with pytest.raises(Killed):
            run('stopped', end)
    with open(tmp_path / 'stopped' / 'log.jsonl', 'a') as log:
        log.write('{"step": 11, "lo')  # half a line
    stopped = run('stopped')
    assert stopped['seconds'] > 0 and stopped['held_out'] == whole['held_out']
    one, other = (load_checkpoint(tmp_path / name / 'final').network.state_dict() for name in ('whole', 'stopped'))
    assert all(torch.equal(one[name], other[name]) for name in one)
    losses = [[(entry['step'], entry['loss']) for entry in map(json.loads, (tmp_path / name / 'log.jsonl').open())
               if 'loss' in entry] for name in ('whole', 'stopped')]
    assert losses[0] == losses[1] and [step for step, _ in losses[0]] == [2, 4, 6, 8, 10, 12]
    assert not (tmp_path / 'stopped' / 'state.pt').exists()


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    with pytest.raises(TrainingDiverged, match='the loss is (nan|inf)'):
        settings = replace(SETTINGS, steps=3, log_every=1, learning_rate=1e30, warm_up=1)
        train(SMALL, [make_episode(0, 12)], tmp_path, settings, progress=lambda line: None)


def test_a_run_without_an_end_or_without_data_is_refused(tmp_path):
    with pytest.raises(ValueError, match='no end'):
        train(SMALL, [make_episode(0)], tmp_path, SETTINGS)
    with pytest.raises(ValueError, match='no episodes'):
        train(SMALL, [], tmp_path, replace(SETTINGS, steps=1))


@pytest.mark.parametrize('name', PRESETS)
def test_a_preset_fits_a_chunk_into_a_frame_and_a_checkpoint_into_40_megabytes(name):
    config = PRESETS[name]
    channels, _, height, width = config.latent_shape
    assert channels * height * width >= 700
    with torch.device('meta'):
        weights = sum(parameter.numel() for parameter in build_network(config).parameters())
    assert weights * (2 if config.weights_dtype == 'float16' else 4) < 39e6
