"""One ``std_srvs/Trigger`` service asked from a command, with what it says of itself meanwhile."""
import time

from diagnostic_msgs.msg import DiagnosticArray
from std_srvs.srv import Trigger

from .background import BackgroundNode
from .qos import DRIVER
from .steps import Steps

DISCOVERY = 5.0
"""s of wall time in which a service on the network is found."""


class TriggerCall(BackgroundNode):
    """A client of one service, which tells the recorder as "cli" what it asks for.

    Args:
        service: full name; its last part is the step. entry: name of the diagnostics entry whose message is the progress.
    """

    def __init__(self, service, entry):
        super().__init__('trigger_call')
        self._client = self.node.create_client(Trigger, service)
        self._step, self._steps = service.rpartition('/')[2], Steps(self.node, 'cli')
        self.progress = ''
        self.node.create_subscription(DiagnosticArray, '/diagnostics',
                                      lambda message: self._on_diagnostics(message, entry), DRIVER)

    def trigger(self, patience, show):
        """The response; None when nobody serves it or it does not come within ``patience`` s. ``show`` takes progress."""
        if not self._client.wait_for_service(timeout_sec=DISCOVERY):
            return None
        time.sleep(1.0)  # an answer before the server has discovered this client would be lost
        self._steps.tell(self._step)
        return self.ask(self._client, Trigger.Request(), patience, meanwhile=lambda: show(self.progress))

    def _on_diagnostics(self, message, entry):
        for status in message.status:
            if status.name == entry:
                self.progress = status.message
