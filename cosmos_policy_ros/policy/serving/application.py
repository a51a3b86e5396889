"""The routes of the policy server: ``/act``, ``/health`` and ``/metrics``."""
import asyncio
import hmac
import logging
import math
import time
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import ObservationError, PolicyError, UnknownInstruction
from .body import Body, Buffer, ClientLeft
from .inference_queue import InferenceQueue, QueueFull, QueueStopped
from .metrics import CONTENT_TYPE, Metrics
from .refusal import Refusal
from .reply import FAILED, write_reply
from .request import read_request

LOG = logging.getLogger('cosmos_policy_ros.serving')
CLIENT_LEFT = 499
"""Status in the log and the metrics only: nobody is there to read it."""

PARSERS = 2
"""Documents that are parsed at a time: a parsed document takes several times its length."""

KEPT_STATUS = {401, 404, 405, 408, 413, 415}
"""Not turned into the published "error" by ``legacy_errors``: these do not come from an inference."""

REPLY_RESERVE = 0.05
"""s of a request's budget that are kept from the backend for encoding and sending the reply."""


class Application:
    """Serves one backend.

    Args:
        backend: an ``inference.Backend``; its calls are made in one thread. model: a ``ServedModel``. settings: a
        ``ServerSettings``. on_failure: called when the warm-up failed, which is then in ``failure``.
        gpu_memory: see ``Metrics``. clock: s.
    """

    def __init__(self, backend, model, settings, version='', on_failure=lambda: None, gpu_memory=None,
                 clock=time.monotonic):
        self.backend, self.model, self.settings, self.version = backend, model, settings, version
        self.queue = InferenceQueue(settings.queue)
        self.metrics = Metrics(self.queue, gpu_memory)
        self.state = 'warming up'
        self.failure = None
        self._on_failure, self._clock = on_failure, clock
        self._buffer = Buffer(settings.max_buffered)
        self._parsers = asyncio.Semaphore(PARSERS)
        self._inference_seconds = 0.0
        self.asgi = Starlette(
            routes=[Route('/act', self._act, methods=['POST']), Route('/health', self._health),
                    Route('/metrics', self._metrics)],
            exception_handlers={HTTPException: self._http_error, Refusal: self._refuse,
                                ClientLeft: self._left},
            lifespan=self._lifespan)
        self.asgi.router.redirect_slashes = False

    def stop(self):
        """Finish the running inference, refuse everything else."""
        self.state = 'stopping'
        self.queue.stop()

    @asynccontextmanager
    async def _lifespan(self, _):
        warming = asyncio.ensure_future(self._warm_up())
        yield
        warming.cancel()

    async def _warm_up(self):
        try:
            await self.queue.submit(self.backend.warm_up)
            self.state = 'ready'
        except QueueStopped:
            pass
        except Exception as error:
            self.state, self.failure = 'failed', error
            self._on_failure()

    async def _health(self, request):
        self._authorise(request)
        ready = self.state == 'ready'
        return JSONResponse({'ready': ready, 'state': self.state, 'version': self.version, 'busy': self.queue.busy,
                             'queue': self.queue.depth, **self.model.to_dict()}, 200 if ready else 503)

    async def _metrics(self, request):
        self._authorise(request)
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def _act(self, request):
        begin = self._clock()
        self._authorise(request)
        kind = request.headers.get('content-type', '').partition(';')[0].strip().lower()
        if kind != 'application/json':
            raise Refusal(415, f'a body of type {kind or "unknown"}', 'header content-type', 'send application/json')
        self._admit()
        with self._buffer.share() as take:
            settings = self.settings
            body = await Body.of(request).read(settings.max_body, settings.body_timeout, take)
            received = self._clock()
            async with self._parsers:
                parsed = await asyncio.to_thread(read_request, body, self.model, begin, settings.max_image_side)
            del body
        self._spent(receive=received - begin, parse=self._clock() - received)
        inference = await self._infer(request, parsed, begin)
        answered = self._clock()
        text = await asyncio.to_thread(write_reply, inference, self.model, parsed.every_candidate, parsed.own_facts,
                                       parsed.double)
        self._spent(reply=self._clock() - answered)
        self.metrics.answered(200)
        return Response(text, media_type='application/json')

    def _authorise(self, request):
        expected = f'Bearer {self.settings.token}'.encode()
        given = request.headers.get('authorization', '').encode()
        if self.settings.token and not hmac.compare_digest(given, expected):
            raise Refusal(401, 'missing or wrong token', 'header authorization', 'send "Authorization: Bearer TOKEN"')

    def _admit(self):
        if self.state == 'warming up':
            raise Refusal(503, 'the model is warming up', 'server', 'try again later')
        try:
            self.queue.admit()
        except QueueFull:
            raise Refusal(503, f'{self.queue.depth} requests wait already', 'server', 'try again later') from None
        except QueueStopped:
            raise Refusal(503, 'the server is stopping', 'server', 'connect to another one') from None

    async def _infer(self, request, parsed, begin):
        submitted = self._clock()

        def job():
            started = self._clock()
            budget = parsed.budget or self.settings.budget or None
            if budget is not None:
                budget -= REPLY_RESERVE + started - begin
                if budget <= 0:
                    raise Refusal(504, 'no turn within the budget', 'server', 'try again later')
            inference = self.backend.infer(
                parsed.observation, parsed.instruction, self.settings.seed if parsed.seed is None else parsed.seed,
                parsed.futures, budget, parsed.every_candidate)
            return inference, started, self._clock()

        self._admit()
        answer = self.queue.submit(job)
        gone = asyncio.ensure_future(request.receive())  # after the body, the only message left is the end
        try:
            await asyncio.wait({answer, gone}, timeout=self.settings.deadline - (submitted - begin),
                               return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                if gone.done():
                    raise ClientLeft
                raise Refusal(504, f'no answer within {self.settings.deadline:g} s', 'server',
                              'try again later, or ask for less planning')
            inference, started, ended = answer.result()
        except (Refusal, ClientLeft):
            raise
        except QueueStopped:
            raise Refusal(503, 'the server is stopping', 'server', 'connect to another one') from None
        except UnknownInstruction as error:
            raise Refusal(422, str(error), 'task_description', 'send a known instruction, see /health') from None
        except ObservationError as error:
            raise Refusal(422, str(error), 'observation', 'send what the model of /health takes') from None
        except PolicyError as error:
            raise Refusal(500, str(error), 'inference', 'see the log of the server') from error
        except Exception as error:
            LOG.exception('inference failed')
            raise Refusal(500, f'the inference failed with {type(error).__name__}', 'inference',
                          'see the log of the server') from None
        finally:
            answer.cancel()
            gone.cancel()
        self._inference_seconds = ended - started
        self._spent(wait=started - submitted, inference=ended - started,
                    **{f'model_{name}': seconds for name, seconds in inference.latencies.items()})
        return inference

    def _spent(self, **stages):
        for stage, seconds in stages.items():
            self.metrics.spent(stage, seconds)

    async def _http_error(self, request, error):
        allowed = (error.headers or {}).get('Allow', '')
        refusal = Refusal(error.status_code, error.detail, f'{request.method} {request.url.path}',
                          f'use {allowed}' if allowed else 'use POST /act, GET /health or GET /metrics')
        return await self._refuse(request, refusal)

    async def _refuse(self, request, refusal):
        LOG.warning('%d %.300s', refusal.status, refusal)
        body = Body.of(request)
        if refusal.status != 408:
            await body.drain()
        status, content = self._form(refusal)
        self.metrics.answered(status)
        headers = {} if body.complete else {'connection': 'close'}
        if refusal.status == 503:
            headers['retry-after'] = str(max(1, math.ceil(self._inference_seconds * (self.queue.depth + 1))))
        if refusal.status == 401:
            headers['www-authenticate'] = 'Bearer'
        return JSONResponse(content, status, headers)

    def _form(self, refusal):
        """(status, content) of the answer; with ``legacy_errors`` what the published server would have said."""
        if not self.settings.legacy_errors or refusal.status in KEPT_STATUS:
            return refusal.status, refusal.to_dict()
        return (422, refusal.to_dict()) if refusal.where == 'body' else (200, FAILED)

    async def _left(self, request, _):
        self.metrics.answered(CLIENT_LEFT)
        return Response(status_code=CLIENT_LEFT)
