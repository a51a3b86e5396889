"""An HTTP answer that is no chunk."""
from ..errors import PolicyError


class Refusal(PolicyError):
    """``status``: of HTTP. ``what``: went wrong. ``where``: the field or part. ``next``: what the client can do."""

    def __init__(self, status, what, where, next_step):
        super().__init__(f'{where}: {what}; {next_step}')
        self.status, self.what, self.where, self.next = status, what, where, next_step

    def to_dict(self):
        """Body of the answer."""
        return {'error': self.what, 'where': self.where, 'next': self.next}
