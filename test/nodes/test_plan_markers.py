"""The chunk as paths of the hands, and the state as text."""
import math

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import Side
from cosmos_policy_ros.embodiment.kinematics import end_effector
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.msg import SafetyCause, SafetyStatus
from cosmos_policy_ros.nodes.markers import GREEN
from cosmos_policy_ros.nodes.plan_markers import BEADS, LAST, NOW, VALUES, PlanMarkers
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope

ENVELOPE = Envelope(load_config(config_file('safety.yaml')))
RUNNING = SafetyStatus(state_name='RUNNING', authority='policy', speed_scale=1.0, armed=True)


@pytest.fixture
def markers():
    return PlanMarkers(ENVELOPE, 'world')


def shown(markers, status=RUNNING):
    return {marker.ns: marker for marker in markers.array(status, Time(sec=3)).markers}


def swing(rows=50):
    """Away from the other arm and back above the table."""
    plan = np.tile(START, (rows, 1))
    plan[:, [0, 7]] += 0.2 * np.sin(np.linspace(0, 3, rows))[:, None]
    return plan


def test_a_path_follows_the_hand_through_the_chunk(markers):
    plan = swing()
    markers.take(plan, 0.5)
    path, beads = shown(markers)['left path'], shown(markers)['left beads']
    hands = end_effector(plan[:, :6], ENVELOPE.config.cell.base(Side.LEFT))[:, :3, 3]
    assert np.allclose([(p.x, p.y, p.z) for p in path.points], hands, atol=1e-6) and len(path.colors) == 50
    assert len(beads.points) == len(beads.colors) == 50 // BEADS
    first, last = ([colour.r, colour.g, colour.b] for colour in (beads.colors[0], beads.colors[-1]))
    assert first == pytest.approx(NOW) and np.abs(np.subtract(last, LAST)).max() < 0.2


def test_the_line_is_green_in_the_open_and_red_where_the_arms_meet(markers):
    markers.take(swing(), math.nan)
    free = shown(markers)['right path'].colors[0]
    assert (free.r, free.g, free.b) == pytest.approx(GREEN)
    meeting = START.copy()
    meeting[[1, 8]] += 1.0  # both lean over the middle of the table
    meeting[[2, 9]] -= 0.9
    towards = np.linspace(START, meeting, 50)
    markers.take(towards, math.nan)
    close = shown(markers)['right path'].colors[-1]
    assert close.r > 0.85 and close.g < 0.5


def test_what_the_supervisor_refuses_is_not_shown(markers):
    plan = swing()
    markers.take(plan, 0.5)
    before = shown(markers)['left path'].points
    for bad in (plan[:, :13], np.where(np.arange(50)[:, None] == 30, np.nan, plan), [], [[0.0] * 14, [0.0] * 3]):
        markers.take(bad, 0.9)
        assert shown(markers)['left path'].points == before and '0.90' not in shown(markers)['state'].text


def test_a_path_goes_with_its_authority_and_keeps_its_place(markers):
    markers.take(swing(), 0.5)
    there = {name: marker.id for name, marker in shown(markers).items()}
    markers.clear()
    gone = shown(markers)
    assert {name: marker.id for name, marker in gone.items()} == there
    assert all(marker.action == Marker.DELETE for name, marker in gone.items() if name != 'state')
    assert 'value' not in gone['state'].text


def test_the_text_says_state_causes_with_hints_and_values(markers):
    for value in np.linspace(0, 1, VALUES + 3):
        markers.take(swing(), value)
    text = shown(markers)['state'].text
    assert text.startswith('RUNNING policy\n') and text.count('0.') == VALUES - 1 and text.endswith('1.00')
    stopped = SafetyStatus(state_name='ESTOPPED', speed_scale=0.5, blockers=['operator is pressed'],
                           causes=[SafetyCause(text='stop pressed (operator)', hint='let go, then reset')])
    text = shown(markers, stopped)['state'].text.splitlines()
    assert text[:3] == ['ESTOPPED  50% speed', 'stop pressed (operator): let go, then reset', 'first: operator is pressed']
