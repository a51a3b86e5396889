"""A stop button's heartbeat: what it says, and when it says nothing."""
import time
from types import SimpleNamespace

import pytest
from std_msgs.msg import Header

from cosmos_policy_ros.msg import StopSource
from cosmos_policy_ros.nodes.stop_button import StopButton


class FakeNode:
    """Keeps what is published; its timer is called by hand."""

    def __init__(self):
        self.sent = []

    def create_publisher(self, *_):
        return SimpleNamespace(publish=self.sent.append)

    def create_timer(self, _, callback, clock):
        self.beat = callback

    def get_clock(self):
        return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: Header().stamp))


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def button(node):
    return StopButton(node, 'here', lambda: 3)


def test_it_says_nothing_until_it_is_set_then_its_level_and_a_press_at_once(node, button):
    node.beat()
    assert not node.sent
    button.set(False)
    node.beat()
    button.set(True)
    assert [message.level for message in node.sent] == [StopSource.RELEASED, StopSource.PRESSED]
    assert [message.sequence for message in node.sent] == [1, 2] and node.sent[0].supervisor_counter == 3


def test_a_button_that_nobody_attends_to_falls_silent_but_a_press_is_repeated(node, button):
    button.set(False)
    button.attended(0.02)
    node.beat()
    assert len(node.sent) == 1
    time.sleep(0.03)
    node.beat()
    assert len(node.sent) == 1, 'deserted'
    button.attended(60.0)
    node.beat()
    assert len(node.sent) == 2
    button.attended(0.0)
    time.sleep(0.001)
    button.set(True)
    node.beat()
    assert [message.level for message in node.sent[2:]] == [StopSource.PRESSED] * 2
