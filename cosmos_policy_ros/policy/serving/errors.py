"""What can go wrong between a client and an ``/act`` server, by what the client can do about it."""
from ..errors import PolicyError


class RemoteError(PolicyError):
    """Base of every failure of a remote inference; the backend stays usable and connects again at the next call."""


class ServerUnreachable(RemoteError):
    """No connection, or one that ended before the whole reply was there."""


class DeadlineMissed(RemoteError):
    """No complete reply within the time allowed; whatever still arrives is discarded."""


class ServerBusy(RemoteError):
    """The server is starting, stopping or has a full queue. ``retry_after``: s that it asks to wait."""

    def __init__(self, message, retry_after):
        super().__init__(message)
        self.retry_after = retry_after


class RequestRefused(RemoteError):
    """The server understood us and will not answer this request: unknown instruction, wrong token, bad field."""


class ServerFailed(RemoteError):
    """The inference failed on the server."""


class NotAPolicyServer(RemoteError):
    """Something else answers at this address: a redirect, a page, another API."""


class MalformedReply(RemoteError):
    """A reply whose fields are missing, of a wrong type or of a wrong shape; nothing of it may be executed."""


class NonFiniteReply(MalformedReply):
    """A reply with NaN or infinity among the actions."""


class ReplyTooLarge(RemoteError):
    """A reply beyond the limit of this client; it was not read to its end."""
