"""How a server listens and what it refuses."""
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

PORT = 8777
"""Of the published server, and of the address its client uses."""

TOKEN_VARIABLE = 'COSMOS_POLICY_TOKEN'
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class ServerSettings:
    """Settings of a server; ``ValueError`` for an address that others can reach without a token.

    token: bearer token that every request has to carry, '' for none. insecure: allow other addresses than loopback
    without a token. certificate, key: PEM files of TLS, '' for plain HTTP. max_body: bytes of one request.
    max_buffered: bytes of all requests that are being read or wait. max_image_side: pixels. queue: requests that may
    wait. deadline: s from request to answer. body_timeout: s for a body to arrive. head_timeout: s for a request's head
    to arrive, and for a reply to be taken. stop_timeout: s that a stop waits for the running inference. seed: of the
    start noise when a request names none. budget: s that a request without its own gives the planner, 0 for as long as
    it takes. legacy_errors: answer 200 and "error" as the published server does.
    """

    host: str = '127.0.0.1'
    port: int = PORT
    token: str = ''
    insecure: bool = False
    certificate: str = ''
    key: str = ''
    max_body: int = 16 << 20
    max_buffered: int = 128 << 20
    max_image_side: int = 2048
    max_connections: int = 2000
    queue: int = 8
    deadline: float = 30.0
    body_timeout: float = 10.0
    head_timeout: float = 10.0
    stop_timeout: float = 30.0
    seed: int = 195
    budget: float = 0.0
    legacy_errors: bool = False

    def __post_init__(self):
        if not is_loopback(self.host) and not self.token and not self.insecure:
            raise ValueError(f'{self.host} can be reached by others and no token is set: give a token file, or set '
                             f'{TOKEN_VARIABLE}, or say --insecure on a network that is private to the robot')
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise ValueError(f'the token has {len(self.token)} characters: use at least {SHORTEST_TOKEN}, for instance '
                             'from "openssl rand -hex 24"')
        if bool(self.certificate) != bool(self.key):
            raise ValueError('TLS needs both a certificate and its key')
        for name in ('max_body', 'max_buffered', 'max_image_side', 'max_connections', 'deadline', 'body_timeout',
                     'head_timeout', 'stop_timeout'):
            if getattr(self, name) <= 0:
                raise ValueError(f'{name}: expected more than 0, got {getattr(self, name)}')
        if self.queue < 0 or self.budget < 0 or not 0 <= self.port < 65536 or not 0 <= self.seed < 2 ** 32:
            raise ValueError(f'queue {self.queue}, budget {self.budget}, port {self.port} or seed {self.seed} out of '
                             f'range')


def is_loopback(host):
    """Only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def read_token(file=''):
    """The token in ``file``, else in the environment variable ``COSMOS_POLICY_TOKEN``, else ''.

    Raises:
        ValueError: the file cannot be read or is empty.
    """
    if not file:
        return os.environ.get(TOKEN_VARIABLE, '').strip()
    try:
        token = Path(file).read_text().strip()
    except OSError as error:
        raise ValueError(f'token file {file}: {error.strerror}') from None
    if not token:
        raise ValueError(f'token file {file} is empty')
    return token
