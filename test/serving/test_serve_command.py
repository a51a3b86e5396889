"""``cosmos-policy-ros serve`` as its users meet it: a process with the shipped checkpoint, curl, and signals."""
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import json_numpy
import numpy as np
import pytest

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.resizing import box
from cosmos_policy_ros.policy.serving.client import RemoteBackend
from fake_backend import FakeBackend, observation
from serving_rig import ask, payload, running

ROOT = Path(__file__).resolve().parents[2]
START = 120.0


@contextmanager
def serve(*arguments):
    """(URL, process) of the command in a process of its own, once the model is warm."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'cosmos_policy_ros.cli.main', 'serve', '--port', '0', '--steps', '1', *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = next(match[0] for text in process.stderr if (match := re.search(r'http://127\.0\.0\.1:\d+', text)))
        end = time.monotonic() + START
        while ask(url + '/health')[0] != 200:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(.1)
        yield url, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture(scope='module')
def server():
    """(URL, process); the last test ends it."""
    with serve('--json') as started:
        yield started


@pytest.fixture(scope='module')
def served(server):
    return server[0]


@pytest.fixture(scope='module')
def policy():
    return CosmosPolicy.load(default_checkpoint())


def test_curl_and_json_numpy_get_the_direct_prediction_in_the_published_form(served, policy, tmp_path):
    seen, task = observation(size=480), policy.instructions[0]
    (tmp_path / 'request.json').write_text(json.dumps(payload(task, seen=seen)))
    said = subprocess.run(
        ['curl', '-sSf', '-H', 'Content-Type: application/json', '--data', f'@{tmp_path}/request.json',
         f'{served}/act'], capture_output=True, timeout=60, check=True)
    reply = json_numpy.loads(said.stdout)
    expected = policy.predict(seen, task, 195, steps=1, futures=True)
    assert isinstance(reply['actions'], list) and reply['actions'][0].shape == (14,)
    np.testing.assert_array_equal(reply['actions'], expected.actions)
    assert reply['value_prediction'] == expected.value
    np.testing.assert_array_equal(reply['future_image_predictions']['future_wrist_image2'],
                                  expected.future_images['cam_right_wrist'])


def test_a_robot_with_large_pictures_gets_what_it_would_predict_itself(served, policy):
    """The client makes pictures small exactly as this checkpoint does."""
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (480, 640, 3), np.uint8) for name in observation().images}
    seen = Observation(0.0, images, observation().proprio)
    remote = RemoteBackend(served)
    remote.warm_up()
    answer = remote.infer(seen, remote.instructions[0], 5, futures=True)
    expected = policy.predict(seen, policy.instructions[0], 5, steps=1, futures=True)
    np.testing.assert_array_equal(answer.actions, expected.actions)
    np.testing.assert_array_equal(answer.future_images['cam_high'], expected.future_images['cam_high'])
    assert remote.instructions == policy.instructions and {'encode', 'sample', 'network'} <= set(answer.latencies)
    assert box(images['cam_high'], policy.config.image_size).nbytes < images['cam_high'].nbytes / 40


def test_what_cannot_be_served_is_said_before_anything_is_loaded(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('COSMOS_POLICY_TOKEN', raising=False)

    def fails(*arguments):
        with pytest.raises(SystemExit) as raised:
            main(['serve', *arguments])
        said = capsys.readouterr().err
        assert raised.value.code == 1 and 'Traceback' not in said and 'loading' not in said
        return said

    with running(FakeBackend()) as (url, _):
        assert 'choose another' in fails('--port', url.rpartition(':')[2])
    assert 'token' in fails('--host', '0.0.0.0')
    assert 'missing' in fails('--token-file', str(tmp_path / 'missing'))
    assert 'use direct, ' in fails('--planning', 'clever')
    assert '--planning paper' in fails('--workers', '2')
    assert 'both' in fails('--certificate', 'x.pem')
    assert 'PEM' in fails('--certificate', 'x.pem', '--key', 'y.pem', '--port', '0')


def test_a_checkpoint_that_is_none_is_said_and_the_port_given_back(tmp_path, capsys):
    with pytest.raises(SystemExit) as raised:
        main(['serve', '--port', '0', '--checkpoint', str(tmp_path)])
    assert raised.value.code == 1 and str(tmp_path) in capsys.readouterr().err


def test_a_small_load_of_good_and_bad_requests_is_answered_right():
    """The benchmark checks every answer, memory and the exit code after SIGTERM; its full size is 1000 requests."""
    done = subprocess.run(
        [sys.executable, 'benchmarks/bench_serve.py', '--requests', '60', '--good', '20', '--queue', '8'],
        cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ' 0 wrong answers' in done.stdout


def test_the_example_of_the_documentation_works(served, tmp_path):
    block = re.search(r'```sh\n(.*?)```', (ROOT / 'docs' / 'serving.md').read_text(), re.DOTALL)[1]
    assert 'http://127.0.0.1:8777' in block
    subprocess.run(['bash', '-e', '-c', block.replace('http://127.0.0.1:8777', served)], cwd=tmp_path, check=True,
                   timeout=60)
    assert len(json.loads((tmp_path / 'reply.json').read_text())['actions']) == 50


def test_an_interrupt_ends_it_with_code_0(server):
    _, process = server
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out.splitlines()[-1])['stopped']
