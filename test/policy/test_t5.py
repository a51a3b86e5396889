"""New sentences are embedded as the published ones were: one row a token, the end token too, zeros after it."""
import sys

import pytest
import torch
from transformers import T5Config, T5EncoderModel, T5TokenizerFast

from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.t5 import embed

WIDTH, TOKENS = 16, 12


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Folder of a random T5 encoder that knows the letters and two words."""
    folder = tmp_path_factory.mktemp('t5')
    words = [('<pad>', 0.0), ('</s>', 0.0), ('<unk>', 0.0), ('▁fold', -1.0), ('▁shirt', -2.0), ('▁', -3.0)]
    tokenizer = T5TokenizerFast(vocab=words + [(letter, -6.0) for letter in 'abcdefghijklmnopqrstuvwxyz'], extra_ids=0)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    T5EncoderModel(T5Config(vocab_size=len(tokenizer), d_model=WIDTH, d_kv=4, d_ff=32, num_layers=2,
                            num_heads=4)).save_pretrained(folder)
    return folder


def test_rows_are_the_encoders_and_zero_after_the_end(model):
    rows = embed(['fold shirt'], TOKENS, WIDTH, model)['fold shirt']
    assert rows.shape == (TOKENS, WIDTH) and rows.dtype == torch.float32
    assert rows[:3].abs().sum(1).gt(0).all() and not rows[3:].any()
    # As published: padded to the full length behind an attention mask.
    tokenizer, encoder = T5TokenizerFast.from_pretrained(model), T5EncoderModel.from_pretrained(model).eval()
    padded = tokenizer('fold shirt', padding='max_length', max_length=TOKENS, return_tensors='pt')
    with torch.no_grad():
        expected = encoder(**padded).last_hidden_state[0]
    assert (rows[:3] - expected[:3]).abs().max() < 1e-5


def test_the_number_type_is_the_encoders(model):
    rows = embed(['fold shirt', 'fold'], TOKENS, WIDTH, model, dtype=torch.bfloat16)
    assert {value.dtype for value in rows.values()} == {torch.bfloat16} and list(rows) == ['fold shirt', 'fold']


@pytest.mark.parametrize('sentence, width, message', [
    ('fold shirt', 32, 'rows of 16 numbers, the network reads 32'), ('  ', WIDTH, 'is empty'),
    ('fold the shirt along its seams', WIDTH, 'tokens, the network reads 12; use a shorter sentence')])
def test_what_the_network_cannot_read_is_refused(model, sentence, width, message):
    with pytest.raises(CheckpointError, match=message):
        embed([sentence], TOKENS, width, model)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=f'{tmp_path}: no T5 model could be loaded'):
        embed(['fold'], TOKENS, WIDTH, tmp_path)


def test_without_transformers_the_pip_line_is_said(monkeypatch, model):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(CheckpointError, match='pip install transformers sentencepiece'):
        embed(['fold'], TOKENS, WIDTH, model)
