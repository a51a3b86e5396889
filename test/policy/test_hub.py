"""A hub id downloads, an existing path never does, and every failure says which of the two it was."""
import sys

import huggingface_hub
import pytest
from huggingface_hub import errors

from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.hub import local_path


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Calls to the hub library, which answers with a folder."""
    calls = []

    def answer(name):
        def fetch(*args, **kwargs):
            calls.append((name, args, kwargs.get('revision')))
            return str(tmp_path / 'cache')
        return fetch

    for name in ('snapshot_download', 'hf_hub_download'):
        monkeypatch.setattr(huggingface_hub, name, answer(name))
    return calls


def test_an_existing_path_wins_over_a_hub_id(hub, tmp_path, monkeypatch):
    (tmp_path / 'nvidia' / 'model').mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert str(local_path('nvidia/model')) == 'nvidia/model' and hub == []


@pytest.mark.parametrize('source, call', [
    ('nvidia/Cosmos-Policy-ALOHA', ('snapshot_download', ('nvidia/Cosmos-Policy-ALOHA',), None)),
    ('org/model@v1.0', ('snapshot_download', ('org/model',), 'v1.0')),
    ('org/model/tokenizer/tokenizer.pth@main', ('hf_hub_download', ('org/model', 'tokenizer/tokenizer.pth'), 'main'))])
def test_a_hub_id_is_downloaded(hub, tmp_path, source, call):
    assert local_path(source) == tmp_path / 'cache' and hub == [call]


@pytest.mark.parametrize('source', ['./org/model', '/org/model', '~/org/model', 'model', '../model', 'org/../model',
                                    'a b/c'])
def test_a_path_that_does_not_exist_is_not_looked_for_on_the_hub(hub, source, tmp_path, monkeypatch):
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path / 'empty')
    with pytest.raises(CheckpointError, match='no such checkpoint folder or file'):
        local_path(source)
    assert hub == []


class Response:
    """As much of an HTTP response as the hub library's errors keep."""

    headers, request, status_code = {}, None, 404


@pytest.mark.parametrize('error, advice', [
    (errors.LocalEntryNotFoundError('offline'), 'cannot be reached'), (ConnectionError('refused'), 'cannot be reached'),
    (errors.RepositoryNotFoundError('404', response=Response()), 'check the spelling'),
    (errors.RevisionNotFoundError('404', response=Response()), 'check the spelling'),
    (errors.GatedRepoError('403', response=Response()), 'licence has to be accepted')])
def test_a_failed_download_is_a_named_error(monkeypatch, error, advice):
    def fail(*_, **__):
        raise error
    monkeypatch.setattr(huggingface_hub, 'snapshot_download', fail)
    with pytest.raises(CheckpointError, match=f'org/model: no such path here, and as a hub id it failed.*{advice}'):
        local_path('org/model')


def test_without_the_hub_library_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with pytest.raises(CheckpointError, match='pip install huggingface_hub'):
        local_path('org/model')
