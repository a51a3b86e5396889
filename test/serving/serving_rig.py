"""Servers in threads for tests: the real one, and one that plays back bytes."""
import base64
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np

from cosmos_policy_ros.policy.serving.server import Server, bind
from cosmos_policy_ros.policy.serving.settings import ServerSettings
from fake_backend import MODEL, TASK, observation


@contextmanager
def running(backend, model=MODEL, wait=True, **settings):
    """(URL, ``Server``) of a server in a thread; its exit code is in ``server.code`` afterwards."""
    settings = ServerSettings(**{'port': 0, 'stop_timeout': 5.0} | settings)
    listener = bind(settings)
    url = f'http://127.0.0.1:{listener.getsockname()[1]}'
    listening = threading.Event()
    server = Server(listener, backend, model, settings, 'test', on_listening=listening.set)

    def run():
        try:
            server.code = server.run()
        except Exception as error:
            server.code = error

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert listening.wait(20)
        while wait and server.application.state == 'warming up':
            time.sleep(.005)
        yield url, server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def wire(array):
    """json_numpy's form, written from its description."""
    return {'__numpy__': base64.b64encode(array.tobytes()).decode(), 'dtype': array.dtype.str,
            'shape': list(array.shape)}


def payload(task=TASK, array=wire, seen=None, **more):
    """A request as the published client sends it."""
    seen = seen or observation()
    left, right, high = seen.images.values()
    return {'primary_image': array(high), 'left_wrist_image': array(left), 'right_wrist_image': array(right),
            'proprio': array(seen.proprio.astype(np.float32)), 'task_description': task, **more}


def post(url, body, headers=(), route='/act', timeout=20):
    """(status, document, headers) of a POST of ``body``: bytes, or what is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url + route, data, {'Content-Type': 'application/json', **dict(headers)})
    return ask(request, timeout)


def ask(request, timeout=20):
    """(status, document, headers) of any request; the document is text when it is no JSON."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, body, headers = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, body, headers = error.code, error.read(), error.headers
    try:
        return status, json.loads(body), headers
    except ValueError:
        return status, body.decode(), headers


@contextmanager
def scripted(*scripts):
    """URL of a server with one ``script(connection, request bytes)`` for each connection, the last one for the rest."""
    listener = socket.create_server(('127.0.0.1', 0))
    left = list(scripts)
    connections = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            script = left.pop(0) if len(left) > 1 else left[0]
            threading.Thread(target=talk, args=(connection, script), daemon=True).start()

    def talk(connection, script):
        try:
            script(connection, read_request(connection))
        except OSError:
            pass
        finally:
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{listener.getsockname()[1]}'
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()


def read_request(connection):
    """All bytes of one request with a content length."""
    data = b''
    while b'\r\n\r\n' not in data:
        data += connection.recv(1 << 16) or b'\r\n\r\n'
    head, _, body = data.partition(b'\r\n\r\n')
    length = next((int(line.split(b':')[1]) for line in head.split(b'\r\n')
                   if line.lower().startswith(b'content-length')), 0)
    while len(body) < length:
        chunk = connection.recv(1 << 16)
        if not chunk:
            break
        body += chunk
    return head + b'\r\n\r\n' + body


def response(body, status='200 OK', kind='application/json', length=None, more=''):
    """Bytes of an HTTP response."""
    return (f'HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body) if length is None else length}'
            f'\r\n{more}\r\n').encode() + body


def says(body, **options):
    """A script that answers with ``body`` (bytes, or what is sent as JSON)."""
    data = response(body if isinstance(body, bytes) else json.dumps(body).encode(), **options)
    return lambda connection, _: connection.sendall(data)
