"""Handles as RViz is told to show them, and the server that tells it."""
import numpy as np
import pytest
from visualization_msgs.msg import InteractiveMarkerControl, InteractiveMarkerFeedback

from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.inverse_kinematics import ArmSolver, pose_of
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.embodiment.rotations import matrix_of_quaternion
from cosmos_policy_ros.nodes.handles import ENTRIES, entry_of, handle, name_of, pose_matrix, side_of
from cosmos_policy_ros.nodes.interactive import InteractiveServer

HAND = ArmSolver(Side.LEFT, Cell()).forward(START[:6])


def test_a_handle_has_an_arrow_and_a_ring_for_every_axis():
    marker = handle(Side.LEFT, HAND, 'world', True, '')
    ways = {}
    for control in marker.controls[1:]:
        o = control.orientation
        axis = matrix_of_quaternion((o.x, o.y, o.z, o.w))[:, 0]  # RViz's arrow lies along x
        ways.setdefault(control.interaction_mode, []).append(axis)
    assert set(ways) == {InteractiveMarkerControl.MOVE_AXIS, InteractiveMarkerControl.ROTATE_AXIS}
    for axes in ways.values():
        assert np.allclose(np.sort(np.abs(axes), axis=0), np.sort(np.eye(3), axis=0), atol=1e-12) and len(axes) == 3
    assert np.allclose(pose_matrix(marker.pose), HAND) and marker.header.frame_id == 'world'


def test_its_menu_and_its_name_are_understood():
    marker = handle(Side.RIGHT, HAND, 'world', False, 'out of reach')
    assert marker.description == 'out of reach' and side_of(marker.name) is Side.RIGHT and marker.name == name_of(Side.RIGHT)
    assert [entry_of(entry.id) for entry in marker.menu_entries] == list(ENTRIES)
    assert entry_of(0) == entry_of(99) == ''


class FakeNode:
    """Keeps what is published."""

    def __init__(self):
        self.sent = []

    def create_publisher(self, *_):
        return self

    def publish(self, message):
        self.sent.append(message)

    def create_subscription(self, _, topic, callback, *__):
        self.hear = callback

    def create_service(self, *_):
        pass


@pytest.fixture
def node():
    return FakeNode()


def test_a_handle_that_has_only_moved_costs_only_its_pose(node):
    server = InteractiveServer(node, '/handles')
    marker = handle(Side.LEFT, HAND, 'world', True, '')
    server.show([marker])
    server.show([handle(Side.LEFT, HAND, 'world', True, '')])
    moved = handle(Side.LEFT, pose_of(HAND[:3, :3], HAND[:3, 3] + 0.01), 'world', True, '')
    server.show([moved])
    server.show([handle(Side.LEFT, HAND, 'world', True, 'at a limit')])
    assert [(len(update.markers), len(update.poses)) for update in node.sent] == [(1, 0), (0, 1), (1, 0)]
    assert node.sent[1].poses[0].pose == moved.pose and [update.seq_num for update in node.sent] == [1, 2, 3]


def test_only_what_moves_a_known_handle_is_passed_on(node):
    heard = []
    server = InteractiveServer(node, '/handles', dragged=lambda feedback: heard.append(feedback.event_type))
    server.show([handle(Side.LEFT, HAND, 'world', True, '')])
    for event in range(7):
        node.hear(InteractiveMarkerFeedback(marker_name='left_hand', event_type=event))
    node.hear(InteractiveMarkerFeedback(marker_name='third_hand', event_type=InteractiveMarkerFeedback.MOUSE_DOWN))
    assert heard == [0, 1, 4, 5]
