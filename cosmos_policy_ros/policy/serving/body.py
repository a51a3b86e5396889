"""A request's body, read within limits of size, time and memory."""
import asyncio
from contextlib import contextmanager

from .refusal import Refusal

DRAIN_BYTES = 64 << 20
DRAIN_TIME = 2.0
"""s. A client that is still sending sees a broken pipe instead of our answer, so this much of its body is thrown away
before an early answer."""


class ClientLeft(Exception):
    """Nobody is there any more to read an answer."""


class Buffer:
    """Bytes of all bodies that are held at one time, bounded. Used from the event loop only."""

    def __init__(self, limit):
        self._limit, self._held = limit, 0

    @contextmanager
    def share(self):
        """``take(count)`` within the block counts bytes as held until its end; 503 when there are too many."""
        mine = 0

        def take(count):
            nonlocal mine
            if self._held + count > self._limit:
                raise Refusal(503, 'too many request bodies at a time', 'server', 'try again later')
            mine += count
            self._held += count

        try:
            yield take
        finally:
            self._held -= mine


class Body:
    """The body of one starlette ``request``. ``complete``: its end was seen."""

    def __init__(self, request):
        self._request = request
        self.complete = False

    @classmethod
    def of(cls, request):
        """The one reader of this request."""
        return request.scope.setdefault('cosmos_policy_ros.body', cls(request))

    async def read(self, limit, timeout, take):
        """All of it as bytes.

        Args:
            limit: bytes. timeout: s. take: of ``Buffer.share``.

        Raises:
            Refusal: 413, 408 or 503. ClientLeft: see there.
        """
        too_large = Refusal(413, f'a body of more than {limit} bytes', 'body',
                            'send the pictures as json_numpy arrays of 224x224 pixels')
        if int(self._request.headers.get('content-length', 0)) > limit:
            raise too_large

        async def collect():
            body = bytearray()
            async for chunk in self._chunks():
                if len(body) + len(chunk) > limit:
                    raise too_large
                take(len(chunk))
                body += chunk
            return body

        try:
            return await asyncio.wait_for(collect(), timeout)
        except asyncio.TimeoutError:
            raise Refusal(408, f'the body did not arrive within {timeout:g} s', 'body', 'send it faster') from None

    async def drain(self):
        """Throw away what is still being sent, within limits; never asks for a body that waits for our consent."""
        if self.complete or 'expect' in self._request.headers:
            return

        async def discard():
            size = 0
            async for chunk in self._chunks():
                size += len(chunk)
                if size > DRAIN_BYTES:
                    return

        try:
            await asyncio.wait_for(discard(), DRAIN_TIME)
        except (asyncio.TimeoutError, ClientLeft):
            pass

    async def _chunks(self):
        while not self.complete:
            message = await self._request.receive()
            if message['type'] == 'http.disconnect':
                raise ClientLeft
            self.complete = not message.get('more_body', False)
            yield message.get('body', b'')
