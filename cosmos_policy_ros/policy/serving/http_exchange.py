"""One HTTP exchange with one deadline for all of it, however slowly the other side feeds us."""
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass

from .errors import DeadlineMissed, ReplyTooLarge, ServerUnreachable

CHUNK = 1 << 16


@dataclass(frozen=True)
class Address:
    """Where a server is. ``context``: of TLS, None for plain HTTP. ``path``: prefix of its routes."""

    host: str
    port: int
    path: str = ''
    context: ssl.SSLContext = None

    def __str__(self):
        host = f'[{self.host}]' if ':' in self.host else self.host
        return f'{"https" if self.context else "http"}://{host}:{self.port}{self.path}'


@dataclass(frozen=True)
class Answer:
    """status: of HTTP. headers: email.message.Message. body: bytes."""

    status: int
    headers: object
    body: bytes


class _Talk(threading.Thread):
    """The blocking side of an exchange. Nobody reads what arrives after it was abandoned."""

    def __init__(self, address, request, seconds, limit):
        super().__init__(name='http exchange', daemon=True)
        kind = http.client.HTTPSConnection if address.context else http.client.HTTPConnection
        options = {'context': address.context} if address.context else {}
        self._connection = kind(address.host, address.port, timeout=seconds, **options)
        self._request, self._limit = request, limit
        self._abandoned = False
        self.answer = self.error = None
        self.done = threading.Event()

    def run(self):
        try:
            self._connection.connect()
            if not self._abandoned:
                self.answer = self._talk()
        except (OSError, http.client.HTTPException, ValueError, ReplyTooLarge) as error:
            self.error = error
        finally:
            self._connection.close()
            self.done.set()

    def abandon(self):
        """End the thread, wherever it waits: a socket that is shut down wakes its reader."""
        self._abandoned = True
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _talk(self):
        self._connection.request(*self._request)
        response = self._connection.getresponse()
        declared = response.headers.get('Content-Length')
        if declared is not None and int(declared) > self._limit:
            raise ReplyTooLarge(f'{int(declared)} bytes announced')
        body = bytearray()
        while chunk := response.read(CHUNK):
            body += chunk
            if len(body) > self._limit:
                raise ReplyTooLarge(f'more than {self._limit} bytes')
        if declared is not None and len(body) != int(declared):
            raise http.client.IncompleteRead(bytes(body[:0]), int(declared) - len(body))
        return Answer(response.status, response.headers, bytes(body))


def exchange(address, method, route, body, headers, seconds, limit):
    """The ``Answer`` to one request. Uses a connection of its own, so that no late answer can meet a later request.

    Redirects are not followed and proxies are not used: observations go to ``address`` and nowhere else.

    Args:
        address: an ``Address``. route: '/act'. body: bytes or None. seconds: until the whole answer must be there.
        limit: bytes of its body.

    Raises:
        DeadlineMissed, ServerUnreachable, ReplyTooLarge: see there.
    """
    talk = _Talk(address, (method, address.path + route, body, headers | {'Connection': 'close'}), seconds, limit)
    talk.start()
    finished = talk.done.wait(seconds)
    if not finished or isinstance(talk.error, TimeoutError):
        talk.abandon()
        raise DeadlineMissed(f'{address}{route}: no complete answer within {seconds:.3g} s; a late one is discarded. '
                             f'Look at the load of the server and at the network')
    if isinstance(talk.error, ReplyTooLarge):
        raise ReplyTooLarge(f'{address}{route}: {talk.error}, this client reads at most {limit}; check what answers '
                            f'there')
    if talk.error is not None:
        raise ServerUnreachable(f'{address}{route}: {_reason(talk.error)}; check that the server runs and that the '
                                f'address is right') from talk.error
    return talk.answer


def _reason(error):
    if isinstance(error, http.client.IncompleteRead):
        return 'the connection ended before the whole answer was there'
    if isinstance(error, http.client.HTTPException):
        return f'no HTTP answer ({type(error).__name__})'
    return str(error) or type(error).__name__
