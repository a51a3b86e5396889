"""Inference on another machine: a backend that asks an ``/act`` server, ours or the published one."""
import http
import json
import ssl
import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

from ...embodiment.cameras import CAMERAS
from ...embodiment.joints import ACTION_DIM
from .errors import (
    DeadlineMissed,
    NotAPolicyServer,
    RemoteError,
    RequestRefused,
    ServerBusy,
    ServerFailed,
)
from .http_exchange import Address, exchange
from .reply import read_reply
from .request import write_request
from .served_model import ServedModel
from .settings import PORT

PUBLISHED_ALOHA = ServedModel('published', 'aloha', CAMERAS, ACTION_DIM, ACTION_DIM, 50)
"""What the published server serves; it cannot be asked."""

MAX_REPLY = 64 << 20
"""Bytes. All results of eight candidates, three pictures each in two lists, are about 10 MB."""

TRANSFER_RESERVE = 0.05
"""s of a budget that are kept from the server for the way there and back."""

POLL = 0.5
"""s between two questions whether the server is ready."""


class RemoteBackend:
    """An ``inference.Backend`` behind a URL. Needs no torch.

    Every inference has one deadline, uses a connection of its own and leaves nothing behind when it fails, so the next
    one works as soon as the server does.

    Args:
        url: 'http://host:8777', or https. model: the ``ServedModel`` that is expected; a server that describes another
        robot or chunk is refused, and its instructions and picture size are taken over. timeout: s for an inference
        without a budget. patience: s that :meth:`warm_up` waits for a server that is still warming up. token: bearer
        token. authority: PEM file of the certificate authority of a server whose certificate is not publicly trusted.

    Raises:
        ValueError: the URL or the authority's file cannot be used.
    """

    def __init__(self, url, model=PUBLISHED_ALOHA, timeout=30.0, patience=120.0, token='', authority='',
                 max_reply=MAX_REPLY, clock=time.monotonic):
        self._address = parse_url(url, authority)
        self._expected = self._model = model
        self._timeout, self._patience, self._max_reply, self._clock = timeout, patience, max_reply, clock
        self._headers = {'Content-Type': 'application/json'}
        if token:
            self._headers['Authorization'] = f'Bearer {token}'
        self._closed = threading.Event()

    statistics = None  # they are with the server

    @property
    def robot(self):
        """Robot whose actions the server answers with."""
        return self._model.robot

    @property
    def instructions(self):
        """Sentences that the server said it knows; empty before :meth:`warm_up` and with a published server."""
        return self._model.instructions

    def warm_up(self):
        """Finds out who answers at the address, and waits until it is ready.

        Raises:
            RemoteError: nobody, somebody else, a server of another robot, or one that is not ready in time.
        """
        end = self._clock() + self._patience
        while True:
            answer = self._exchange('GET', '/health', None, self._timeout)
            if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                break
            if self._clock() > end:
                raise ServerBusy(f'{self._address} is not ready after {self._patience:g} s; look at its log', POLL)
            self._closed.wait(POLL)
        if answer.status == http.HTTPStatus.NOT_FOUND:  # a published server has no such route
            self._require_act_route()
            return
        self._require_success(answer)
        self._model = self._described(answer.body)

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        """See ``inference.Backend``; ``latencies`` gains 'network', and its 'total' is the time that passed here.

        Raises:
            ObservationError: the model cannot take it. RemoteError: by kind in ``errors``.
        """
        begin = self._clock()
        allowed = self._timeout if budget is None else budget
        observation.require(self._model.cameras, self._model.proprio_dim)
        theirs = None if budget is None else max(budget - TRANSFER_RESERVE, budget / 2)
        body = write_request(observation, instruction, self._model, seed, futures, theirs, every_candidate)
        answer = self._exchange('POST', '/act', body, allowed - (self._clock() - begin))
        self._require_success(answer)
        inference = read_reply(answer.body, self._model, every_candidate)
        total = self._clock() - begin
        if total > allowed:
            raise DeadlineMissed(f'{self._address}/act: {total:.3g} s instead of {allowed:.3g} s, so the reply is '
                                 f'discarded; raise the budget or ask for less')
        latencies = dict(inference.latencies)
        network = {'network': total - latencies['total']} if 'total' in latencies else {}
        return replace(inference, latencies=latencies | network | {'total': total},
                       future_images=inference.future_images if futures else None)

    def close(self):
        """Further calls are errors."""
        self._closed.set()

    def _exchange(self, method, route, body, seconds):
        if self._closed.is_set():
            raise RemoteError(f'{self._address}: this backend was closed')
        if seconds <= 0:
            raise DeadlineMissed(f'{self._address}{route}: the budget was spent before the request was sent; raise it')
        return exchange(self._address, method, route, body, self._headers, seconds, self._max_reply)

    def _require_act_route(self):
        if self._exchange('GET', '/act', None, self._timeout).status != http.HTTPStatus.METHOD_NOT_ALLOWED:
            raise NotAPolicyServer(f'{self._address} has no /act that takes a POST; check the address')

    def _described(self, body):
        try:
            model = ServedModel.from_dict(json.loads(body))
        except (ValueError, TypeError) as error:
            raise NotAPolicyServer(f'{self._address}/health: {error}; check the address') from None
        for name in ('robot', 'cameras', 'proprio_dim', 'action_dim', 'chunk_rows'):
            if getattr(model, name) != getattr(self._expected, name):
                raise NotAPolicyServer(f'{self._address} serves {name} {getattr(model, name)!r}, this robot needs '
                                       f'{getattr(self._expected, name)!r}; serve a checkpoint of this robot')
        return model

    def _require_success(self, answer):
        """Raises unless the status is 200."""
        status, kind = answer.status, answer.headers.get_content_type()
        if status == http.HTTPStatus.OK and kind == 'application/json':
            return
        said = f'{self._address} answered {status}{_reason(answer.body, kind)}'
        if status in (http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE):
            raise ServerBusy(said, _seconds(answer.headers.get('Retry-After')))
        if status in (http.HTTPStatus.GATEWAY_TIMEOUT, http.HTTPStatus.REQUEST_TIMEOUT):
            raise DeadlineMissed(said)
        if status == http.HTTPStatus.OK:
            raise NotAPolicyServer(f'{said} of type {kind}; check the address')
        if status < 400 or status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.METHOD_NOT_ALLOWED):
            raise NotAPolicyServer(f'{said}; redirects are not followed: give the address of the server itself')
        if status < 500:
            raise RequestRefused(said)
        raise ServerFailed(said)


def parse_url(url, authority=''):
    """The ``Address`` of 'http://host:port'; a trailing '/act' is allowed. ``ValueError`` for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ('http', 'https') or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f'server URL {url!r}: expected http://host:{PORT} or https://host:{PORT}')
    try:
        context = ssl.create_default_context(cafile=authority or None) if parts.scheme == 'https' else None
    except OSError as error:
        raise ValueError(f'certificate authority {authority}: {error}; give a PEM file') from None
    path = parts.path.rstrip('/')
    return Address(parts.hostname, parts.port or PORT, path[:-len('/act')] if path.endswith('/act') else path, context)


def _reason(body, kind):
    if kind != 'application/json':
        return ''
    try:
        document = json.loads(body)
        return f': {document["where"]}: {document["error"]}; {document["next"]}'
    except (ValueError, KeyError, TypeError):
        return ''


def _seconds(text):
    return float(text) if text and text.isdigit() else 1.0
