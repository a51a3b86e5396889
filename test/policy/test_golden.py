"""Verification passes on a sound machine, and notices weights, code or arithmetic that differ."""
import dataclasses
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.policy import golden
from cosmos_policy_ros.policy.checkpoint_folder import GOLDEN, WEIGHTS, checkpoint_digest
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """A copy of the shipped checkpoint with its recorded answers, and its policy."""
    folder = shutil.copytree(default_checkpoint(), tmp_path_factory.mktemp('golden') / 'checkpoint')
    policy = CosmosPolicy.load(folder)
    golden.record(policy, folder)
    return folder, policy


def test_every_vector_and_oracle_holds_here():
    results = list(golden.verify_machine())
    assert [result for result in results if not result.ok] == [] and len(results) > 15


def test_the_short_encode_is_compared_with_something_that_notices(monkeypatch):
    """Encoding with one black frame less in front is what a wrong cache looks like."""
    encode = WanTokenizer.encode
    monkeypatch.setattr(WanTokenizer, 'encode', lambda self, images, black=0: encode(self, images.flip(1), black))
    assert {result.name: result.ok for result in golden.verify_machine()}[golden.ORACLES[2].name] is False


def test_a_result_that_is_no_number_is_not_ok():
    assert not golden.Result('x', float('nan'), 1.0).ok and golden.Result('x', 0.0, 0.0).ok


def test_recorded_answers_come_back(recorded):
    folder, policy = recorded
    results, about = golden.compare(policy, folder)
    assert [result.error for result in results] == [0.0, 0.0, 0.0] and about['device'] == 'cpu'


def test_recording_does_not_change_which_checkpoint_it_is(recorded):
    assert checkpoint_digest(recorded[0]) == checkpoint_digest(default_checkpoint())


def test_another_network_is_noticed(recorded):
    folder, policy = recorded
    other = CosmosPolicy.load(folder)
    with torch.no_grad():
        other.network.proj_out.weight.mul_(1.05)
    assert not all(result.ok for result in golden.compare(other, folder)[0])


def test_answers_of_other_files_are_refused(recorded, tmp_path):
    folder = shutil.copytree(recorded[0], tmp_path / 'changed')
    save_file({name: 1.1 * value for name, value in load_file(folder / WEIGHTS).items()}, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match='recorded for other files'):
        golden.compare(recorded[1], folder)
    (folder / GOLDEN).unlink()
    with pytest.raises(CheckpointError, match='golden.safetensors: missing; record answers'):
        golden.compare(recorded[1], folder)


def test_errors_are_shares_of_each_joints_range(recorded):
    folder, policy = recorded
    actions = policy.actions
    span = policy.statistics.actions_max - policy.statistics.actions_min
    policy.actions = lambda latent: actions(latent) + 0.005 * span
    try:
        chunk = golden.compare(policy, folder)[0][0]
    finally:
        del policy.actions
    assert chunk.error == pytest.approx(0.005) and chunk.ok and not dataclasses.replace(chunk, error=0.011).ok
