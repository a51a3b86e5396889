"""The client survives every server: it answers, or raises in time an error that names what the server did."""
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from cosmos_policy_ros.policy.errors import ObservationError
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.resizing import published_resize
from cosmos_policy_ros.policy.serving import errors
from cosmos_policy_ros.policy.serving.client import PUBLISHED_ALOHA, RemoteBackend, parse_url
from cosmos_policy_ros.policy.serving.reply import UNKNOWN_SEED
from fake_backend import MODEL, TASK, FakeBackend, expected_actions, observation
from fake_upstream import SEED, fake_upstream
from serving_rig import response, running, says, scripted, wire

SEEN = observation()


def reply(**changes):
    """A correct reply of the published server, with some keys changed; None drops a key."""
    image = wire(np.zeros((224, 224, 3), np.uint8))
    document = {'actions': [wire(row) for row in expected_actions(SEEN, 0)],
                'future_image_predictions': dict.fromkeys(
                    ('future_wrist_image', 'future_wrist_image2', 'future_image'), image), 'value_prediction': .25}
    return {key: value for key, value in (document | changes).items() if value is not None}


def infer(url, seconds=5.0, **options):
    return RemoteBackend(url, timeout=seconds).infer(SEEN, TASK, 0, **options)


def test_an_answer_of_our_server_equals_the_backend_behind_it():
    with running(FakeBackend()) as (url, _):
        remote = RemoteBackend(url)
        remote.warm_up()
        answer = remote.infer(SEEN, TASK, 11, futures=True)
        assert (remote.robot, remote.instructions) == ('aloha', (TASK,))
    np.testing.assert_array_equal(answer.actions, expected_actions(SEEN, 11))
    assert answer.value == .5 and answer.planner == 'fake' and answer.latencies['sample'] == .01
    assert answer.latencies['total'] == pytest.approx(answer.latencies['network'] + .02)
    np.testing.assert_array_equal(answer.future_images['cam_high'], SEEN.images['cam_high'] + 1)


def test_a_plan_of_our_server_arrives_complete():
    with running(FakeBackend()) as (url, _):
        some = infer(url).plan, infer(url, budget=2.0)
        plan = RemoteBackend(url).infer(SEEN, 'plan', 4, every_candidate=True).plan
        numbers = RemoteBackend(url).infer(SEEN, 'plan', 4).plan
    assert some[0] is None and some[1].plan is None
    assert (plan.chosen, plan.depth, plan.calls, plan.elapsed, plan.deadline_met) == (1, 1, 122, .5, True)
    assert [(c.index, c.seed, c.value, c.spread, c.members) for c in plan.candidates] \
        == [(0, 4, 0., .125, 3), (1, 5, .25, .125, 3)] \
        == [(c.index, c.seed, c.value, c.spread, c.members) for c in numbers.candidates]
    np.testing.assert_array_equal(plan.candidates[1].actions_by_depth[0], expected_actions(SEEN, 4) + 1)
    assert set(plan.candidates[0].futures_by_depth[0]) == set(SEEN.images)
    assert numbers.candidates[0].actions_by_depth == ()


def test_the_published_server_answers_and_warms_up():
    with fake_upstream() as url:
        remote = RemoteBackend(url)
        remote.warm_up()
        answer = remote.infer(SEEN, TASK, 0, futures=True)
        np.testing.assert_array_equal(answer.actions, expected_actions(SEEN, SEED))
        assert answer.value == .3 and answer.plan is None
        assert {name: image[0, 0, 0] for name, image in answer.future_images.items()} \
            == {name: image[0, 0, 0] for name, image in SEEN.images.items()}
        assert remote.infer(SEEN, TASK, 0).future_images is None
        with pytest.raises(errors.ServerFailed, match='"error"'):
            remote.infer(SEEN, 'a sentence that it does not know', 0)


def test_candidates_of_the_published_server_are_a_report():
    with fake_upstream(candidates=3) as url:
        plan = infer(url, every_candidate=True).plan
    assert plan.chosen == 2 and [round(c.value, 6) for c in plan.candidates] == [.3, .4, .5]
    assert {c.seed for c in plan.candidates} == {UNKNOWN_SEED}


def test_pictures_are_made_small_as_the_published_client_does():
    large = Observation(0.0, {name: np.random.default_rng(i).integers(0, 256, (480, 640, 3), np.uint8)
                              for i, name in enumerate(SEEN.images)}, SEEN.proprio)
    with running(FakeBackend()) as (url, _):
        answer = RemoteBackend(url).infer(large, TASK, 0, futures=True)
    for name, image in large.images.items():
        np.testing.assert_array_equal(answer.future_images[name], published_resize(image) + np.uint8(1))


def test_a_server_with_another_picture_size_is_given_that():
    model = replace(MODEL, presize='box', image_size=80)
    with running(FakeBackend(), model) as (url, _):
        remote = RemoteBackend(url)
        remote.warm_up()
        assert remote.infer(SEEN, TASK, 0, futures=True).future_images['cam_high'].shape == (80, 80, 3)


ROW = wire(np.zeros(14))
LIES = {
    'error': ('error', errors.ServerFailed), 'encoded error': (json.dumps('error'), errors.ServerFailed),
    'other string': ('fine', errors.MalformedReply), 'a list': ([], errors.MalformedReply),
    'null': (b'null', errors.MalformedReply), 'nothing': (b'', errors.MalformedReply),
    'cut JSON': (json.dumps(reply()).encode()[:-2], errors.MalformedReply),
    'not UTF-8': (b'\xff' * 9, errors.MalformedReply),
    'no actions': (reply(actions=None), errors.MalformedReply),
    '49 rows': (reply(actions=[ROW] * 49), errors.MalformedReply),
    '51 rows': (reply(actions=[ROW] * 51), errors.MalformedReply),
    '7 joints': (reply(actions=[wire(np.zeros(7))] * 50), errors.MalformedReply),
    'whole numbers': (reply(actions=[wire(np.zeros(14, '<i8'))] * 50), errors.MalformedReply),
    'mixed rows': (reply(actions=[ROW] * 49 + [wire(np.zeros(13))]), errors.MalformedReply),
    'objects': (reply(actions={'__numpy__': 'AAAA', 'dtype': '|O', 'shape': [50, 14]}), errors.MalformedReply),
    'NaN': (reply(actions=[wire(np.full(14, np.nan))] * 50), errors.NonFiniteReply),
    'infinity': (reply(actions=[ROW] * 49 + [wire(np.full(14, np.inf))]), errors.NonFiniteReply),
    'NaN in lists': (reply(actions=[[float('nan')] * 14] * 50), errors.NonFiniteReply),
    'no value': (reply(value_prediction=None), errors.MalformedReply),
    'value NaN': (reply(value_prediction=float('nan')), errors.MalformedReply),
    'value 2': (reply(value_prediction=2), errors.MalformedReply),
    'value null': (json.dumps(reply() | {'value_prediction': None}).encode(), errors.MalformedReply),
    'value true': (reply(value_prediction=True), errors.MalformedReply),
    'two values': (reply(value_predictions=.5), errors.MalformedReply),
    'pictures are a list': (reply(future_image_predictions=[]), errors.MalformedReply),
    'a picture is missing': (reply(future_image_predictions={'future_image': ROW}), errors.MalformedReply),
    'pictures are vectors': (reply(future_image_predictions=dict.fromkeys(
        ('future_wrist_image', 'future_wrist_image2', 'future_image'), ROW)), errors.MalformedReply),
    'own facts are garbage': (reply(cosmos_policy_ros={'planner': 'x', 'latencies': [], 'plan': None}),
                              errors.MalformedReply),
    'plan is garbage': (reply(cosmos_policy_ros={'planner': 'x', 'latencies': {}, 'plan': {'chosen': 'x'}}),
                        errors.MalformedReply),
}


@pytest.mark.parametrize('body, kind', LIES.values(), ids=LIES)
def test_a_reply_that_lies_is_named_and_nothing_of_it_used(body, kind):
    with scripted(says(body)) as url, pytest.raises(kind) as raised:
        infer(url)
    assert type(raised.value) is kind and len(str(raised.value)) < 500


@pytest.mark.parametrize('changes', [{}, {'value_prediction': None, 'value_predictions': .25},
                                     {'value_predictions': .25}, {'unheard_of': [1]},
                                     {'actions': expected_actions(SEEN, 0).tolist()},
                                     {'actions': wire(expected_actions(SEEN, 0))}, {'future_image_predictions': None}])
def test_every_spelling_of_a_correct_reply_is_read(changes):
    for body in reply(**changes), json.dumps(reply(**changes)):
        with scripted(says(body)) as url:
            answer = infer(url)
        np.testing.assert_array_equal(answer.actions, expected_actions(SEEN, 0))
        assert answer.value == .25


@pytest.mark.parametrize('key', ['all_value_predictions', 'all_actions_by_depth'])
def test_results_of_every_candidate_are_checked_too(key):
    rows = reply()['actions']
    everything = {'all_value_predictions': [.25], 'all_actions_by_depth': [[rows]],
                  'all_future_image_predictions_by_depth': [[]], 'all_value_predictions_by_depth': [[.25]]}
    with scripted(says(reply(**everything))) as url:
        assert infer(url, every_candidate=True).plan.chosen == 0
    for wrong in [], None, {}, [1, 2], ['x'], [[[ROW]]]:
        with scripted(says(reply(**everything | {key: wrong}))) as url, pytest.raises(errors.MalformedReply):
            infer(url, every_candidate=True)


REFUSAL = {'error': 'what', 'where': 'here', 'next': 'do that'}
HTML = b'<html>hello</html>'
STATUSES = {
    '301 Moved': errors.NotAPolicyServer, '307 Redirect': errors.NotAPolicyServer, '400 Bad': errors.RequestRefused,
    '401 No': errors.RequestRefused, '404 No': errors.NotAPolicyServer, '405 No': errors.NotAPolicyServer,
    '413 Large': errors.RequestRefused, '422 No': errors.RequestRefused, '429 Busy': errors.ServerBusy,
    '500 Failed': errors.ServerFailed, '503 Busy': errors.ServerBusy, '504 Late': errors.DeadlineMissed}


@pytest.mark.parametrize('status', STATUSES)
@pytest.mark.parametrize('body, kind', [(REFUSAL, 'application/json'), (HTML, 'text/html'), ([1], 'application/json')])
def test_every_status_has_its_error(status, body, kind):
    script = says(body, status=status, kind=kind, more='Location: http://127.0.0.1:1/\r\nRetry-After: 7\r\n')
    with scripted(script) as url, pytest.raises(STATUSES[status], match=status[:3]) as raised:
        infer(url)
    assert ('here: what; do that' in str(raised.value)) == (body is REFUSAL)
    assert getattr(raised.value, 'retry_after', 7) == 7


def test_a_page_is_no_reply():
    with scripted(says(HTML, kind='text/html')) as url, pytest.raises(errors.NotAPolicyServer, match='text/html'):
        infer(url)


def stall(connection, _):
    time.sleep(3)


def trickle(head):
    def script(connection, _):
        body = json.dumps(reply()).encode()
        data = response(body)
        connection.sendall(data[:20 if head else 500])
        for i in range(300):
            connection.sendall(data[500 + i:501 + i] if not head else b'x')
            time.sleep(.01)
    return script


@pytest.mark.parametrize('script', [stall, trickle(head=True), trickle(head=False), says(reply(), length=10 ** 6)],
                         ids=['stalls', 'trickles its head', 'trickles its body', 'announces more than it sends'])
def test_a_server_that_stalls_costs_the_deadline_and_no_more(script):
    def patient(connection, request):
        script(connection, request)
        time.sleep(3)
    with scripted(patient) as url:
        before, begin = threading.active_count(), time.monotonic()
        with pytest.raises(errors.DeadlineMissed):
            infer(url, budget=.3)
        assert time.monotonic() - begin < 2
        while any(thread.name == 'http exchange' for thread in threading.enumerate()):
            assert time.monotonic() - begin < 2.5, 'the abandoned exchange goes on'
            time.sleep(.01)
        assert threading.active_count() <= before + 1


def test_an_address_where_nobody_answers_packets_costs_the_deadline():
    with socket.socket() as full:
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            with pytest.raises((errors.DeadlineMissed, errors.ServerUnreachable)):
                infer(f'http://127.0.0.1:{full.getsockname()[1]}', budget=.3)
        finally:
            for filler in fillers:
                filler.close()


DEATHS = {
    'at once': lambda connection, _: None,
    'in its head': lambda connection, _: connection.sendall(b'HTTP/1.'),
    'in its body': lambda connection, _: connection.sendall(response(json.dumps(reply()).encode())[:5000]),
    'in a chunk': lambda connection, _: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc'),
    'without HTTP': lambda connection, _: connection.sendall(b'SSH-2.0-OpenSSH_9.6\r\n'),
    'a length that is none': lambda connection, _: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'),
}


@pytest.mark.parametrize('script', DEATHS.values(), ids=DEATHS)
def test_a_server_that_dies_is_unreachable_and_the_next_call_connects_again(script):
    with scripted(script, says(reply())) as url:
        remote = RemoteBackend(url, timeout=5.0)
        with pytest.raises(errors.ServerUnreachable):
            remote.infer(SEEN, TASK, 0)
        np.testing.assert_array_equal(remote.infer(SEEN, TASK, 0).actions, expected_actions(SEEN, 0))


def test_a_server_that_was_restarted_answers_again():
    with running(FakeBackend()) as (url, _):
        remote = RemoteBackend(url)
        remote.infer(SEEN, TASK, 0)
        port = int(url.rpartition(':')[2])
    with pytest.raises(errors.ServerUnreachable):
        remote.infer(SEEN, TASK, 0)
    with running(FakeBackend(), port=port):
        np.testing.assert_array_equal(remote.infer(SEEN, TASK, 1).actions, expected_actions(SEEN, 1))


@pytest.mark.parametrize('script', [
    says(b'', length=1 << 30),
    lambda connection, _: [connection.sendall(data) for data in
                           [b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n'] + [bytes(1 << 20)] * 90]],
    ids=['announced', 'endless'])
def test_a_giant_reply_is_not_read(script):
    with scripted(script) as url, pytest.raises(errors.ReplyTooLarge):
        infer(url)


def test_a_late_reply_is_never_taken_for_a_later_one():
    """The first reply arrives while the second request is under way."""
    def late(connection, _):
        time.sleep(.4)
        connection.sendall(response(json.dumps(reply(actions=[ROW] * 50)).encode()))

    def slow(connection, _):
        time.sleep(.5)
        says(reply())(connection, _)

    with scripted(late, slow) as url:
        remote = RemoteBackend(url)
        with pytest.raises(errors.DeadlineMissed):
            remote.infer(SEEN, TASK, 0, budget=.2)
        np.testing.assert_array_equal(remote.infer(SEEN, TASK, 0).actions, expected_actions(SEEN, 0))


def test_nobody_there_is_said_at_once():
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{closed.getsockname()[1]}'
        for call in RemoteBackend(url).warm_up, lambda: infer(url):
            with pytest.raises(errors.ServerUnreachable, match=url):
                call()


def test_warm_up_waits_for_the_model_and_refuses_another_robot():
    health = MODEL.to_dict() | {'ready': True}
    with scripted(says(health, status='503 Warming'), says(health)) as url:
        RemoteBackend(url).warm_up()
    with scripted(says(health, status='503 Warming')) as url, pytest.raises(errors.ServerBusy):
        RemoteBackend(url, patience=0.0).warm_up()
    for change in {'robot': 'libero', 'cameras': ['wrist', 'primary']}, {'chunk_rows': 16}, {'robot': 'toaster'}, \
            {'cameras': 7}:
        with scripted(says(health | change)) as url, pytest.raises(errors.NotAPolicyServer):
            RemoteBackend(url).warm_up()
    with scripted(says(HTML, status='404 No', kind='text/html')) as url, pytest.raises(errors.NotAPolicyServer):
        RemoteBackend(url).warm_up()


def test_a_closed_backend_and_a_spent_budget_send_nothing():
    with scripted(says(reply())) as url:
        remote = RemoteBackend(url)
        with pytest.raises(errors.DeadlineMissed):
            remote.infer(SEEN, TASK, 0, budget=1e-9)
        remote.close()
        with pytest.raises(errors.RemoteError):
            remote.infer(SEEN, TASK, 0)


def test_an_observation_of_another_robot_is_not_sent():
    strange = Observation(0.0, {'wrist': SEEN.images['cam_high']}, SEEN.proprio)
    with pytest.raises(ObservationError):
        RemoteBackend('http://127.0.0.1:1').infer(strange, TASK, 0)


def test_the_token_is_sent():
    with running(FakeBackend(), token='correct horse battery') as (url, _):
        with pytest.raises(errors.RequestRefused, match='token'):
            RemoteBackend(url).warm_up()
        remote = RemoteBackend(url, token='correct horse battery')
        remote.warm_up()
        assert remote.infer(SEEN, TASK, 0).value == .5


def test_tls_by_configuration_and_only_with_a_trusted_certificate(tmp_path):
    certificate, key = str(tmp_path / 'cert.pem'), str(tmp_path / 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', key, '-out', certificate, '-subj', '/CN=robot', '-addext',
                    'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
    with running(FakeBackend(), certificate=certificate, key=key) as (url, _):
        secure = url.replace('http', 'https')
        with pytest.raises(errors.ServerUnreachable, match='certificate'):
            infer(secure)
        with pytest.raises(errors.ServerUnreachable):
            infer(url)
        remote = RemoteBackend(secure, authority=certificate)
        remote.warm_up()
        np.testing.assert_array_equal(remote.infer(SEEN, TASK, 2).actions, expected_actions(SEEN, 2))


@pytest.mark.parametrize('url', ['robot', 'ftp://robot', 'http://', 'http://user:word@robot', 'http://robot/?a=1', ''])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match='http://host:8777'):
        RemoteBackend(url)


def test_the_port_of_the_published_server_is_assumed():
    assert str(parse_url('http://robot')) == str(parse_url('http://robot/act')) == 'http://robot:8777'
    assert str(parse_url('http://[::1]')) == 'http://[::1]:8777'
    assert str(parse_url('https://robot:443/policy/')) == 'https://robot:443/policy'


def test_the_client_runs_without_torch():
    code = ('import sys; sys.modules["torch"] = None; import cosmos_policy_ros.policy.serving.client; '
            'assert not {"starlette", "uvicorn", "diffusers", "scipy"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)


def test_the_published_model_is_what_upstream_serves():
    assert (PUBLISHED_ALOHA.chunk_rows, PUBLISHED_ALOHA.action_dim, PUBLISHED_ALOHA.image_size) == (50, 14, 224)
