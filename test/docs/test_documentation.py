"""What the hand-written pages refer to exists: links, tests, topics, types, messages."""
import re
from pathlib import Path

import pytest
import yaml

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.nodes.robot import RobotParameters
from cosmos_policy_ros.rollouts.topics import RobotTopics, recorded_topics

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / 'docs').glob('*.md'), ROOT / 'README.md'])
page = pytest.mark.parametrize('path', PAGES, ids=lambda path: path.name)
OWN_NAME = re.compile(r'(?<!\w)/(?:cosmos_policy|sim)/[a-z_]+(?:/[a-z_]+)?')


def anchors(path):
    """Anchors of a page's headings, as the usual renderers make them."""
    heads = re.findall(r'^#+ (.+)$', path.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in heads}


@page
def test_every_relative_link_resolves(path):
    broken = []
    for target in re.findall(r'\]\(([^)\s]+)\)', path.read_text()):
        if re.match(r'[a-z]+:', target):
            continue
        name, _, anchor = target.partition('#')
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@page
def test_every_test_that_is_named_exists(path):
    missing = []
    for file, _, name in re.findall(r'(test/[\w/]+\.py)(::(\w+))?', path.read_text()):
        if not (ROOT / file).is_file() or (name and not re.search(rf'^def {name}\(', (ROOT / file).read_text(), re.M)):
            missing.append(f'{file}::{name}')
    assert missing == []


def own_names_in_the_code():
    """Topics, services and actions that the nodes use, and those that the recorder listens to."""
    names = set()
    for path in (ROOT / 'cosmos_policy_ros' / 'nodes').glob('*.py'):
        text = re.sub(r'\{OWN\}', '/cosmos_policy', path.read_text())
        names |= {name.rstrip('/') for name in re.findall(r'[\'"](/(?:cosmos_policy|sim)/[a-z_/]+)', text)}
    names |= {topic.topic for topic in recorded_topics(RobotTopics()) if OWN_NAME.fullmatch(topic.topic)}
    names.discard('/cosmos_policy/imagined')
    return names | {f'/cosmos_policy/imagined/{camera}' for camera in CAMERAS}


def test_interfaces_lists_exactly_the_names_in_the_code():
    assert set(OWN_NAME.findall((ROOT / 'docs' / 'interfaces.md').read_text())) == own_names_in_the_code()


def test_interfaces_mentions_every_type_of_this_package():
    text = (ROOT / 'docs' / 'interfaces.md').read_text()
    types = [path.stem for kind in ('msg', 'srv', 'action') for path in (ROOT / kind).iterdir()]
    assert [name for name in types if f'`{name}`' not in text] == []


def test_rviz_shows_the_cameras_and_their_imagined_futures():
    """Topics that do not exist stay black without a word."""
    displays = yaml.safe_load((ROOT / 'rviz' / 'aloha.rviz').read_text())['Visualization Manager']['Displays']
    shown = [display['Topic']['Value'] for display in displays if display['Class'] == 'rviz_default_plugins/Image']
    robot = RobotParameters()
    assert sorted(shown) == sorted([*map(robot.image_topic, CAMERAS),
                                    *(f'/cosmos_policy/imagined/{camera}' for camera in CAMERAS)])


def test_the_messages_in_troubleshooting_are_those_of_the_code():
    """Quoted messages have "..." where the code puts values; everything between must stand in the sources."""
    sources = [path for folder in ('cosmos_policy_ros', 'tools') for path in (ROOT / folder).rglob('*.py')]
    # A message that runs over several literals reads as one.
    code = '\n'.join(re.sub(r"'\s*\n\s*f?'", '', path.read_text()) for path in [*sources, ROOT / 'Makefile'])
    rows = re.findall(r'^\| (`.*?) \|', (ROOT / 'docs' / 'troubleshooting.md').read_text(), re.MULTILINE)
    quoted = [text for row in rows for text in re.findall(r'`([^`]+)`', row)]
    assert len(quoted) > 20
    assert [part for text in quoted for part in re.split(r'\.\.\.', text) if part.strip() not in code] == []
