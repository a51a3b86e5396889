"""The operator's page in a browser, for a phone or a tablet beside the robot: stop, state, controls."""
import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from cosmos_policy_ros.bringup.share import share_folder
from cosmos_policy_ros.control.operation import FAILURE_TYPES, TYPED, Control, why_not

PRESENCE = 1.0
"""s without a request of an open page after which its stop source says nothing more, which counts as pressed where the
source is required. A page in the background is slowed down by its browser, and is not there either."""

LOOK = 0.05
LINES = 20
TOKEN_HEADER = 'X-Operator-Token'


class OperatorPage:
    """A Starlette application, ``app``.

    Every request but the page itself has to carry the token in a header, which no other site's page can send for the browser;
    and the page is given only to whoever names the host as the server does, so that no foreign name can stand for it.

    Args:
        operator: ``Operator``. station: its ``Station``. token: in the address of the page; '' makes one that the page of
            the loopback address is given. hosts: values of the header "Host" that are answered, None for all.
    """

    def __init__(self, operator, station, token='', hosts=None):
        self._operator, self._station, self._hosts = operator, station, hosts
        self._open, self._token = not token, token or secrets.token_urlsafe(24)
        self._html = (share_folder() / 'web' / 'operator_page.html').read_text()
        self._seen, self._present = -float('inf'), False
        self.app = Starlette(lifespan=self._lifespan, routes=[
            Route('/', self._page), Route('/state', self._state), Route('/do/{control}', self._do, methods=['POST'])])

    @asynccontextmanager
    async def _lifespan(self, _):
        task = asyncio.create_task(self._watch())
        yield
        task.cancel()

    async def _watch(self):
        while True:
            self._operator.follow()
            self._look(time.monotonic())
            await asyncio.sleep(LOOK)

    def _look(self, now):
        present = now - self._seen <= PRESENCE
        if present != self._present and not self._operator.situation().pressed:
            self._station.release() if present else self._station.be_silent()
        self._present = present

    async def _page(self, request):
        given = request.query_params.get('token', '')
        if not self._known_host(request) or not (self._open or secrets.compare_digest(given, self._token)):
            return _refused(403, 'open the address that the command printed, with its token')
        return HTMLResponse(self._html.replace('@TOKEN@', self._token),
                            headers={'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY', 'Referrer-Policy': 'no-referrer'})

    async def _state(self, request):
        if not self._allowed(request):
            return _refused(401, f'send the token of the page as {TOKEN_HEADER}')
        self._seen = time.monotonic()
        situation = self._operator.situation()
        shown = asdict(situation)
        shown['age'] = min(situation.age, 1e9)  # JSON knows no infinity
        feedback = self._station.feedback
        return JSONResponse({**shown, 'heard': situation.heard, 'task': self._operator.task, 'step': getattr(feedback, 'step', 0),
                             'failure_types': FAILURE_TYPES, 'typed': [control.value for control in TYPED],
                             'controls': {control.value: why_not(control, situation) for control in Control},
                             'said': [line for _, line in list(self._operator.said)[-LINES:]]})

    async def _do(self, request):
        if not self._allowed(request):
            return _refused(401, f'send the token of the page as {TOKEN_HEADER}')
        try:
            control = Control(request.path_params['control'])
        except ValueError:
            return _refused(404, f'no such control; use one of {", ".join(control.value for control in Control)}')
        note = request.query_params.get('note', '')
        if note and (control not in TYPED or note not in FAILURE_TYPES):
            return _refused(400, f'{note!r}: only {" and ".join(c.value for c in TYPED)} have a type, one of '
                                 f'{", ".join(FAILURE_TYPES)}')
        reason = self._operator.do(control, note)
        return _refused(409, reason) if reason else JSONResponse({'done': control.value})

    def _allowed(self, request):
        return self._known_host(request) and secrets.compare_digest(request.headers.get(TOKEN_HEADER, ''), self._token)

    def _known_host(self, request):
        return self._hosts is None or request.headers.get('host', '') in self._hosts


def _refused(status, reason):
    return JSONResponse({'refused': reason}, status)
