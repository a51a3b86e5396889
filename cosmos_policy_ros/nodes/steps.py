"""What an operator asks for at a panel, and what bring-up begins, told to the recorder with its source."""
import json
from datetime import datetime, timezone

from std_msgs.msg import String

from cosmos_policy_ros.rollouts.topics import STEP

from .qos import LATCHED


class Steps:
    """Tells steps of one ``source``: a panel's id, "cli" for a command, or the node that carries something out.

    A recorder that is found late, or starts anew, hears the last ones again; each has the time at which it was told.
    """

    def __init__(self, node, source):
        self._source = source
        self._publisher = node.create_publisher(String, STEP, LATCHED)

    def tell(self, step, note=''):
        """Tell that ``step`` was asked for, or is begun. ``note``: what was said with it, such as a failure type."""
        asked = datetime.now(timezone.utc).isoformat()
        told = {'step': step, 'source': self._source, 'note': note, 'asked': asked}
        self._publisher.publish(String(data=json.dumps(told)))
