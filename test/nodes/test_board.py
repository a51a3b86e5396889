"""The operator's board: what RViz is told to show, and what its clicks mean."""
import pytest
from visualization_msgs.msg import InteractiveMarkerControl

from cosmos_policy_ros.control.operation import FAILURE_TYPES, Control, Situation
from cosmos_policy_ros.control.playback import STEPS
from cosmos_policy_ros.nodes.board import GREY, GRID, RED, SPEED, STOP_SIZE, TASK, Board

TASKS = ['candy', 'plate', 'transfer']
READY, STOPPED = Situation('READY', age=0.0), Situation('ESTOPPED', age=0.0, blockers=('still holds: a camera',))


@pytest.fixture
def board():
    return Board('world', (0.0, 0.7, 0.6), TASKS)


def shown(board, situation):
    return {marker.name: marker for marker in board.markers(situation, 'plate', 0.5)}


def colour(marker):
    rgb = marker.controls[0].markers[0].color
    return pytest.approx((rgb.r, rgb.g, rgb.b))


def test_every_control_has_a_button_of_its_own_that_can_be_clicked(board):
    markers = shown(board, READY)
    assert set(markers) == {control.value for control in Control} | {TASK, SPEED} and set(GRID) == set(Control)
    places = [(m.pose.position.x, m.pose.position.z) for m in markers.values()]
    assert min(max(abs(x - u), abs(z - w)) for i, (x, z) in enumerate(places) for u, w in places[:i]) >= STOP_SIZE
    for marker in markers.values():
        click = marker.controls[0]
        assert click.interaction_mode == InteractiveMarkerControl.BUTTON and click.always_visible and click.markers
        assert marker.header.frame_id == 'world' and board.control(marker.name) in (*Control, None)


def test_the_stop_is_red_and_big_whatever_happens(board):
    for situation in (READY, STOPPED, Situation()):
        stop = shown(board, situation)['stop']
        assert colour(stop) == RED and stop.description == 'STOP' and stop.controls[0].markers[0].scale.x == STOP_SIZE


def test_what_cannot_be_used_is_grey_and_says_why(board):
    markers = shown(board, STOPPED)
    assert colour(markers['start']) == GREY and markers['start'].description == 'START\nstill holds: a camera'
    assert colour(markers['reset']) != GREY and markers['reset'].description == 'RESET'
    assert markers['hand_back'].description.startswith('HAND BACK\n')


def test_tasks_are_chosen_from_a_menu(board):
    menu = shown(board, READY)[TASK]
    assert menu.description == 'task: plate' and [entry.title for entry in menu.menu_entries] == TASKS
    assert [board.choice(TASK, entry.id) for entry in menu.menu_entries] == TASKS
    assert board.choice(TASK, 0) is None and board.choice(TASK, 99) is None and board.choice('stop', 1) is None
    assert InteractiveMarkerControl.MENU in [control.interaction_mode for control in menu.controls]


@pytest.mark.parametrize('name', ['failure', 'partial'])
def test_what_went_wrong_is_chosen_from_a_menu_of_the_judgement(board, name):
    marker = shown(board, READY)[name]
    assert [board.choice(name, entry.id) for entry in marker.menu_entries] == list(FAILURE_TYPES)
    assert board.control(name) is Control(name)


def test_the_speed_is_chosen_from_a_menu(board):
    menu = shown(board, READY)[SPEED]
    assert menu.description == 'speed: 50%'
    assert [board.choice(SPEED, entry.id) for entry in menu.menu_entries] == list(STEPS)
