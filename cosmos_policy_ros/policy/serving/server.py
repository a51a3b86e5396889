"""Runs the policy server: sockets, TLS, time limits of connections, and a stop that finishes what is running."""
import math
import signal
import socket
import ssl
import threading
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import PolicyError
from .application import Application

MAX_HEAD = 16 << 10
"""Bytes of a request's line and headers."""

KEEP_ALIVE = 15
"""s that an idle connection is kept: longer than a robot executes one chunk."""


class ServerError(PolicyError):
    """The server cannot start: address, certificate or model."""


def timed_protocol(head_timeout):
    """A uvicorn protocol that ends connections whose request head or reply makes no progress for ``head_timeout`` s."""

    class TimedProtocol(H11Protocol):
        _head_timer = None

        def connection_made(self, transport):
            super().connection_made(transport)
            self._expect_head()

        def data_received(self, data):
            super().data_received(data)
            # Counted from the first byte of a head, so that one byte now and then does not prolong it.
            if self.cycle is None or self.cycle.response_complete:
                self._expect_head()
            elif self._head_timer:
                self._head_timer.cancel()
                self._head_timer = None

        def connection_lost(self, error):
            super().connection_lost(error)
            if self._head_timer:
                self._head_timer.cancel()

        def on_response_complete(self):
            super().on_response_complete()
            if self.transport.get_write_buffer_size():
                self.loop.call_later(head_timeout, self._abort_unread, self.cycle)

        def _abort_unread(self, cycle):
            if cycle is self.cycle and self.transport.get_write_buffer_size():
                self.transport.abort()

        def _expect_head(self):
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(head_timeout, self.transport.abort)

    return TimedProtocol


def bind(settings):
    """A bound socket for ``settings``; nobody can connect to it before the server runs.

    Raises:
        ServerError: the address is taken or not ours, or the certificate cannot be used.
    """
    if settings.certificate:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.certificate, settings.key)
        except (OSError, ssl.SSLError) as error:
            raise ServerError(f'certificate {settings.certificate} with key {settings.key}: {error}; give PEM files '
                              f'that belong together') from None
    listener = socket.socket(socket.AF_INET6 if ':' in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ServerError(f'cannot listen on {settings.host}:{settings.port}: {error.strerror or error}; choose '
                          f'another --host or --port, or end the program that has it') from None
    return listener


class Server:
    """A server for one backend.

    Args:
        listener: of ``bind``. backend, model, settings, version, gpu_memory: of ``Application``. on_listening: called
        when clients can connect; the model may still be warming up.
    """

    def __init__(self, listener, backend, model, settings, version='', gpu_memory=None, on_listening=lambda: None):
        self._listener, self._backend = listener, backend
        self.application = Application(backend, model, settings, version, self.stop, gpu_memory)
        config = uvicorn.Config(
            self.application.asgi, http=timed_protocol(settings.head_timeout), ws='none', lifespan='on',
            log_config=None, access_log=False, server_header=False, limit_concurrency=settings.max_connections,
            timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=math.ceil(settings.stop_timeout),
            h11_max_incomplete_event_size=MAX_HEAD, ssl_certfile=settings.certificate or None,
            ssl_keyfile=settings.key or None)
        self._uvicorn = _Uvicorn(config, self.application, on_listening)

    def run(self):
        """Serve until :meth:`stop` or a signal.

        Returns:
            0, or 1 when an inference was still running after ``stop_timeout``.

        Raises:
            ServerError: the model could not be warmed up.
        """
        application = self.application
        try:
            self._uvicorn.run(sockets=[self._listener])
        finally:
            application.queue.close()
            if not application.queue.busy:
                self._backend.close()
        if application.failure is not None:
            raise ServerError(f'the model does not run: {application.failure}') from application.failure
        return int(application.queue.busy)

    def stop(self):
        """Ask for the end; callable from any thread and from a signal handler."""
        self._uvicorn.should_exit = True


class _Uvicorn(uvicorn.Server):
    def __init__(self, config, application, on_listening):
        super().__init__(config)
        self._application, self._on_listening = application, on_listening

    @contextmanager
    def capture_signals(self):
        """As uvicorn's, but a signal that was obeyed is not raised again: a stop that was asked for is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets=None):
        self._application.stop()
        await super().shutdown(sockets)
