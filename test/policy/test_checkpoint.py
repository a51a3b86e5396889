"""A checkpoint folder comes back as it was saved, and a damaged one says what is wrong, where, and what to do."""
import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cosmos_policy_ros.policy.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from cosmos_policy_ros.policy.checkpoint_folder import WEIGHTS, load_config
from cosmos_policy_ros.policy.config import NetworkConfig, PolicyConfig
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.prediction import Prediction
from cosmos_policy_ros.policy.errors import (CheckpointError, NonFinitePrediction, ObservationError, UnknownInstruction)
from cosmos_policy_ros.policy.network import build_network
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.statistics import DatasetStatistics
from cosmos_policy_ros.policy.text import HashedWords
from cosmos_policy_ros.policy.tokenizer import LinearTokenizer

DUCK = 'put the duck on the plate'
CONFIG = PolicyConfig('test-64', 64, NetworkConfig(2, 24, 2, text_embed_dim=32, adaln_lora_dim=8), text_tokens=12,
                      prediction=Prediction.CLEAN)


def make_checkpoint(config=CONFIG):
    network = build_network(config)
    network.initialise(0)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    rows = np.random.RandomState(0).uniform(-1, 1, (50, 14))
    return Checkpoint(config, network, LinearTokenizer.fit(images)[0], DatasetStatistics.of(rows, rows),
                      {DUCK: torch.from_numpy(HashedWords(12, 32).encode(DUCK))}, '# Test\n')


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints') / 'test'
    save_checkpoint(folder, make_checkpoint())
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    import shutil

    return shutil.copytree(saved, tmp_path / 'copy')


def observation(seed=0, size=(48, 64)):
    random = np.random.RandomState(seed)
    images = {name: random.randint(0, 256, (*size, 3)).astype(np.uint8) for name in CAMERAS}
    return Observation(0.0, images, random.uniform(-1, 1, 14))


def test_everything_comes_back(saved):
    before, after = make_checkpoint(), load_checkpoint(saved, 'test-64')
    assert after.config == before.config and after.card == before.card
    weights = after.network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in before.network.state_dict().items())
    assert torch.equal(after.tokenizer.basis, before.tokenizer.basis)
    assert torch.equal(after.text_embeddings[DUCK], before.text_embeddings[DUCK])


def test_transformer_is_in_diffusers_own_format(tmp_path):
    from diffusers import CosmosTransformer3DModel

    config = dataclasses.replace(CONFIG, network=dataclasses.replace(CONFIG.network, position_table=False))
    checkpoint = make_checkpoint(config)
    save_checkpoint(tmp_path / 'c', checkpoint)
    plain = CosmosTransformer3DModel.from_config(CosmosTransformer3DModel.load_config(tmp_path / 'c' / 'transformer'))
    plain.load_state_dict(load_file(tmp_path / 'c' / WEIGHTS))
    assert torch.equal(plain.proj_out.weight, checkpoint.network.proj_out.weight)


def test_half_precision_weights_load_as_float32(tmp_path):
    save_checkpoint(tmp_path / 'c', make_checkpoint(dataclasses.replace(CONFIG, weights_dtype='float16')))
    weights = load_file(tmp_path / 'c' / WEIGHTS)
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert load_checkpoint(tmp_path / 'c').network.dtype == torch.float32


def test_saving_replaces_the_old_folder_and_leaves_nothing_else(folder):
    (folder / 'stray').touch()
    save_checkpoint(folder, make_checkpoint())
    assert not (folder / 'stray').exists() and [path.name for path in folder.parent.iterdir()] == ['copy']


@pytest.mark.parametrize('name', ['config.json', 'dataset_statistics.json', 'tokenizer.safetensors',
                                  'text_embeddings.safetensors', 'README.md', WEIGHTS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f'{name}: missing; the checkpoint is incomplete'):
        load_checkpoint(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(CheckpointError, match='nowhere: no such checkpoint folder or file; give the folder'):
        load_checkpoint(tmp_path / 'nowhere')


def test_another_preset_is_refused(folder):
    with pytest.raises(CheckpointError, match="holds preset 'test-64', but 'tiny-64' was asked for"):
        load_checkpoint(folder, 'tiny-64')


@pytest.mark.parametrize('change, message', [
    (lambda c: c.update(format=99), 'format is not 1'), (lambda c: c.pop('steps'), r"missing \['steps'\]"),
    (lambda c: c.update(colour='red'), r"unknown \['colour'\]"),
    (lambda c: c['network'].pop('num_layers'), 'num_layers'),
    (lambda c: c.update(prediction='guess'), 'guess'), (lambda c: c.update(image_size=60), 'multiple of 16'),
    (lambda c: c.pop('layout'), 'layout'), (lambda c: c.update(tokenizer='wan'), 'vae/.*missing'),
    (lambda c: c.update(text_tokens=16), 'has shape')])
def test_a_config_that_does_not_fit_is_refused(folder, change, message):
    values = json.loads((folder / 'config.json').read_text())
    change(values)
    (folder / 'config.json').write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize('change, message', [
    (lambda w: w.update({'net.proj_out.weight': w.pop('proj_out.weight')}), r'1 weights missing .*proj_out.*1 unknown'),
    (lambda w: w.update({'proj_out.weight': torch.zeros(3, 3)}), r'proj_out.weight has shape \(3, 3\)')])
def test_weights_of_another_network_are_refused(folder, change, message):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(folder)


@pytest.mark.parametrize('name', [WEIGHTS, 'tokenizer.safetensors', 'config.json'])
def test_a_truncated_file_is_named(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    with pytest.raises(CheckpointError, match=name.split('/')[-1]):
        load_checkpoint(folder)


def test_the_configuration_alone_can_be_read(saved):
    assert load_config(saved) == CONFIG


@pytest.fixture(scope='module')
def policy(saved):
    return CosmosPolicy.load(saved)


def test_prediction_has_its_promised_shapes_and_every_latency(policy):
    ticks = iter(range(100))
    policy._clock = lambda: next(ticks)
    result = policy.predict(observation(), DUCK, seed=3, steps=3, futures=True)
    assert result.actions.shape == (50, 14) and result.actions.dtype == np.float64
    assert 0 <= result.value <= 1 and result.future_proprio.shape == (14,)
    assert result.latent.shape == CONFIG.latent_shape
    assert {name: image.shape for name, image in result.future_images.items()} == dict.fromkeys(CAMERAS, (64, 64, 3))
    assert result.latencies == {'images': 1, 'encode': 1, 'sample': 1, 'decode': 1, 'total': 4}
    assert policy.predict(observation(), DUCK, seed=3, steps=1).future_images is None


def test_the_answer_depends_on_seed_observation_and_instruction_and_on_nothing_else(policy):
    base = policy.predict(observation(), DUCK, seed=3).actions
    assert np.array_equal(policy.predict(observation(), DUCK, seed=3).actions, base)
    for other in (policy.predict(observation(), DUCK, seed=4), policy.predict(observation(1), DUCK, seed=3),
                  policy.predict(observation(), 'fold the shirt', seed=3)):
        assert np.abs(other.actions - base).max() > 1e-4


def test_a_batch_gives_what_its_entries_give_alone(policy):
    observations = [observation(k, (64, 64)) for k in range(3)]
    names, seeds = [DUCK, 'fold the shirt', DUCK], [5, 6, 7]
    batch = policy.predict_batch(np.stack([np.stack([o.images[name] for name in CAMERAS]) for o in observations]),
                                 np.stack([o.proprio for o in observations]), names, seeds)
    for k, (o, name, seed) in enumerate(zip(observations, names, seeds)):
        alone = policy.predict(o, name, seed)
        assert np.abs(batch.actions[k] - alone.actions).max() < 1e-4
        assert batch.values[k] == pytest.approx(alone.value, abs=1e-4)
        assert np.abs(batch.future_proprio[k] - alone.future_proprio).max() < 1e-4


def test_conditioning_frames_of_the_answer_are_the_observation(policy):
    seen = observation(2, (64, 64))
    latent = policy.predict(seen, DUCK, seed=1, steps=1).latent
    back = policy.tokenizer.decode(latent[None], (4,))[0, 0].permute(1, 2, 0).numpy()
    again = policy.tokenizer.decode(policy.tokenizer.encode(torch.from_numpy(seen.images['cam_high'].copy())
                                                            .permute(2, 0, 1)[None, None]), (0,))[0, 0]
    assert np.array_equal(back, again.permute(1, 2, 0).numpy())
    scaled = policy.statistics.scale_proprio(seen.proprio)
    assert latent[:, 1].reshape(-1)[:14].numpy() == pytest.approx(scaled, abs=1e-6)


@pytest.mark.parametrize('images, proprio, message', [
    (np.zeros((1, 3, 32, 32, 3), np.uint8), np.zeros((1, 14)), 'images: expected'),
    (np.zeros((1, 3, 64, 64, 3)), np.zeros((1, 14)), 'float64'),
    (np.zeros((1, 3, 64, 64, 3), np.uint8), np.full((1, 14), np.nan), 'finite proprio')])
def test_a_batch_of_the_wrong_kind_is_refused(policy, images, proprio, message):
    with pytest.raises(ObservationError, match=message):
        policy.predict_batch(images, proprio, [DUCK], [0])


def test_a_prediction_that_is_not_finite_raises(folder):
    broken = CosmosPolicy.load(folder)
    with torch.no_grad():
        broken.network.proj_out.weight[0, 0] = float('nan')
    with pytest.raises(NonFinitePrediction, match='answered NaN'):
        broken.predict(observation(), DUCK, seed=0, steps=1)


def test_an_unknown_instruction_is_refused_where_only_stored_ones_can_be_used(tmp_path):
    save_checkpoint(tmp_path / 'c', make_checkpoint(dataclasses.replace(CONFIG, text_encoder='stored')))
    stored = CosmosPolicy.load(tmp_path / 'c')
    stored.predict(observation(), DUCK, seed=0, steps=1)
    with pytest.raises(UnknownInstruction, match="known: 'put the duck on the plate'"):
        stored.predict(observation(), 'fold the shirt', seed=0, steps=1)
