"""The command says what a checkpoint is, converts, embeds and verifies, and ends with 0 only when it did."""
import json
import shutil

import pytest
import torch
from released_files import SENTENCES, released_weights, small_presets, write_released
from safetensors.torch import load_file

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.cli.main import main

pytestmark = pytest.mark.usefixtures(small_presets.__name__)


@pytest.fixture
def command(capsys):
    """command(*arguments) -> (exit code, last line as JSON, standard output, standard error)."""
    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(['checkpoint', *map(str, arguments), '--json'])
        told = capsys.readouterr()
        return end.value.code, json.loads(told.out.splitlines()[-1]) if told.out else None, told.err
    return run


@pytest.fixture
def plain(capsys):
    """plain(*arguments) -> (exit code, standard output)."""
    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(['checkpoint', *map(str, arguments)])
        return end.value.code, capsys.readouterr().out
    return run


@pytest.fixture
def released(tmp_path):
    return write_released(tmp_path / 'hub')


def test_inspect_tells_a_folder_of_ours(command):
    code, found, _ = command('inspect', default_checkpoint())
    assert code == 0 and (found['kind'], found['preset'], found['missing']) == ('checkpoint folder', 'tiny-80', [])
    network = found['transformer/diffusion_pytorch_model.safetensors']
    assert (network['blocks'], network['width'], network['heads'], network['fits presets']) == (6, 256, 4, [])


def test_inspect_tells_an_incomplete_folder(command, tmp_path):
    folder = shutil.copytree(default_checkpoint(), tmp_path / 'c')
    (folder / 'tokenizer.safetensors').unlink()
    assert command('inspect', folder)[1]['missing'] == ['tokenizer.safetensors']


def test_inspect_tells_released_files(command, released):
    code, found, _ = command('inspect', released)
    assert code == 0 and (found['kind'], found['missing']) == ('released files', [])
    weights = found['Cosmos-Policy-ALOHA-Predict2-2B.pt']
    assert weights['fits presets'] == ['cosmos-policy-aloha-2b'] and 'bfloat16' in weights['tensors']
    assert 'net.accum_iteration' in weights['left out']
    assert found['aloha_t5_embeddings.pkl']['instructions'] == sorted(SENTENCES)


def test_inspect_tells_a_file_alone_and_what_is_odd_about_it(command, released):
    path = released / 'Cosmos-Policy-ALOHA-Predict2-2B.pt'
    weights = released_weights() | {'net.head.weight': torch.zeros(2)}
    weights.pop('net.final_layer.linear.weight')
    torch.save(weights, path)
    _, found, _ = command('inspect', path)
    assert found['kind'] == 'released network weights' and 'vae' in found['missing']
    assert (found['weights missing'], found['weights unknown']) == (['final_layer.linear.weight'], ['head.weight'])
    assert command('inspect', released / 'tokenizer' / 'tokenizer.pth')[1]['kind'] == 'Wan video autoencoder'
    assert command('inspect', released / 'aloha_dataset_statistics.json')[1]['actions'].startswith('14 numbers')


def test_inspect_prints_for_people(plain):
    code, text = plain('inspect', default_checkpoint())
    assert code == 0 and '\n  preset: tiny-80\n' in text and text.endswith('to run: nothing is missing\n')


def test_convert_there_and_back(command, released, tmp_path):
    code, found, _ = command('convert', released, tmp_path / 'ours')
    assert code == 0 and found['preset'] == 'cosmos-policy-aloha-2b' and found['number type'] == 'bfloat16'
    assert command('inspect', tmp_path / 'ours')[1]['missing'] == []
    assert 'SHA-256' in (tmp_path / 'ours' / 'README.md').read_text()
    assert command('convert', tmp_path / 'ours', tmp_path / 'back.safetensors')[0] == 0
    assert torch.equal(load_file(tmp_path / 'back.safetensors')['net.final_layer.linear.weight'],
                       released_weights()['net.final_layer.linear.weight'])


def test_convert_never_writes_over_something(command, released, tmp_path):
    (tmp_path / 'there').mkdir()
    code, found, said = command('convert', released, tmp_path / 'there')
    assert code == 1 and 'exists' in found['error'] and 'next: give a new path' in said
    assert 'no such folder' in command('convert', released, tmp_path / 'deep' / 'er')[1]['error']


def test_errors_are_one_line_with_the_next_step(command, released):
    (released / 'aloha_dataset_statistics.json').unlink()
    code, found, said = command('convert', released, released.parent / 'ours')
    assert code == 1 and 'no statistics beside it' in found['error'] and found['hint'] and 'Traceback' not in said
    assert not (released.parent / 'ours').exists()


def test_verify_checks_this_machine(plain):
    code, text = plain('verify')
    assert code == 0 and 'start noise, digests' in text and 'FAILED' not in text


def test_verify_records_and_compares(command, tmp_path):
    folder = shutil.copytree(default_checkpoint(), tmp_path / 'c')
    assert 'golden.safetensors' in command('verify', folder)[1]['error']
    assert command('verify', folder, '--record')[0] == 0
    code, found, _ = command('verify', folder)
    assert code == 0 and found['failed'] == [] and found['results'][-1]['name'].startswith('recorded')


def test_verify_fails_when_one_line_fails(command, monkeypatch):
    from cosmos_policy_ros.policy import golden
    monkeypatch.setattr(golden, 'GOLDEN_VECTORS', (golden.GoldenVector('off', 1e-6, lambda device: 1.0),))
    code, found, _ = command('verify')
    assert code == 1 and found['failed'] == ['off']


def test_embed_adds_a_sentence_that_the_policy_then_knows(command, released, tmp_path, monkeypatch):
    from cosmos_policy_ros.policy import t5
    from cosmos_policy_ros.policy.checkpoint import load_checkpoint
    command('convert', released, tmp_path / 'ours')
    monkeypatch.setattr(t5, 'embed', lambda sentences, *shape_and_more: {
        sentence: torch.ones(shape_and_more[:2]) for sentence in sentences})
    assert command('embed', tmp_path / 'ours', 'flatten shirt')[1]['added'] == ['flatten shirt']
    assert 'flatten shirt' in load_checkpoint(tmp_path / 'ours').text_embeddings
    assert 'already embedded' in command('embed', tmp_path / 'ours', 'flatten shirt')[1]['error']


def test_embed_is_refused_where_any_sentence_works(command):
    assert 'embeds every sentence by itself' in command('embed', default_checkpoint(), 'fold')[1]['error']
