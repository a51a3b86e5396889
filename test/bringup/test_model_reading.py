"""What the doctor reads of a checkpoint, from files."""
import json
import shutil

import pytest

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.cli.preflight import weights_size
from cosmos_policy_ros.cli.snapshot import read_model


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped checkpoint."""
    return shutil.copytree(default_checkpoint(), tmp_path / 'copy')


def test_the_shipped_checkpoint_is_of_this_robot_and_knows_any_instruction(folder):
    model = read_model(str(folder), 'cpu', 'put the duck on the plate', policy_runs=False)
    assert (model.problem, model.robot, model.device_memory, model.instructions) == ('', 'aloha', 0, None)
    assert model.size == weights_size(folder) > 10 ** 6


def test_another_robot_is_told_not_refused(folder):
    """The check says it, with its fix."""
    config = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**config, 'robot': 'libero'}))
    assert read_model(str(folder), 'cpu', '', False).robot == 'libero'


def test_missing_parts_and_a_missing_folder_are_the_problem(folder, tmp_path):
    (folder / 'dataset_statistics.json').unlink()
    assert 'dataset_statistics.json' in read_model(str(folder), 'cpu', '', False).problem
    assert 'no such checkpoint' in read_model(str(tmp_path / 'none'), 'cpu', '', False).problem


def test_a_device_that_is_not_there_is_named(folder):
    model = read_model(str(folder), 'cuda:7', '', False)
    assert 'cuda:7' in model.device_problem and model.device_memory == 0
