"""The operator's page over HTTP: who is let in, what it shows, what its buttons do, and what its absence means."""
import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import uvicorn
from fake_station import PATIENCE, FakeStation

from cosmos_policy_ros.control.operation import FAILURE_TYPES, Control
from cosmos_policy_ros.nodes import operator as operator_module
from cosmos_policy_ros.nodes import operator_page
from cosmos_policy_ros.nodes.operator import Operator
from cosmos_policy_ros.nodes.operator_page import TOKEN_HEADER, OperatorPage

TOKEN = 'a token of some length'


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Client:
    """Asks one server; a reply has ``status_code``, ``headers``, ``text`` and ``json()``."""

    def __init__(self, port):
        self._port = port

    def get(self, path, headers={}):
        return self._ask('GET', path, headers)

    def post(self, path, headers={}):
        return self._ask('POST', path, headers)

    def _ask(self, method, path, headers):
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            reply = connection.getresponse()
            text = reply.read().decode()
            return SimpleNamespace(status_code=reply.status, headers=reply.headers, text=text, json=lambda: json.loads(text))
        finally:
            connection.close()


class SilentStation(FakeStation):
    """Notes when it is told to say nothing."""

    def be_silent(self):
        self.asked.append('silent')


@contextmanager
def served(station, token='', hosts=None):
    """A ``Client`` of a page."""
    operator = Operator(station, 'plate', 0, 100)
    page = OperatorPage(operator, station, token, hosts)
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        server = uvicorn.Server(uvicorn.Config(page.app, log_level='warning', timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={'sockets': [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Client(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
            operator.close()


@pytest.fixture
def station(monkeypatch):
    monkeypatch.setattr(operator_module, 'RELEASE_TIME', 0.01)
    monkeypatch.setattr(operator_page, 'PRESENCE', 0.3)
    station = SilentStation()
    station.show('READY')
    return station


def token_in(page):
    return page.text.split("const TOKEN = '")[1].split("'")[0]


def test_the_page_of_the_loopback_address_works_as_it_is(station):
    with served(station) as client:
        page = client.get('/')
        assert page.status_code == 200 and '@TOKEN@' not in page.text and page.headers['X-Frame-Options'] == 'DENY'
        headers = {TOKEN_HEADER: token_in(page)}
        shown = client.get('/state', headers=headers).json()
        assert (shown['state'], shown['heard'], shown['task'], shown['pressed']) == ('READY', True, 'plate', False)
        assert shown['controls']['start'] == '' and shown['controls']['reset'] == 'no stop is latched'
        assert set(shown['controls']) == {control.value for control in Control}
        assert client.post('/do/stop', headers=headers).json() == {'done': 'stop'} and 'press' in station.asked
        assert client.get('/state', headers=headers).json()['pressed']
        refused = client.post('/do/cancel', headers=headers)
        assert refused.status_code == 409 and refused.json() == {'refused': 'no rollout is running'}
        assert client.post('/do/explode', headers=headers).status_code == 404


def test_a_failure_may_have_a_type_but_only_a_known_one(station):
    with served(station) as client:
        headers = {TOKEN_HEADER: token_in(client.get('/'))}
        assert client.post('/do/start', headers=headers).status_code == 200
        station.show('RUNNING', 'policy')
        station.feedback = SimpleNamespace(stage='run', step=25, chunks=1, value=0.4)
        shown = client.get('/state', headers=headers).json()
        assert shown['failure_types'] == list(FAILURE_TYPES) and shown['typed'] == ['failure', 'partial']
        for refused in ('failure?note=bad%20luck', f'success?note={quote(FAILURE_TYPES[0])}'):
            assert client.post(f'/do/{refused}', headers=headers).status_code == 400
        for control, score in (('failure', 0.0), ('partial', 0.5)):
            assert client.post(f'/do/{control}?note={quote(FAILURE_TYPES[0])}', headers=headers).status_code == 200
            until(lambda: (control, score, FAILURE_TYPES[0], '') in station.asked)


def test_another_sites_page_gets_nothing(station):
    """It can make the browser send requests, but neither with the header nor under the page's own name."""
    with served(station, hosts={'127.0.0.1:8778'}) as client:
        assert client.get('/', headers={'Host': 'evil.example'}).status_code == 403
        page = client.get('/', headers={'Host': '127.0.0.1:8778'})
        headers = {'Host': '127.0.0.1:8778', TOKEN_HEADER: token_in(page)}
        assert client.get('/state', headers=headers).status_code == 200
        for wrong in ({'Host': '127.0.0.1:8778'}, {**headers, TOKEN_HEADER: 'x'}, {**headers, 'Host': 'evil.example'}):
            assert client.post('/do/stop', headers=wrong).status_code == 401
            assert client.get('/state', headers=wrong).status_code == 401
    assert 'press' not in station.asked


def test_beyond_loopback_the_address_has_to_carry_the_token(station):
    with served(station, TOKEN) as client:
        assert client.get('/').status_code == client.get('/?token=wrong').status_code == 403
        page = client.get(f'/?token={quote(TOKEN)}')
        assert page.status_code == 200 and token_in(page) == TOKEN
        assert client.post('/do/stop', headers={TOKEN_HEADER: TOKEN}).status_code == 200


def test_the_source_speaks_while_a_page_is_open_and_falls_silent_with_it(station):
    with served(station) as client:
        headers = {TOKEN_HEADER: token_in(client.get('/'))}
        assert not station.asked, 'nobody has looked yet'
        client.get('/state', headers=headers)
        until(lambda: station.asked == ['release'])
        until(lambda: station.asked == ['release', 'silent'])
        client.get('/state', headers=headers)
        until(lambda: station.asked == ['release', 'silent', 'release'])


def test_a_press_outlives_the_page(station):
    with served(station) as client:
        headers = {TOKEN_HEADER: token_in(client.get('/'))}
        client.get('/state', headers=headers)
        client.post('/do/stop', headers=headers)
        until(lambda: 'press' in station.asked)
        before = list(station.asked)
        time.sleep(0.6)
        client.get('/state', headers=headers)
        time.sleep(0.2)
        assert station.asked == before, 'neither silence nor a new page lets go of it'
