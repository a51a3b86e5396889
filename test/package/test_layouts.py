"""The layouts for Foxglove and PlotJuggler name topics and fields that exist, and hang together. They are not opened here."""
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import diagnostic_msgs.msg
import pytest
import sensor_msgs.msg
import visualization_msgs.msg

import cosmos_policy_ros.msg
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS
from cosmos_policy_ros.rollouts.topics import RobotTopics

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {'sensor_msgs': sensor_msgs.msg, 'visualization_msgs': visualization_msgs.msg, 'diagnostic_msgs': diagnostic_msgs.msg}
FOXGLOVE = json.loads((ROOT / 'foxglove' / 'aloha.json').read_text())
PLOTJUGGLER = ElementTree.parse(ROOT / 'plotjuggler' / 'aloha.xml').getroot()
NUMBERS = re.compile(r'(bool(ean)?|u?int\d+|float|double)')
"""Field types that can be plotted, as the messages name them."""


def documented():
    """Message class by topic: the robot's own, and those of the tables of docs/interfaces.md."""
    robot = RobotTopics()
    found = {f'{arm}/joint_states': sensor_msgs.msg.JointState for arm in robot.arms}
    found |= dict.fromkeys(robot.images, sensor_msgs.msg.Image)
    for line in (ROOT / 'docs' / 'interfaces.md').read_text().splitlines():
        cells = [cell.strip() for cell in line.split('|')]
        kinds = re.findall(r'`(?:(\w+)/)?(\w+)`', cells[2]) if len(cells) > 5 else []
        package, kind = kinds[0] if kinds else ('', '')
        message = getattr(PACKAGES.get(package, cosmos_policy_ros.msg), kind, None)
        found |= {topic: message for topic in re.findall(r'`(/[\w/]+)`', cells[1])} if message else {}
    return found


TOPICS = documented()


def field(path, separator):
    """(type of the field, whether the path picks of an array) of a path such as '/topic.field[3]'."""
    topic = max((topic for topic in TOPICS if path.startswith(topic + separator)), key=len, default=None)
    assert topic, f'{path}: no such topic in docs/interfaces.md'
    name, index = re.fullmatch(r'(\w+)((?:\[[\d:]+\])?)', path[len(topic) + 1:]).groups()
    return TOPICS[topic].get_fields_and_field_types()[name], bool(index)


def is_number(path, separator):
    """Whether a path leads to numbers: a field that is one, or picked of an array of them."""
    kind, picked = field(path, separator)
    return bool(NUMBERS.search(kind)) and picked is kind.startswith('sequence')


def mosaic(node):
    """Panel ids of a Foxglove layout."""
    return [node] if isinstance(node, str) else mosaic(node['first']) + mosaic(node['second'])


def curves():
    return [curve.get('name') for curve in PLOTJUGGLER.iter('curve')]


def test_every_panel_is_in_the_mosaic_once_and_configured():
    assert sorted(mosaic(FOXGLOVE['layout'])) == sorted(FOXGLOVE['configById'])


@pytest.mark.parametrize('panel', FOXGLOVE['configById'])
def test_a_foxglove_panel_shows_what_there_is(panel):
    kind, config = panel.split('!')[0], FOXGLOVE['configById'][panel]
    if kind == 'Image':
        assert TOPICS[config['imageMode']['imageTopic']] is sensor_msgs.msg.Image
    elif kind == '3D':
        assert config['topics'] and all(TOPICS[topic] is visualization_msgs.msg.MarkerArray for topic in config['topics'])
    elif kind == 'Plot':
        assert all(is_number(path['value'], '.') and path['enabled'] for path in config['paths'])
    elif kind == 'StateTransitions':
        assert all(field(path['value'], '.')[0] in ('string', 'boolean') for path in config['paths'])
    elif kind == 'RawMessages':
        assert field(config['topicPath'], '.')
    else:
        assert kind == 'DiagnosticSummary' and TOPICS[config['topicToRender']] is diagnostic_msgs.msg.DiagnosticArray


@pytest.mark.parametrize('curve', curves())
def test_a_plotjuggler_curve_is_a_number_that_there_is(curve):
    """Joint states are listed by joint name there, as the program's own reader of them does."""
    joint = re.fullmatch(r'(/follower_\w+/joint_states)/(\w+)/position', curve)
    if joint:
        assert TOPICS[joint[1]] is sensor_msgs.msg.JointState and joint[2] in ARM_JOINTS
    else:
        assert is_number(curve, '/')


def test_every_splitter_counts_its_children():
    for splitter in PLOTJUGGLER.iter('DockSplitter'):
        assert int(splitter.get('count')) == len(splitter) == len(splitter.get('sizes').split(';'))
