"""The server under load, under attack and at its end: bounded, responsive, and stopped without losing an answer."""
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosmos_policy_ros.policy.errors import PolicyError
from cosmos_policy_ros.policy.serving.server import ServerError, bind
from cosmos_policy_ros.policy.serving.settings import ServerSettings, read_token
from fake_backend import TASK, FakeBackend
from serving_rig import ask, payload, post, running

PATIENCE = 10.0


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, 'it did not happen'
        time.sleep(.005)


def connect(url):
    host, port = re.fullmatch(r'http://(.*):(\d+)', url).groups()
    return socket.create_connection((host, int(port)), PATIENCE)


def start(url, body, length=None):
    """A connection over which a request was sent whose reply nobody reads yet."""
    data = json.dumps(body).encode()
    connection = connect(url)
    connection.sendall(b'POST /act HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: '
                       + str(length or len(data)).encode() + b'\r\n\r\n' + data)
    return connection


def answer(connection):
    """Status of a reply, None when the connection ends without one."""
    head = b''
    try:
        while b'\r\n\r\n' not in head:
            chunk = connection.recv(1 << 16)
            if not chunk:
                return None
            head += chunk
    except ConnectionResetError:
        return None
    return int(head.split()[1])


def test_one_inference_at_a_time_however_many_ask():
    backend = FakeBackend(delay=.01)
    with running(backend, queue=40) as (url, _), ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: post(url, payload())[0], range(20))) == {200}
    assert backend.most == 1 and len(backend.calls) == 20


def test_a_full_queue_is_503_with_a_time_to_come_back_and_health_still_answers():
    backend = FakeBackend()
    with running(backend, queue=1) as (url, server):
        waiting = [start(url, payload('wait'))]
        until(lambda: backend.calls == ['wait'])
        waiting.append(start(url, payload()))
        until(lambda: server.application.queue.depth == 1)
        status, reply, headers = post(url, payload())
        assert status == 503 and int(headers['Retry-After']) >= 1 and reply['next']
        status, health, _ = ask(url + '/health')
        assert status == 200 and health['busy'] and health['queue'] == 1
        assert 'cosmos_policy_queue_depth 1.0' in ask(url + '/metrics')[1]
        backend.gate.set()
        assert [answer(connection) for connection in waiting] == [200, 200]


def test_a_client_that_left_before_its_turn_costs_no_inference():
    backend = FakeBackend()
    with running(backend) as (url, server):
        first = start(url, payload('wait'))
        until(lambda: backend.calls == ['wait'])
        for _ in range(3):
            start(url, payload('nobody waits for this')).close()
        until(lambda: server.application.queue.depth == 0 and 'status="499"} 3.0' in ask(url + '/metrics')[1])
        backend.gate.set()
        assert answer(first) == 200 and post(url, payload())[0] == 200
    assert backend.calls == ['wait', TASK]


def test_an_answer_that_takes_too_long_is_504_and_the_next_one_is_right():
    backend = FakeBackend()
    with running(backend, deadline=.3) as (url, _):
        status, reply, _ = post(url, payload('wait'))
        assert status == 504 and set(reply) == {'error', 'where', 'next'}
        backend.gate.set()
        assert post(url, payload())[0] == 200


def test_a_budget_reaches_the_backend_less_what_waiting_took():
    backend = FakeBackend()
    with running(backend, budget=7.0) as (url, _):
        first = start(url, payload('wait', cosmos_policy_ros={'budget': 5.0}))
        until(lambda: backend.calls == ['wait'])
        late = start(url, payload(cosmos_policy_ros={'budget': .2}))
        time.sleep(.3)
        backend.gate.set()
        assert answer(first) == 200 and answer(late) == 504
        assert post(url, payload())[0] == 200
    assert 0 < backend.budgets[0] < 5 < backend.budgets[1] < 7


@pytest.mark.parametrize('head', [
    b'Content-Length: 1073741824\r\n\r\n', b'Content-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n'])
def test_a_request_of_a_gigabyte_is_refused_unread(head):
    with running(FakeBackend()) as (url, _), connect(url) as connection:
        connection.sendall(b'POST /act HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' + head)
        assert answer(connection) == 413


def test_a_body_without_an_announced_length_is_cut_at_the_limit():
    with running(FakeBackend(), max_body=1 << 20) as (url, server), connect(url) as connection:
        connection.sendall(b'POST /act HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                           b'Transfer-Encoding: chunked\r\n\r\n')
        for _ in range(32):
            connection.sendall(b'10000\r\n' + bytes(1 << 16) + b'\r\n')
        connection.sendall(b'0\r\n\r\n')
        assert answer(connection) == 413


def test_a_client_that_sent_too_much_reads_why():
    """An early close would show it a broken pipe instead."""
    with running(FakeBackend()) as (url, _):
        status, reply, _ = post(url, bytes(20 << 20))
        assert status == 413 and '16777216' in reply['error']


def test_bodies_that_never_end_are_cut_off():
    with running(FakeBackend(), body_timeout=.2) as (url, _):
        connection = start(url, payload(), length=10 ** 6)
        assert answer(connection) == 408


def test_heads_that_never_end_are_cut_off_and_large_ones_refused():
    with running(FakeBackend(), head_timeout=.3) as (url, _):
        silent, trickling, large = connect(url), connect(url), connect(url)
        trickling.sendall(b'POST /act HTTP/1.1\r\n')

        def trickle():
            try:
                for _ in range(1000):
                    trickling.sendall(b'X: y\r\n')
                    time.sleep(.02)
            except OSError:
                pass

        thread = threading.Thread(target=trickle)
        thread.start()
        assert answer(silent) is None and answer(trickling) is None
        thread.join()
        large.sendall(b'GET /health HTTP/1.1\r\n' + b'X: ' + b'y' * (1 << 17))
        assert answer(large) in (400, None)
        assert ask(url + '/health')[0] == 200


def test_what_is_held_of_unfinished_bodies_is_bounded():
    with running(FakeBackend(), max_buffered=1 << 20) as (url, _):
        half = start(url, payload(), length=10 ** 6)
        until(lambda: post(url, payload())[0] == 503)
        half.close()
        until(lambda: post(url, payload())[0] == 200)


def test_a_stop_finishes_the_running_request_and_refuses_the_waiting_ones():
    backend = FakeBackend()
    with running(backend) as (url, server):
        first = start(url, payload('wait'))
        until(lambda: backend.calls == ['wait'])
        second = start(url, payload())
        until(lambda: server.application.queue.depth == 1)
        server.stop()
        assert answer(second) == 503
        with pytest.raises(OSError):
            connect(url)
        backend.gate.set()
        assert answer(first) == 200
    assert server.code == 0 and backend.closed and backend.calls == ['wait']


def test_a_stop_does_not_wait_for_ever():
    backend = FakeBackend()
    with running(backend, stop_timeout=.5) as (url, server):
        start(url, payload('wait'))
        until(lambda: backend.calls == ['wait'])
    assert server.code == 1 and not backend.closed
    backend.gate.set()


class FakeSlowWarmUp(FakeBackend):
    def warm_up(self):
        self.gate.wait(PATIENCE)


class FakeBroken(FakeBackend):
    def warm_up(self):
        raise PolicyError('out of memory; use a smaller model')


def test_nothing_is_served_before_the_model_is_warm():
    backend = FakeSlowWarmUp()
    with running(backend, wait=False) as (url, _):
        status, health, _ = ask(url + '/health')
        assert status == 503 and not health['ready'] and health['state'] == 'warming up'
        status, _, headers = post(url, payload())
        assert status == 503 and headers['Retry-After']
        backend.gate.set()
        until(lambda: ask(url + '/health')[0] == 200)
        assert post(url, payload())[0] == 200


def test_a_model_that_cannot_run_ends_the_server():
    with running(FakeBroken()) as (_, server):
        pass
    assert isinstance(server.code, ServerError) and 'use a smaller model' in str(server.code)


def test_a_taken_port_is_named():
    with running(FakeBackend()) as (url, _):
        port = int(url.rpartition(':')[2])
        with pytest.raises(ServerError, match=f':{port}'):
            bind(ServerSettings(port=port))


TOKEN = 'correct horse battery'


def test_every_route_wants_the_token():
    with running(FakeBackend(), token=TOKEN) as (url, _):
        for headers in {}, {'Authorization': 'Bearer wrong'}, {'Authorization': TOKEN}, {'Authorization': 'Bearer é'}:
            status, reply, sent = post(url, payload(), headers)
            assert status == 401 and sent['WWW-Authenticate'] == 'Bearer' and TOKEN not in json.dumps(reply)
        assert ask(url + '/health')[0] == ask(url + '/metrics')[0] == 401
        assert post(url, payload(), {'Authorization': f'Bearer {TOKEN}'})[0] == 200


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.168.1.5', 'robot.local', ''])
def test_others_can_reach_the_server_only_by_decision(host):
    with pytest.raises(ValueError, match='token'):
        ServerSettings(host=host)
    assert ServerSettings(host=host, token=TOKEN) and ServerSettings(host=host, insecure=True)


@pytest.mark.parametrize('host', ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
def test_this_machine_needs_no_token(host):
    assert ServerSettings(host=host).token == ''


def test_tokens_come_from_a_file_or_the_environment(tmp_path, monkeypatch):
    (tmp_path / 'token').write_text(f'{TOKEN}\n')
    (tmp_path / 'empty').write_text('\n')
    monkeypatch.setenv('COSMOS_POLICY_TOKEN', 'from the environment')
    assert read_token(tmp_path / 'token') == TOKEN and read_token() == 'from the environment'
    for name in 'empty', 'missing':
        with pytest.raises(ValueError, match=name):
            read_token(tmp_path / name)
    with pytest.raises(ValueError, match='openssl'):
        ServerSettings(token='short')
