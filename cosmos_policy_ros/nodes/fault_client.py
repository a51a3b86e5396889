"""Asks the simulated robot of this domain to break or mend something."""
from cosmos_policy_ros.srv import InjectFault

from .background import BackgroundNode

REPEAT = 1.0
"""s after which an unanswered request is sent again."""


def ask(fault, target='', value=0.0, active=True, patience=5.0):
    """The ``InjectFault.Response``, or None when no simulator answers within ``patience`` s of wall time."""
    with BackgroundNode('fault_injection') as background:
        client = background.node.create_client(InjectFault, '/sim/inject_fault')
        request = InjectFault.Request(fault=fault, target=target, value=value, active=active)
        return background.ask(client, request, patience, REPEAT)
