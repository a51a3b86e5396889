"""What the doctor reads of a checkpoint, from files."""
import json
import shutil
import threading
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.cli.preflight import weights_size
from cosmos_policy_ros.cli.snapshot import read_model, why_not_served
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.embodiment.joints import ACTION_DIM
from cosmos_policy_ros.policy.serving.served_model import ServedModel
from cosmos_policy_ros.policy.statistics import START_TOLERANCE, DatasetStatistics


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped checkpoint."""
    return shutil.copytree(default_checkpoint(), tmp_path / 'copy')


def test_the_shipped_checkpoint_is_of_this_robot_and_knows_any_instruction(folder):
    model = read_model(str(folder), 'cpu', 'put the duck on the plate', policy_runs=False)
    assert (model.problem, model.robot, model.device_memory, model.instructions) == ('', 'aloha', 0, None)
    assert model.size == weights_size(folder) > 10 ** 6


def test_the_range_of_its_training_data_is_read_with_the_tolerance_of_the_policy_node(folder):
    pose = DatasetStatistics.load(folder / 'dataset_statistics.json').proprio_min
    lower, upper = read_model(str(folder), 'cpu', '', False).start_range['right']
    assert lower == pytest.approx(pose[7:13] - START_TOLERANCE) and len(upper) == 6


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


class FakeActServer(BaseHTTPRequestHandler):
    """Says who it is, in the words of ``told``."""

    told = {}

    def do_GET(self):
        body = json.dumps(self.told).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """URL of a ``FakeActServer``."""
    with ThreadingHTTPServer(('127.0.0.1', 0), FakeActServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


PLAIN = {'server_token_file': '', 'server_authority': ''}
ALOHA = ServedModel('tiny', 'aloha', CAMERAS, ACTION_DIM, ACTION_DIM, 50, instructions=('fold the shirt',))


@pytest.mark.parametrize('told, instruction, reason', [
    (ALOHA, 'fold the shirt', ''), (ALOHA, 'pour the tea', "not 'pour the tea'"),
    (replace(ALOHA, chunk_rows=16), 'fold the shirt', 'serves chunk_rows 16')], ids=['known', 'unknown', 'another robot'])
def test_a_server_is_asked_who_it_is(server, monkeypatch, told, instruction, reason):
    monkeypatch.setattr(FakeActServer, 'told', asdict(told))
    found = why_not_served(server, PLAIN, instruction)
    assert reason in found and bool(found) == bool(reason)


def test_a_server_that_is_not_there_or_no_address_is_said():
    assert '127.0.0.1:9' in why_not_served('http://127.0.0.1:9', PLAIN, '')
    assert 'expected http://host' in why_not_served('ftp://somewhere', PLAIN, '')
    assert 'token' in why_not_served('http://127.0.0.1:9', {**PLAIN, 'server_token_file': '/nowhere/token'}, '')
