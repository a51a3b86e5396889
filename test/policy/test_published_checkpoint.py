"""Released files load as they are, convert to our folder and back bit for bit, and bad ones say what is wrong."""
import io
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from released_files import (ALOHA, SENTENCES, SMALL, released_shapes, released_weights, small_presets, small_vae,
                            write_released, write_statistics)
from safetensors.torch import load_file, save_file

from cosmos_policy_ros.policy.checkpoint import load_checkpoint
from cosmos_policy_ros.policy.checkpoint_folder import WEIGHTS, checkpoint_digest, load_config
from cosmos_policy_ros.policy.conversion import to_folder, to_released
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.vae_files import save_vae

pytestmark = pytest.mark.usefixtures(small_presets.__name__)
PT, STATISTICS, TEXT = 'Cosmos-Policy-ALOHA-Predict2-2B.pt', 'aloha_dataset_statistics.json', 'aloha_t5_embeddings.pkl'


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    return write_released(tmp_path_factory.mktemp('released') / 'hub')


@pytest.fixture
def released(written, tmp_path):
    return shutil.copytree(written, tmp_path / 'hub')


def chunk(checkpoint_source, **options):
    policy = CosmosPolicy(load_checkpoint(checkpoint_source, **options))
    pictures = np.random.RandomState(0).randint(0, 256, (3, 48, 64, 3)).astype(np.uint8)
    seen = Observation(0.0, dict(zip(policy.config.layout.cameras, pictures)), np.linspace(-0.9, 0.9, 14))
    return policy.predict(seen, SENTENCES[0], seed=195, steps=1).actions


def test_a_folder_of_released_files_gives_a_policy(released):
    checkpoint = load_checkpoint(released)
    assert checkpoint.config == SMALL and tuple(checkpoint.text_embeddings) == SENTENCES
    assert checkpoint.network.dtype == torch.bfloat16
    assert torch.equal(checkpoint.network.patch_embed.proj.weight, released_weights()['net.x_embedder.proj.1.weight'])
    assert np.isfinite(chunk(released)).all()


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_to_our_folder_and_back_is_bit_equal(released, tmp_path, dtype):
    before = released_weights(dtype)
    torch.save(before, released / PT)
    facts = to_folder(released, tmp_path / 'ours')
    assert facts['number type'] == str(dtype).removeprefix('torch.') and 'net.accum_iteration' in facts['left out']
    assert load_checkpoint(tmp_path / 'ours', ALOHA).network.dtype == dtype
    for name in ('back.pt', 'back.safetensors'):
        to_released(tmp_path / 'ours', tmp_path / name)
    after = torch.load(tmp_path / 'back.pt', weights_only=True)
    assert after.keys() == released_shapes().keys()
    assert all(after[name].dtype == dtype and torch.equal(after[name], before[name]) for name in after)
    again = load_file(tmp_path / 'back.safetensors')
    assert again.keys() == after.keys() and all(torch.equal(again[name], after[name]) for name in after)


def test_converted_and_released_files_act_alike(released, tmp_path):
    to_folder(released, tmp_path / 'ours')
    assert np.array_equal(chunk(tmp_path / 'ours'), chunk(released))
    assert {path.name for path in (tmp_path / 'ours').iterdir()} == {
        'config.json', 'transformer', 'vae', 'dataset_statistics.json', 'text_embeddings.safetensors', 'README.md'}


def test_a_number_type_can_be_asked_for(released, tmp_path):
    torch.save(released_weights(torch.float32), released / PT)
    assert load_checkpoint(released).network.dtype == torch.float32
    assert load_checkpoint(released, dtype=torch.bfloat16).network.dtype == torch.bfloat16
    to_folder(released, tmp_path / 'ours', dtype='bfloat16')
    assert load_file(tmp_path / 'ours' / WEIGHTS)['proj_out.weight'].dtype == torch.bfloat16


def test_parts_may_lie_elsewhere(released, tmp_path):
    """A planning model comes as one file without name; the rest is the policy's."""
    expected = chunk(released)
    save_vae(tmp_path / 'autoencoder', small_vae())
    (tmp_path / 'planning').mkdir()
    shutil.move(released / PT, tmp_path / 'planning' / 'model.pt')
    parts = {'statistics': released / STATISTICS, 'text_embeddings': released, 'vae': tmp_path / 'autoencoder'}
    assert np.array_equal(chunk(tmp_path / 'planning' / 'model.pt', **parts), expected)
    assert np.array_equal(chunk(tmp_path / 'planning', **parts), expected)


def test_safetensors_and_names_without_prefix_load_as_well(released):
    expected = chunk(released)
    (released / PT).unlink()
    weights = released_weights()
    save_file({name.removeprefix('net.'): weights[name] for name in released_shapes()}, released / 'weights.safetensors')
    assert np.array_equal(chunk(released), expected)


def test_extra_states_as_byte_buffers_are_left_out(released):
    """Transformer-engine writes them so."""
    torch.save(released_weights() | {'net.blocks.0.self_attn.k_norm._extra_state': io.BytesIO(b'state')}, released / PT)
    assert np.isfinite(chunk(released)).all()


def test_nothing_of_the_network_is_left_without_values(released):
    """It is built without memory for its weights, which are then the file's."""
    network = load_checkpoint(released).network
    assert not any(value.is_meta for value in (*network.parameters(), *network.buffers()))
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize('change, message', [
    (lambda w: w.pop('net.final_layer.linear.weight'), r"1 weights missing \['final_layer.linear.weight'\], 0 unknown"),
    (lambda w: w.update({'net.head.weight': torch.zeros(2)}), r"0 weights missing \[\], 1 unknown \['head.weight'\]"),
    (lambda w: [w.pop(name) for name in released_shapes() if '.blocks.1.' in name], '20 weights missing'),
    (lambda w: w.update({'net.final_layer.linear.weight': torch.zeros(3, 3)}), r'shape \(3, 3\).* \(64, 48\)'),
    (lambda w: w.update({'net.final_layer.linear.weight': 'text'}), 'is a str, not a tensor')])
def test_a_network_of_another_kind_is_refused_by_its_names(released, change, message):
    weights = released_weights()
    change(weights)
    torch.save(weights, released / PT)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(released)


@pytest.mark.parametrize('content, message', [
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n', 'Git LFS pointer.*git lfs pull'),
    (b'<!DOCTYPE html><html>Sign in</html>', 'a web page'), (b'', 'an empty file'),
    (bytes(range(256)) * 9, 'damaged or no torch file'), (pickle.dumps([1, 2], 2), 'damaged or no torch file')])
def test_what_is_no_weights_file_is_named(released, content, message):
    (released / PT).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(released)


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('part', [0.2, 0.9])
def test_a_truncated_weights_file_is_named(released, zipped, part):
    torch.save(released_weights(), released / PT, _use_new_zipfile_serialization=zipped)
    content = (released / PT).read_bytes()
    (released / PT).write_bytes(content[:int(part * len(content))])
    with pytest.raises(CheckpointError, match=f'{PT}: damaged'):
        load_checkpoint(released)


class Code:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


@pytest.mark.parametrize('zipped', [True, False])
def test_code_in_a_weights_file_is_not_run(released, tmp_path, zipped):
    weights = released_weights() | {'net.accum_iteration': Code(tmp_path / 'touched')}
    torch.save(weights, released / PT, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match='open, which is no tensor; nothing of it was run'):
        load_checkpoint(released)
    assert not (tmp_path / 'touched').exists()


def test_another_object_than_a_dictionary_is_refused(released):
    torch.save([torch.zeros(2)], released / PT)
    with pytest.raises(CheckpointError, match='holds a list; expected a flat dictionary'):
        load_checkpoint(released)


def test_statistics_of_another_robot_are_refused(released):
    write_statistics(released / STATISTICS, actions=7, proprio=9)
    with pytest.raises(CheckpointError, match=r'7 actions and 9 proprio numbers.*another robot'):
        load_checkpoint(released)


def test_a_joint_that_never_moved_does_not_divide_by_zero(released):
    write_statistics(released / STATISTICS, proprio_min=[-1.0] * 13 + [0.4], proprio_max=[1.0] * 13 + [0.4])
    assert np.isfinite(chunk(released)).all()


@pytest.mark.parametrize('name, message', [
    (STATISTICS, 'no statistics beside it'), (TEXT, 'no text embeddings beside it'),
    ('tokenizer/tokenizer.pth', 'no vae beside it; give the Wan 2.1 autoencoder: tokenizer.pth of nvidia/'),
    (PT, 'found none; give the file itself')])
def test_a_missing_part_is_named(released, name, message):
    (released / name).unlink()
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(released)


def test_two_weights_files_are_not_chosen_between(released):
    shutil.copy(released / PT, released / 'other.pt')
    with pytest.raises(CheckpointError, match=f'found {PT}, other.pt; give the file itself'):
        load_checkpoint(released)


def test_an_autoencoder_of_another_kind_is_refused(released):
    torch.save({'decoder.weight': torch.zeros(2)}, released / 'tokenizer' / 'tokenizer.pth')
    with pytest.raises(CheckpointError, match='not a Wan autoencoder'):
        load_checkpoint(released)


def test_a_distributed_checkpoint_says_how_to_merge_it(tmp_path):
    (tmp_path / 'iter' / 'model').mkdir(parents=True)
    (tmp_path / 'iter' / 'model' / '__0_0.distcp').touch()
    (tmp_path / 'iter' / 'stray.pt').touch()
    (tmp_path / 'iter' / 'other.pt').touch()
    with pytest.raises(CheckpointError, match='dcp_to_torch'):
        load_checkpoint(tmp_path / 'iter')


def test_the_robot_comes_from_the_file_names_or_has_to_be_said(released):
    for name in (PT, STATISTICS, TEXT):
        (released / name).rename(released / name.replace('ALOHA', 'X').replace('aloha', 'x'))
    with pytest.raises(CheckpointError, match=f'no robots; give the preset, one of {ALOHA}'):
        load_config(released)
    assert load_config(released, ALOHA).robot == 'aloha'
    with pytest.raises(CheckpointError, match="'tiny-80' is no published preset"):
        load_checkpoint(released, 'tiny-80')


def test_our_folder_brings_its_own_parts(released, tmp_path):
    to_folder(released, tmp_path / 'ours')
    with pytest.raises(CheckpointError, match='has its own vae; leave them out'):
        load_checkpoint(tmp_path / 'ours', vae=released)
    with pytest.raises(CheckpointError, match='a checkpoint folder already'):
        to_folder(tmp_path / 'ours', tmp_path / 'again')


def test_a_network_with_a_position_table_has_no_released_form(released, tmp_path):
    to_folder(released, tmp_path / 'ours')
    weights = load_file(tmp_path / 'ours' / WEIGHTS)
    save_file(weights | {'position': torch.zeros(1)}, tmp_path / 'ours' / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"1 unknown \['position'\].*without a position table"):
        to_released(tmp_path / 'ours', tmp_path / 'x.pt')
    assert not list(tmp_path.glob('x.pt*'))


def test_a_conversion_that_fails_leaves_nothing_behind(released, tmp_path, monkeypatch):
    monkeypatch.setattr('cosmos_policy_ros.policy.weight_files.shutil.disk_usage',
                        lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(CheckpointError, match='GB needed, 0.00 GB free'):
        to_folder(released, tmp_path / 'ours')
    assert [path.name for path in tmp_path.iterdir()] == ['hub']


def test_the_digest_of_released_files_names_their_content(released):
    before = checkpoint_digest(released)
    torch.save(released_weights() | {'net.accum_iteration': torch.tensor(1)}, released / PT)
    assert checkpoint_digest(released) != before


def test_the_other_robots_of_the_family_load_by_their_names(tmp_path, monkeypatch, written):
    small = {name: replace(config, image_size=64, text_tokens=12, steps=1, network=SMALL.network)
             for name, config in published_presets().items()}
    monkeypatch.setattr('cosmos_policy_ros.policy.published_checkpoint.published_presets', lambda: small)
    for robot in ('libero', 'robocasa'):
        folder = tmp_path / robot
        folder.mkdir()
        shutil.copy(written / PT, folder / f'{robot}.pt')
        write_statistics(folder / f'{robot}_dataset_statistics.json', actions=7, proprio=9)
        shutil.copy(written / TEXT, folder / f'{robot}_t5_embeddings.pkl')
        policy = CosmosPolicy(load_checkpoint(folder, vae=written))
        cameras = policy.config.layout.cameras
        seen = Observation(0.0, dict.fromkeys(cameras, np.zeros((64, 64, 3), np.uint8)), np.zeros(9))
        assert policy.predict(seen, SENTENCES[0], seed=0, steps=1).actions.shape == (policy.config.chunk_rows, 7)
