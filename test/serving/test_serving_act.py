"""/act answers in the published form, and says with a status what it cannot answer."""
import json
import subprocess

import json_numpy
import numpy as np
import pytest

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.serving.served_model import ServedModel
from fake_backend import MODEL, TASK, FakeBackend, expected_actions, observation
from serving_rig import ask, payload, post, running, wire


@pytest.fixture(scope='module')
def url():
    with running(FakeBackend()) as (address, _):
        yield address


@pytest.fixture(scope='module')
def legacy_url():
    with running(FakeBackend(), legacy_errors=True) as (address, _):
        yield address


def rows(document):
    return np.stack([json_numpy.loads(json.dumps(row)) for row in document])


SEEN = observation()
ANSWER = expected_actions(SEEN, 195)


@pytest.mark.parametrize('array', [wire, lambda value: value.tolist()], ids=['json_numpy', 'nested lists'])
def test_the_reply_has_the_published_form(url, array):
    status, reply, headers = post(url, payload(array=array))
    assert status == 200 and headers['Content-Type'] == 'application/json'
    assert set(reply) == {'actions', 'future_image_predictions', 'value_prediction', 'value_predictions'}
    assert len(reply['actions']) == 50
    assert all(set(row) == {'__numpy__', 'dtype', 'shape'} and row['dtype'] == '<f8' and row['shape'] == [14]
               for row in reply['actions'])
    np.testing.assert_array_equal(rows(reply['actions']), ANSWER)
    assert reply['value_prediction'] == reply['value_predictions'] == .5
    pictures = {name: json_numpy.loads(json.dumps(image)) for name, image in reply['future_image_predictions'].items()}
    assert {name: (image.shape, image.dtype) for name, image in pictures.items()} == dict.fromkeys(
        ('future_wrist_image', 'future_wrist_image2', 'future_image'), ((224, 224, 3), np.uint8))
    assert [pictures[name][0, 0, 0] for name in ('future_wrist_image', 'future_wrist_image2', 'future_image')] \
        == [SEEN.images[name][0, 0, 0] + 1 for name in CAMERAS]


def test_a_doubly_encoded_request_is_answered_in_kind(url):
    _, plain, _ = post(url, payload())
    status, reply, _ = post(url, {'encoded': json.dumps(payload())})
    assert status == 200 and isinstance(reply, str) and json.loads(reply) == plain


def test_all_query_results_have_the_published_keys(url):
    _, reply, _ = post(url, payload('plan', return_all_query_results=True))
    assert reply['value_prediction'] == .5
    assert [rows(actions).shape for actions in reply['all_actions']] == [(50, 14)] * 2
    np.testing.assert_array_equal(rows(reply['all_actions'][1]), rows(reply['actions']))
    assert reply['all_value_predictions'] == [0., .25] and reply['all_value_predictions_by_depth'] == [[0.], [.25]]
    assert [len(actions) for actions in reply['all_actions_by_depth']] == [1, 1]
    assert [set(pictures[0]) for pictures in reply['all_future_image_predictions_by_depth']] \
        == [set(reply['future_image_predictions'])] * 2
    assert [set(pictures) for pictures in reply['all_future_image_predictions']] \
        == [set(reply['future_image_predictions'])] * 2


def test_all_query_results_of_a_direct_answer_are_one_candidate(url):
    _, reply, _ = post(url, payload(return_all_query_results=True))
    assert reply['all_actions'] == [reply['actions']] and reply['all_actions_by_depth'] == [[reply['actions']]]
    assert reply['all_value_predictions'] == [.5] and reply['all_value_predictions_by_depth'] == [[.5]]
    assert reply['all_future_image_predictions'] == [reply['future_image_predictions']]
    assert reply['all_future_image_predictions_by_depth'] == [[]]


def test_unknown_keys_are_ignored(url):
    assert post(url, payload(proprio_history=[[0.] * 14], images_history=None, anything={'a': []}))[0] == 200


def test_our_own_options_choose_seed_and_pictures(url):
    _, reply, _ = post(url, payload(cosmos_policy_ros={'seed': 3, 'futures': False}))
    np.testing.assert_array_equal(rows(reply['actions']), expected_actions(SEEN, 3))
    assert reply['future_image_predictions'] is None
    assert reply['cosmos_policy_ros'] == {'planner': 'fake', 'latencies': {'sample': .01, 'total': .02}, 'plan': None}


def test_a_value_that_was_not_predicted_is_null(url):
    _, reply, _ = post(url, payload('no value'))
    assert reply['value_prediction'] is None


def test_curl_gets_the_published_reply(url, tmp_path):
    (tmp_path / 'request.json').write_text(json.dumps(payload()))
    said = subprocess.run(['curl', '-sS', '-w', '%{stderr}%{http_code}', '-H', 'Content-Type: application/json',
                           '--data', f'@{tmp_path}/request.json', f'{url}/act'], capture_output=True, timeout=20)
    assert said.stderr == b'200' and len(json.loads(said.stdout)['actions']) == 50


BAD = {
    'no JSON': (b'{"primary_image": ', 400), 'garbage': (b'\x00\xff' * 500, 400), 'empty': (b'', 400),
    'a list': ([1, 2], 400), 'a string': ('hello', 400), 'nothing in it': ({}, 400),
    'no proprio': ({key: value for key, value in payload().items() if key != 'proprio'}, 400),
    'task is a number': (payload(5), 400), 'flag is a word': (payload(return_all_query_results='yes'), 400),
    'encoded is no text': ({'encoded': {}}, 400), 'encoded garbage': ({'encoded': '{'}, 400),
    'options of a typo': (payload(cosmos_policy_ros={'sed': 1}), 400),
    'negative seed': (payload(cosmos_policy_ros={'seed': -1}), 400),
    'deep': (b'[' * 90_000 + b']' * 90_000, 400),
    'object array': (payload() | {'proprio': {'__numpy__': 'AAAA', 'dtype': '|O', 'shape': [1]}}, 400),
    'lie about a shape': (payload() | {'proprio': wire(np.zeros(3, '<f4')) | {'shape': [14]}}, 400),
    'ragged picture': (payload() | {'primary_image': [[[1, 2, 3]], [[1, 2, 3], [1, 2, 3]]]}, 400),
    'unknown instruction': (payload('unknown'), 422), 'NaN': (payload() | {'proprio': [float('nan')] * 14}, 422),
    'infinity': (payload() | {'proprio': wire(np.full(14, np.inf, np.float32))}, 422),
    'thirteen joints': (payload() | {'proprio': [0.] * 13}, 422),
    'grey picture': (payload() | {'primary_image': wire(np.zeros((224, 224), np.uint8))}, 422),
    'four channels': (payload() | {'primary_image': wire(np.zeros((8, 8, 4), np.uint8))}, 422),
    'no pixels': (payload() | {'primary_image': wire(np.zeros((0, 8, 3), np.uint8))}, 422),
    'bright pixels': (payload() | {'primary_image': wire(np.full((8, 8, 3), 256, np.int32))}, 422),
    'half pixels': (payload() | {'primary_image': wire(np.full((8, 8, 3), .5, np.float32))}, 422),
    'wide picture': (payload() | {'primary_image': wire(np.zeros((1, 2049, 3), np.uint8))}, 422),
}


@pytest.mark.parametrize('body, status', BAD.values(), ids=BAD)
def test_a_bad_request_is_told_what_is_wrong_where_and_what_to_do(url, body, status):
    answer, reply, _ = post(url, body)
    assert answer == status and set(reply) == {'error', 'where', 'next'} and all(reply.values())


def test_an_inference_that_fails_is_500_without_its_details(url):
    status, reply, _ = post(url, payload('crash'))
    assert status == 500 and reply['where'] == 'inference' and 'secret' not in json.dumps(reply)
    assert post(url, payload())[0] == 200


def test_wrong_routes_methods_and_types_have_their_status(url):
    assert ask(url + '/act')[0] == 405 and ask(url + '/acts')[0] == 404 and post(url, {}, route='/act/')[0] == 404
    assert post(url, b'{}', {'Content-Type': 'text/plain'})[0] == 415


@pytest.mark.parametrize('body, status', [
    (payload('unknown'), 200), (payload('crash'), 200), ({}, 200), (payload() | {'proprio': [float('nan')] * 14}, 200),
    (b'{', 422), ([1], 422)])
def test_legacy_errors_are_those_of_the_published_server(legacy_url, body, status):
    answer, reply, _ = post(legacy_url, body)
    assert answer == status and (reply == 'error') == (status == 200)
    assert ask(legacy_url + '/act')[0] == 405 and ask(legacy_url + '/x')[0] == 404


@pytest.mark.parametrize('robot, cameras, names, futures', [
    ('libero', ('wrist', 'primary'), ('wrist_image', 'primary_image'), ('future_wrist_image', 'future_image')),
    ('robocasa', ('wrist', 'primary', 'secondary'), ('wrist_image', 'primary_image', 'secondary_image'),
     ('future_wrist_image', 'future_image', 'future_image2'))])
def test_other_robots_have_their_own_picture_names(robot, cameras, names, futures):
    model = ServedModel('fake', robot, cameras, 9, 7, 16)
    assert tuple(model.request_names.values()) == names and tuple(model.reply_names.values()) == futures


@pytest.mark.parametrize('config', published_presets().values(), ids=lambda config: config.robot)
def test_every_published_preset_can_be_described(config):
    """Pictures that the model flips or stores as JPEG must not be resized before."""
    model = ServedModel.of(config, ('a', 'b'))
    assert ServedModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model
    assert model.presize == ('published' if config.robot == 'aloha' else 'none')
    assert set(model.request_names) == set(model.cameras)


def test_health_describes_the_model(url):
    status, health, _ = ask(url + '/health')
    assert status == 200 and health['ready'] and health['version'] == 'test' and health['instructions'] == [TASK]
    assert ServedModel.from_dict(health) == MODEL


def test_metrics_count_answers_and_time_every_stage(url):
    post(url, payload())
    post(url, {})
    _, text, headers = ask(url + '/metrics')
    assert headers['Content-Type'].startswith('text/plain; version=')
    for line in ('cosmos_policy_requests_total{status="200"}', 'cosmos_policy_requests_total{status="400"}',
                 'cosmos_policy_stage_seconds_bucket{le="0.1",stage="inference"}', 'cosmos_policy_queue_depth 0.0',
                 'cosmos_policy_stage_seconds_count{stage="model_sample"}'):
        assert line in text
    assert 'gpu_memory' not in text
