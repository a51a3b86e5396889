"""Embeddings come from the released pickle and from our file, and a pickle with anything else in it runs nothing."""
import pickle
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import load_file, save_file

from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.text_embeddings import add_embeddings, read_embeddings

TOKENS, WIDTH = 6, 4


def rows(seed=0, dtype=torch.bfloat16):
    value = torch.zeros(1, TOKENS, WIDTH, dtype=dtype)
    value[:, :3] = torch.randn(1, 3, WIDTH, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return value


class Code:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


@pytest.mark.parametrize('protocol', range(3, 6))
def test_the_released_pickle_is_read(tmp_path, protocol):
    """Number types may differ: upstream adds float32 rows to a file of bfloat16 ones."""
    values = {'fold shirt': rows(0), 'put candy in bag': rows(1, torch.float32)}
    path = tmp_path / 'aloha_t5_embeddings.pkl'
    path.write_bytes(pickle.dumps(OrderedDict(values), protocol=protocol))
    found = read_embeddings(path, TOKENS, WIDTH)
    assert all(torch.equal(found[name], values[name][0]) and found[name].dtype == values[name].dtype for name in values)


def test_a_pickle_written_by_torch_is_read(tmp_path):
    torch.save({'fold shirt': rows()}, tmp_path / 't5_embeddings.pkl')
    assert torch.equal(read_embeddings(tmp_path / 't5_embeddings.pkl', TOKENS, WIDTH)['fold shirt'], rows()[0])


def hidden_in_a_storage(path):
    """A tensor's storage is a pickle inside the pickle."""
    class Storage:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (pickle.dumps(Code(path), 2),)
    return Storage()


@pytest.mark.parametrize('make', [Code, hidden_in_a_storage, lambda path: {'fold shirt': Code(path)}])
def test_code_in_a_pickle_is_not_run(tmp_path, make):
    path = tmp_path / 'aloha_t5_embeddings.pkl'
    path.write_bytes(pickle.dumps({'fold shirt': make(tmp_path / 'touched')}))
    with pytest.raises(CheckpointError, match='nothing of it was run|damaged or no pickle'):
        read_embeddings(path, TOKENS, WIDTH)
    assert not (tmp_path / 'touched').exists()


@pytest.mark.parametrize('value, message', [
    ({'fold shirt': torch.zeros(1, TOKENS, 5)}, r"'fold shirt' has shape \(1, 6, 5\).*\(6, 4\); embed"),
    ({'fold shirt': torch.full((1, TOKENS, WIDTH), float('nan'))}, 'NaN or infinity'),
    ({'fold shirt': [1.0]}, 'is no tensor of floats'),
    ({'fold shirt': torch.zeros(1, TOKENS, WIDTH, dtype=int)}, 'is no tensor of floats'),
    ([rows()], 'holds a list'), ({3: rows()}, 'expected a dictionary of instructions')])
def test_what_is_no_embedding_is_refused(tmp_path, value, message):
    path = tmp_path / 'aloha_t5_embeddings.pkl'
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(CheckpointError, match=message):
        read_embeddings(path, TOKENS, WIDTH)


@pytest.mark.parametrize('content', [b'', b'version https://git-lfs.github.com/spec/v1\n', b'<html>',
                                     bytes(range(256))])
def test_a_file_that_is_no_pickle_is_named(tmp_path, content):
    path = tmp_path / 'aloha_t5_embeddings.pkl'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match='aloha_t5_embeddings.pkl: '):
        read_embeddings(path, TOKENS, WIDTH)


def test_new_sentences_are_added_once(tmp_path):
    path = tmp_path / 'text_embeddings.safetensors'
    save_file({'fold shirt': rows()[0]}, path)
    add_embeddings(path, {'flatten shirt': rows(1)[0]})
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="'flatten shirt' already embedded"):
        add_embeddings(path, {'flatten shirt': rows(2)[0]})
    assert path.read_bytes() == before and set(load_file(path)) == {'fold shirt', 'flatten shirt'}
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
